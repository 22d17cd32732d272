"""What the worker's HTTP server costs the worker itself: no descriptors, and no channels."""

from __future__ import annotations

import asyncio
import resource
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import aiohttp
import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.conftest import BrokerControl
from tests.integration.expected import make_events, wrong_people
from tests.integration.harness import Worker, World, all_settled, publish, readyz, until
from worker.broker.broker import Broker
from worker.broker.looking import Looking
from worker.broker.queues import connected
from worker.broker.topology import Topology, dead_letter_queue, work_queue
from worker.clock import Clock
from worker.ops import depths
from worker.ops.depths import Depth, Depths
from worker.sandbox import Sandbox

pytestmark = pytest.mark.timeout(120)

HALF = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: "


async def half_sent(port: int, count: int, all_there: asyncio.Event) -> None:
    """Keep so many connections on which half of a request was sent, and make each anew that is closed."""
    there = 0

    async def hold() -> None:
        nonlocal there
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(HALF)
                there += 1
                if there >= count:
                    all_there.set()
                with suppress(ConnectionError):
                    await reader.read()
            finally:
                writer.transport.abort()
            await asyncio.sleep(0.1)

    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(hold())


async def test_half_sent_requests_take_nothing_from_health_kit_and_broker(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path, http_port: int
) -> None:
    """Given 200 slow clients and 128 descriptors, health answers within a second, and events are applied."""
    events = make_events(150, 50, seed=4)
    limit = aiohttp.ClientTimeout(total=1.0)
    async with Worker(world, tmp_path / "log", HTTP_PORT=str(http_port)) as worker:
        resource.prlimit(worker.process.pid, resource.RLIMIT_NOFILE, (128, 128))
        all_there = asyncio.Event()
        slow = asyncio.create_task(half_sent(http_port, 200, all_there))
        await all_there.wait()
        await publish(channel, world.exchange, events)
        for _ in range(10):
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.get(f"http://127.0.0.1:{http_port}/healthz") as answer,
            ):
                assert answer.status == 200
        await all_settled(worker, len(events))
        assert not slow.done()
        slow.cancel()
        with suppress(asyncio.CancelledError):
            await slow
    assert wrong_people(sandbox, events) == []
    assert "hold_started" not in worker.events_logged()
    assert "out of system resource" not in worker.log_text()


async def test_a_worker_takes_all_descriptors_that_it_may(world: World, tmp_path: Path) -> None:
    """Given the usual low limit, which many accounts would reach, the worker works under the high one."""
    low, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    worker = Worker(world, tmp_path / "log")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most // 2, most))
    try:
        await worker.launch()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (low, most))
    await until(lambda: "subscribed" in worker.events_logged())
    assert resource.prlimit(worker.process.pid, resource.RLIMIT_NOFILE) == (most, most)
    await worker.stop()


async def test_readyz_opens_no_channel(
    world: World, broker_ctl: BrokerControl, tmp_path: Path, http_port: int
) -> None:
    """Given a user who may open no more channels, 50 questions at once cost the worker nothing."""
    async with Worker(world, tmp_path / "log", HTTP_PORT=str(http_port)) as worker:
        await until_known(http_port, world.account)
        connections = await broker_ctl.rabbitmqctl("list_connections", "channels")
        opened = sum(int(line) for line in connections.split() if line.isdigit())
        await broker_ctl.rabbitmqctl("set_user_limits", "guest", f'{{"max-channels": {opened}}}')
        try:
            answers = await asyncio.gather(*(readyz(http_port) for _ in range(50)))
        finally:
            await broker_ctl.rabbitmqctl("clear_user_limits", "guest", "all")
        assert "broker_lost" not in worker.events_logged()
    assert {status for status, _ in answers} == {200}
    (begun,) = (line for line in worker.log_lines() if line["event"] == "started")
    assert {body["version"] for _, body in answers} == {begun["version"]} == {version("kit-worker")}
    assert {body["accounts"][world.account]["dead_letter_depth"] for _, body in answers} == {0}


async def until_known(port: int, account: str) -> None:
    """Wait until the worker knows how deep the queues are."""
    async with asyncio.timeout(30):
        while (await readyz(port))[1]["accounts"][account]["queue_depth"] is None:
            await asyncio.sleep(0.1)


async def test_depths_are_looked_at_on_one_channel(
    amqp_url: str, channel: AbstractChannel, account_name: str, events_exchange: str
) -> None:
    """Given a queue that is not there, the next look works; any number of looks takes one channel."""
    async with connected(amqp_url, "test") as connection:
        looking, work, dead = Looking(connection), work_queue(account_name), dead_letter_queue(account_name)
        assert await looking.depths([work, dead]) == {work: None, dead: None}
        await Topology(connection, events_exchange).declare(account_name, ["order.paid"], [])
        await publish(channel, events_exchange, [{"type": "order.paid"}] * 3)
        for _ in range(20):
            assert await looking.depths([work, f"{work}.archive", dead, work]) == {
                work: 3, f"{work}.archive": None, dead: 0,
            }  # fmt: skip
        many = [work, dead] * 500
        assert await looking.depths(many) == {work: 3, dead: 0}
        assert connection.transport is not None
        assert len(connection.transport.connection.channels) == 1


async def test_depths_are_unknown_while_the_broker_is_away(
    amqp_url: str,
    account_name: str,
    events_exchange: str,
    broker_ctl: BrokerControl,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(depths, "EVERY", 0.1)
    async with connected(amqp_url, "test") as connection:
        await Topology(connection, events_exchange).declare(account_name, [], [])
    broker = Broker(amqp_url, "test", Clock())
    connected_again = asyncio.create_task(broker.asking.run())
    looked = Depths(Looking(broker.asking), lambda: [account_name], first_pause=0.1)
    looking = asyncio.create_task(looked.run())
    await until(lambda: looked.of(account_name) == Depth(0, 0))
    await broker_ctl.stop_app()
    await until(lambda: looked.of(account_name) == Depth())
    await broker_ctl.start_app()
    await until(lambda: looked.of(account_name) == Depth(0, 0))
    assert not looking.done()
    looking.cancel()
    connected_again.cancel()
