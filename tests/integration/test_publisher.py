"""Publishing tells the truth about what the broker has."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.conftest import BrokerControl
from worker.broker.address import check_amqp_url
from worker.broker.publisher import Outgoing, Publisher
from worker.broker.reconnecting import ReconnectingConnection
from worker.clock import Clock
from worker.errors import BrokerUnavailable


@pytest.fixture
async def publisher(amqp_url: str) -> AsyncIterator[Publisher]:
    """A publisher on a connection of its own."""
    connection = ReconnectingConnection(check_amqp_url(amqp_url), "test", clock=Clock(), publishes=True)
    running = asyncio.create_task(connection.run())
    yield Publisher(connection)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def queue(channel: AbstractChannel) -> AsyncIterator[str]:
    """A queue of the test's own."""
    name = f"test.{uuid.uuid4().hex}"
    await channel.declare_queue(
        name, durable=True, arguments={"x-max-length": 1, "x-overflow": "reject-publish"}
    )
    yield name
    await channel.queue_delete(name)


def message(queue: str, body: bytes = b"x", **properties: object) -> Outgoing:
    return Outgoing("", queue, body, {"headers": {}, **properties})


async def test_confirmed(publisher: Publisher, queue: str, channel: AbstractChannel) -> None:
    """Given a queue that takes it, publishing returns, and the message is there under an id of its own."""
    await publisher.publish(message(queue, b"body"))
    got = await (await channel.get_queue(queue)).get()
    assert got is not None
    assert got.body == b"body"
    assert got.message_id
    await got.ack()


async def test_unroutable(publisher: Publisher) -> None:
    """Given no such queue, publishing fails; the plain protocol would call it a success."""
    with pytest.raises(BrokerUnavailable, match="no queue takes messages"):
        await publisher.publish(message("test.nowhere"))


async def test_full_queue(publisher: Publisher, queue: str) -> None:
    """Given a queue that is full and rejects, publishing fails."""
    await publisher.publish(message(queue))
    with pytest.raises(BrokerUnavailable, match="refused"):
        await publisher.publish(message(queue))


async def test_two_at_once_of_which_one_is_unroutable(publisher: Publisher, queue: str) -> None:
    """Given two publishes in flight, only the unroutable one fails: their ids differ."""
    results = await asyncio.gather(
        publisher.publish(message("test.nowhere")), publisher.publish(message(queue)), return_exceptions=True
    )
    assert isinstance(results[0], BrokerUnavailable)
    assert results[1] is None


async def test_no_such_exchange_and_then_a_good_one(publisher: Publisher, queue: str) -> None:
    """Given a publish that costs the channel, the next one works on a new channel."""
    with pytest.raises(BrokerUnavailable):
        await publisher.publish(Outgoing("test.no.exchange", "x", b"", {}))
    await publisher.publish(message(queue))


async def test_no_answer_in_time() -> None:
    """Given a broker that never answers, publishing gives up in time, and says that it is not confirmed."""
    connection = ReconnectingConnection(check_amqp_url("amqp://127.0.0.1:1/"), "test", clock=Clock())
    with pytest.raises(BrokerUnavailable, match="not confirmed"):
        await Publisher(connection).publish(message("any"), timeout=0.05)


async def _publish_on_and_on(publisher: Publisher, queue: str) -> None:
    while True:
        await publisher.publish(message(queue))


async def test_a_queue_whose_limit_was_lifted(
    publisher: Publisher, broker_ctl: BrokerControl, channel: AbstractChannel
) -> None:
    """Given a quorum queue that refused and has room again, the next publish is confirmed.

    RabbitMQ 3.10 goes on refusing the channel that it once refused, where the limit was a policy's.
    """
    name = f"test.{uuid.uuid4().hex}"
    await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})
    policy = '{"max-length": 1, "overflow": "reject-publish"}'
    await broker_ctl.rabbitmqctl("set_policy", "--apply-to", "queues", name, f"^{name}$", policy)
    try:
        async with asyncio.timeout(20):
            with pytest.raises(BrokerUnavailable, match="refused"):
                await _publish_on_and_on(publisher, name)  # the limit is soft, and a policy takes a moment
    finally:
        await broker_ctl.rabbitmqctl("clear_policy", name)
    try:
        await publisher.publish(message(name))
    finally:
        await channel.queue_delete(name)


async def test_a_refusal_leaves_what_else_is_under_way_alone(
    publisher: Publisher, queue: str, channel: AbstractChannel
) -> None:
    """Given refusals among many publishes at once, each of the others is confirmed, once."""
    roomy = await channel.declare_queue(exclusive=True)
    await publisher.publish(message(queue))
    names = [queue if number % 3 == 0 else roomy.name for number in range(60)]
    results = await asyncio.gather(*(publisher.publish(message(n)) for n in names), return_exceptions=True)
    assert [result is None for result in results] == [name != queue for name in names]
    again = await channel.declare_queue(roomy.name, passive=True)
    assert again.declaration_result.message_count == 40
