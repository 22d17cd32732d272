"""Connections to a real RabbitMQ: how they begin and end, to which node, and which refusals there are."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from structlog.testing import capture_logs
from yarl import URL

from tests.chaos.proxy import Proxy
from tests.integration.conftest import BrokerControl
from tests.integration.harness import until
from tests.integration.ledger.silent_proxy import SilentProxy
from worker.broker import reconnecting
from worker.broker.address import check_amqp_url
from worker.broker.broker import Broker
from worker.broker.connection import Connection, connect
from worker.broker.publisher import Outgoing, Publisher
from worker.broker.reconnecting import ReconnectingConnection
from worker.clock import Clock
from worker.errors import BrokerUnavailable

pytestmark = pytest.mark.timeout(60)


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
