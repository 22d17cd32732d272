"""Connections and channels on a real RabbitMQ: how they end, and that nothing of them stays."""

from __future__ import annotations

import asyncio
import gc
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from aio_pika.tools import OneShotCallback
from structlog.testing import capture_logs
from yarl import URL

from tests.chaos.proxy import Proxy
from tests.integration.conftest import BrokerControl
from tests.integration.harness import until
from tests.integration.ledger.silent_proxy import SilentProxy
from worker.broker import reconnecting
from worker.broker.address import check_amqp_url
from worker.broker.broker import Broker
from worker.broker.connection import Connection, close_quietly, connect
from worker.broker.consuming import ConsumerChannel
from worker.broker.publisher import Outgoing, Publisher
from worker.broker.queues import QueueState, connected, queue_state
from worker.broker.reconnecting import ReconnectingConnection
from worker.clock import Clock
from worker.errors import BrokerUnavailable
from worker.events.delivery import Delivery

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
async def connection(amqp_url: str) -> AsyncIterator[Connection]:
    async with connected(amqp_url, "test") as connection:
        yield connection


@pytest.fixture
async def queue(channel: AbstractChannel) -> AsyncIterator[str]:
    """A queue of the test's own."""
    name = f"test.{uuid.uuid4().hex}"
    await channel.declare_queue(name, durable=True)
    yield name
    await channel.queue_delete(name)


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


async def test_a_connection_that_the_broker_closes_is_known_to_be_gone(
    connection: Connection, broker_ctl: BrokerControl
) -> None:
    """Given a connection that RabbitMQ ends, it says so and why, and opens no channel any more."""
    lost = connection.lost()
    assert connection.is_up
    await broker_ctl.rabbitmqctl("close_all_connections", "enough")
    assert "enough" in await asyncio.wait_for(lost, 10)
    await until(lambda: connection.is_closed)
    assert not connection.is_up
    with pytest.raises(BrokerUnavailable):
        await connection.open_channel()


@pytest.mark.timeout(90)
async def test_a_broker_that_takes_the_login_and_refuses_the_first_channel_is_asked_seldom(
    amqp_url: str, broker_ctl: BrokerControl
) -> None:
    """Given a user who may open no channel, tries are a second apart and more; allowed to, it is up again."""
    user = f"user-{uuid.uuid4().hex[:8]}"
    await broker_ctl.rabbitmqctl("add_user", user, "secret")
    try:
        await broker_ctl.rabbitmqctl("set_permissions", user, ".*", ".*", ".*")
        await broker_ctl.rabbitmqctl("set_user_limits", user, '{"max-channels": 0}')
        url = check_amqp_url(str(URL(amqp_url).with_user(user).with_password("secret")))
        reconnecting = ReconnectingConnection(url, "test", clock=Clock())
        with capture_logs() as logs:
            running = asyncio.create_task(reconnecting.run())
            await asyncio.sleep(6)
            assert 2 <= len(logs) <= 4  # at once, and 1, 2 and 4 s later, give or take a quarter
            assert {line["event"] for line in logs} == {"broker_lost"}
            assert "opens no channel" in reconnecting.problem
            await broker_ctl.rabbitmqctl("clear_user_limits", user, "max-channels")
            await until(lambda: reconnecting.is_up)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    finally:
        await broker_ctl.rabbitmqctl("delete_user", user)


async def test_what_is_not_confirmed_when_the_connection_closes_is_said_to_be_so(
    connection: Connection, queue: str
) -> None:
    """Given publishes under way, closing the connection fails each of them in the one way there is."""
    publisher = Publisher(connection)
    await publisher.publish(Outgoing("", queue, b"first", {}))
    under_way = [
        asyncio.create_task(publisher.publish(Outgoing("", queue, b"x" * 100_000, {}))) for _ in range(50)
    ]
    await asyncio.sleep(0)
    await connection.close()
    results = await asyncio.gather(*under_way, return_exceptions=True)
    assert {type(result) for result in results} <= {BrokerUnavailable, type(None)}
    assert any(isinstance(result, BrokerUnavailable) for result in results)


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


async def test_of_several_nodes_the_next_one_is_tried(amqp_url: str) -> None:
    """Given nodes that come and go, the connection is up while one of them is, and says where it was."""
    (url,) = check_amqp_url(amqp_url)
    target = url.host or "", url.port or 5672
    async with SilentProxy(*target) as first, SilentProxy(*target) as second:
        hosts = f"127.0.0.1:1,127.0.0.1:{first.port},127.0.0.1:{second.port}"
        several = amqp_url.replace(f"{url.host}:{url.port}", hosts)
        reconnecting = ReconnectingConnection(check_amqp_url(several), "test", clock=Clock())
        with capture_logs() as logs:
            running = asyncio.create_task(reconnecting.run())
            await until(lambda: reconnecting.is_up)
            assert (first.carries, second.carries) == (True, False)
            first.hang_up()
            await until(lambda: second.carries)
            await until(lambda: reconnecting.is_up)
            second.hang_up()
            await until(lambda: first.carries)
            await until(lambda: reconnecting.is_up)
            running.cancel()
    lost = [str(line["problem"]) for line in logs if line["event"] == "broker_lost"]
    assert len(lost) == 2
    assert f":{first.port}/: connection lost" in lost[0]
    assert f":{second.port}/: connection lost" in lost[1]
    assert "broker_unreachable" not in [line["event"] for line in logs]


async def test_each_refusal_of_rabbitmq_is_named_with_its_remedy(
    amqp_url: str, broker_ctl: BrokerControl
) -> None:
    """Given a virtual host that is not there, one without a right, one that is full, and a wrong password."""
    (url,), vhost = check_amqp_url(amqp_url), f"v{uuid.uuid4().hex[:8]}"

    async def said(url: URL) -> str:
        with pytest.raises(BrokerUnavailable) as caught:
            await connect(url, "test")
        return str(caught.value)

    assert f"has no virtual host {vhost}: " in await said(url.with_path(f"/{vhost}"))
    await broker_ctl.rabbitmqctl("add_vhost", vhost)
    try:
        assert f"no right on the virtual host {vhost}: " in await said(url.with_path(f"/{vhost}"))
        await broker_ctl.rabbitmqctl("set_permissions", "-p", vhost, url.user or "", ".*", ".*", ".*")
        await broker_ctl.rabbitmqctl("set_vhost_limits", "-p", vhost, '{"max-connections": 0}')
        assert "takes no more connections: " in await said(url.with_path(f"/{vhost}"))
    finally:
        await broker_ctl.rabbitmqctl("delete_vhost", vhost)
    assert "refuses this user name and password: correct them in AMQP_URL" in await said(
        url.with_password("wrong-one")
    )


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


async def test_a_connection_that_does_not_publish_is_given_up_where_no_answer_comes(
    amqp_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a network that swallows all, asking and consuming begin anew; publishing waits as in an alarm."""
    monkeypatch.setattr(reconnecting, "HEARTBEAT", 1.0)
    proxy = Proxy(amqp_url)
    async with proxy.open():
        broker = Broker(proxy.url, "test", Clock(), ping_every=0.1)
        connected = asyncio.create_task(broker.run())
        await until(lambda: not broker.problem)
        with proxy.black_hole():
            await until(lambda: not (broker.asking.is_up or broker.consuming.is_up), seconds=10)
            assert broker.publishing.is_up
        await until(lambda: not broker.problem)
        connected.cancel()
        await asyncio.gather(connected, return_exceptions=True)
