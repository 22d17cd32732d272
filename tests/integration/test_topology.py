"""What is declared on a real RabbitMQ, and what is said of what is there already."""

import asyncio
from collections.abc import AsyncIterator

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from aiormq import spec

from worker.broker.queues import connected
from worker.broker.topology import Topology, dead_letter_queue, work_queue
from worker.errors import TopologyMismatch

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
async def topology(amqp_url: str, events_exchange: str) -> AsyncIterator[Topology]:
    async with connected(amqp_url, "test") as connection:
        yield Topology(connection, events_exchange)


async def reaching(channel: AbstractChannel, exchange: str, *keys: str) -> set[str]:
    """Return those keys under which an event reaches some queue."""
    target = await channel.get_exchange(exchange)
    answers = await asyncio.gather(*(target.publish(aio_pika.Message(b"{}"), key) for key in keys))
    return {key for key, answer in zip(keys, answers, strict=True) if isinstance(answer, spec.Basic.Ack)}


async def test_a_queue_is_bound_by_what_its_account_maps_and_no_more(
    topology: Topology, channel: AbstractChannel, events_exchange: str, account_name: str
) -> None:
    """Given a mapping that changes, events of a type that it no longer names reach the queue no more."""
    await topology.declare(account_name, {"one", "two"}, {"three"})
    assert await reaching(channel, events_exchange, "one", "two", "three") == {"one", "two"}
    await topology.bind(account_name, {"three"}, {"one", "never.bound"})
    assert await reaching(channel, events_exchange, "one", "two", "three") == {"two", "three"}
    await topology.declare(account_name, {"one"}, {"two", "three"})
    assert await reaching(channel, events_exchange, "one", "two", "three") == {"one"}
    assert await topology.depth(work_queue(account_name)) == 5
    assert await topology.consumers(account_name) == 0


async def test_a_dead_letter_reaches_its_queue(
    topology: Topology, channel: AbstractChannel, account_name: str
) -> None:
    await topology.declare_dead_letters(account_name)
    assert await reaching(channel, "kit.dead", account_name, "nobody") == {account_name}
    assert await topology.depth(dead_letter_queue(account_name)) == 1


async def test_what_is_there_with_other_arguments_is_named(
    topology: Topology, channel: AbstractChannel, account_name: str
) -> None:
    await channel.declare_queue(work_queue(account_name), durable=True)
    with pytest.raises(TopologyMismatch, match=r"inequivalent arg .* delete it in RabbitMQ"):
        await topology.declare(account_name, (), ())


async def test_an_events_exchange_of_the_platforms_own_is_taken_as_it_is(
    topology: Topology, channel: AbstractChannel, events_exchange: str, account_name: str
) -> None:
    """Given an exchange with an alternate one, declaring it again without would be refused."""
    await channel.declare_exchange(
        events_exchange, "topic", durable=True, arguments={"alternate-exchange": "amq.fanout"}
    )
    await topology.declare(account_name, {"one"}, ())
    assert await reaching(channel, events_exchange, "one") == {"one"}


async def test_a_queue_that_is_not_there_has_no_depth(topology: Topology, account_name: str) -> None:
    assert await topology.depth(work_queue(account_name)) is None
    assert await topology.consumers(account_name) == 0
