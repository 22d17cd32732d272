"""Channels on a real RabbitMQ: how they end, their numbers, and that nothing of them stays."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import dataclass, field

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from aio_pika.tools import OneShotCallback

from tests.chaos.proxy import Proxy
from tests.integration.harness import until
from worker.broker.connection import Connection, close_quietly
from worker.broker.consuming import ConsumerChannel
from worker.broker.queues import QueueState, connected, queue_state
from worker.clock import Clock
from worker.errors import BrokerUnavailable
from worker.events.delivery import Delivery

pytestmark = pytest.mark.timeout(60)


@dataclass
class Receiving:
    """Whoever consumes, and what it heard."""

    got: list[Delivery] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)

    async def receive(self, delivery: Delivery) -> None:
        self.got.append(delivery)

    def channel_ended(self, *, cancelled: bool) -> None:
        self.ends.append("cancelled" if cancelled else "closed")


async def consuming(connection: Connection, queue: str) -> tuple[ConsumerChannel, Receiving]:
    channel, receiving = await ConsumerChannel.open(connection, Clock()), Receiving()
    await channel.consume(receiving, queue, prefetch=10)
    return channel, receiving


def callbacks_alive() -> int:
    """How many of the callbacks live by which aio-pika hears that a channel is closed."""
    gc.collect()
    return sum(isinstance(each, OneShotCallback) for each in gc.get_objects())


async def test_channels_leave_nothing_behind_on_their_connection(connection: Connection) -> None:
    """Given depths asked for every few seconds, for weeks, aio-pika alone would fill the memory."""

    async def ask(times: int) -> None:
        for _ in range(times):
            assert await queue_state(connection, "test.no.such.queue") is None

    await ask(1)  # of the last channel, something may live a little longer
    before = callbacks_alive()
    await ask(50)
    assert callbacks_alive() == before


@pytest.mark.parametrize("called_off", [False, True])
async def test_a_channel_that_closes_late_harms_no_other(
    amqp_url: str, queue: str, *, called_off: bool
) -> None:
    """Given a broker that answers a close too late, or a caller that is called off, the connection goes on.

    aiormq closes a channel once more where its close is cancelled, and RabbitMQ closes the whole connection
    of whoever closes a channel twice.
    """
    proxy = Proxy(amqp_url)
    async with proxy.open(), connected(proxy.url, "test") as connection:
        late, other = await connection.open_channel(), await connection.open_channel()
        with proxy.black_hole():
            closing = asyncio.create_task(close_quietly(late))
            await asyncio.wait({closing}, timeout=0.1 if called_off else None)
            closing.cancel()
            await asyncio.wait({closing})
        assert (await other.declare_queue(queue, passive=True)).name == queue
        assert await queue_state(connection, queue) == QueueState(0, 0)


async def test_a_queue_that_is_deleted_is_told_once(
    connection: Connection, queue: str, channel: AbstractChannel
) -> None:
    """Given RabbitMQ's `basic.cancel`, then the end of the channel, only the first is news."""
    consumer, receiving = await consuming(connection, queue)
    await channel.queue_delete(queue)
    await until(lambda: bool(receiving.ends))
    await consumer.close()
    await asyncio.sleep(0.05)
    assert receiving.ends == ["cancelled"]


async def test_a_channel_that_rabbitmq_closes_is_told(connection: Connection, queue: str) -> None:
    """Given an ack of a delivery that never was, RabbitMQ closes the channel, and acks fail from then on."""
    consumer, receiving = await consuming(connection, queue)
    await consumer.ack(99)
    await until(lambda: receiving.ends == ["closed"])
    assert consumer.is_closed
    with pytest.raises(BrokerUnavailable):
        await consumer.ack(1)


async def test_acks_are_by_number_and_one_may_be_about_all_before_it(
    connection: Connection, queue: str, channel: AbstractChannel
) -> None:
    """Given five messages, of which the third and all before it are acked, and the fifth, one comes again."""
    for number in range(5):
        await channel.default_exchange.publish(aio_pika.Message(f"{number}".encode()), queue)
    consumer, receiving = await consuming(connection, queue)
    await until(lambda: len(receiving.got) == 5)
    await consumer.ack(receiving.got[2].tag, multiple=True)
    await consumer.ack(receiving.got[4].tag)
    await consumer.close()
    again, receiving_again = await consuming(connection, queue)
    await until(lambda: [each.body for each in receiving_again.got] == [b"3"])
    await again.close()


def numbers(connection: Connection) -> set[int]:
    """The numbers of the channels that are open."""
    assert connection.transport is not None
    return set(connection.transport.connection.channels)


async def test_channels_that_come_and_go_have_low_numbers(connection: Connection) -> None:
    """Given two that are opened anew by turns, no number grows to where RabbitMQ closes the connection."""
    channels = [await connection.open_channel(), await connection.open_channel()]
    for turn in range(20):
        await channels[turn % 2].close()
        channels[turn % 2] = await connection.open_channel()
    assert numbers(connection) == {1, 2}


async def test_channels_that_are_opened_at_once_have_numbers_of_their_own(connection: Connection) -> None:
    await asyncio.gather(*(connection.open_channel() for _ in range(20)))
    assert numbers(connection) == set(range(1, 21))


async def test_a_channel_beyond_the_negotiated_number_is_refused_and_costs_nothing_else(
    connection: Connection,
) -> None:
    """Given a connection with all its channels open, another one fails here, and RabbitMQ is not asked."""
    assert connection.transport is not None
    connection.transport.connection.connection_tune.channel_max = 3
    channels = [await connection.open_channel() for _ in range(3)]
    with pytest.raises(BrokerUnavailable, match="allows 3 on one connection"):
        await connection.open_channel()
    assert connection.is_up
    await channels[1].close()
    await connection.open_channel()
    assert numbers(connection) == {1, 2, 3}
