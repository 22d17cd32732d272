"""What RabbitMQ may do to a worker, and that the worker recovers from it, loudly, with nothing lost."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from aiormq import spec

from tests.integration.conftest import BrokerControl
from tests.integration.expected import make_events, wrong_people
from tests.integration.harness import Worker, World, all_settled, depth, publish, readyz, until
from worker.sandbox import Sandbox

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A Kit without limits, whose answers take a little."""
    async with Sandbox(limit=False, latency=0.02).running() as sandbox:
        yield sandbox


async def nothing_torn_nor_wrong(world: World, sandbox: Sandbox, events: list[dict[str, object]]) -> None:
    """Every call to Kit got its answer, everybody is right, and nothing was dead-lettered."""
    assert [call for call in sandbox.journal.calls if call.status is None] == []
    assert wrong_people(sandbox, events) == []
    assert await depth(world.amqp_url, f"kit.{world.account}.dead") == 0


async def test_connections_closed_again_and_again(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path, broker_ctl: BrokerControl
) -> None:
    """Given connections that RabbitMQ closes in mid-work, calls to Kit still end, and all is applied."""
    events = make_events(600, 100, seed=11)
    async with Worker(world, tmp_path / "log") as worker:
        await publish(channel, world.exchange, events)
        for calls in (50, 150, 300):
            await until(lambda calls=calls: sandbox.journal.count() > calls)  # type: ignore[misc]
            await broker_ctl.rabbitmqctl("close_all_connections", "test")
        await all_settled(worker, len(events), 90)
        assert "broker_lost" in worker.events_logged()
    await nothing_torn_nor_wrong(world, sandbox, events)


@pytest.mark.parametrize("how", ["stop_app", "kill"])
async def test_broker_restarts(
    how: str,
    world: World,
    channel: AbstractChannel,
    sandbox: Sandbox,
    tmp_path: Path,
    broker_ctl: BrokerControl,
    http_port: int,
) -> None:
    """Given a broker that goes away in mid-work, the worker waits, says so, and goes on when it is back."""
    events = make_events(600, 100, seed=12)
    worker = Worker(world, tmp_path / "log", HTTP_PORT=str(http_port))
    async with worker:
        await publish(channel, world.exchange, events)
        await until(lambda: sandbox.journal.count() > 100)
        await (broker_ctl.stop_app() if how == "stop_app" else broker_ctl.kill())
        await until(lambda: "broker_unreachable" in worker.events_logged())
        status, body = await readyz(http_port)
        assert status == 503
        # The third, where Docker takes connections for it.
        said = ("cannot be reached", "connection lost", "without a word")
        assert any(words in body["broker"] for words in said), body["broker"]
        await (broker_ctl.start_app() if how == "stop_app" else broker_ctl.start())
        await all_settled(worker, len(events), 90)
        while (await readyz(http_port))[0] != 200:
            await asyncio.sleep(0.1)
    await nothing_torn_nor_wrong(world, sandbox, events)


async def test_broker_not_up_at_start(
    world: World, sandbox: Sandbox, tmp_path: Path, broker_ctl: BrokerControl
) -> None:
    """Given no broker at the start, the worker waits for it."""
    await broker_ctl.stop_app()
    worker = Worker(world, tmp_path / "log")
    starting = asyncio.create_task(worker.start())
    await until(lambda: "broker_unreachable" in worker.events_logged())
    await broker_ctl.start_app()
    await starting
    events = make_events(5, 5, seed=13)
    async with await aio_pika.connect(world.amqp_url) as connection:
        await publish(await connection.channel(), world.exchange, events)
        await all_settled(worker, len(events))
    assert await worker.stop() == 0
    assert wrong_people(sandbox, events) == []


async def test_queue_deleted(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given a deleted queue, the worker says so, declares it afresh, and applies what comes next."""
    async with Worker(world, tmp_path / "log") as worker:
        await channel.queue_delete(f"kit.{world.account}")
        await until(lambda: worker.events_logged().count("subscribed") == 2)
        assert "queue_gone" in worker.events_logged()
        events = make_events(20, 5, seed=14)
        await publish(channel, world.exchange, events)
        await all_settled(worker, len(events))
    assert wrong_people(sandbox, events) == []


async def test_queue_with_other_arguments(
    world: World,
    channel: AbstractChannel,
    sandbox: Sandbox,
    tmp_path: Path,
    new_account_name: Callable[[], str],
    http_port: int,
) -> None:
    """Given a queue with other arguments, its account says so; others go on; and it, once mended."""
    other = new_account_name()
    await channel.declare_queue(f"kit.{other}", durable=True)
    accounts = world.config / "accounts"
    (accounts / f"{other}.yaml").write_text("app: elsewhere\nkit: {api_key_env: KIT_OTHER_KEY}\n")
    world.environ["KIT_OTHER_KEY"] = "kit_other0123456789"
    async with Worker(world, tmp_path / "log", HTTP_PORT=str(http_port)) as worker:
        await until(lambda: "session_failed" in worker.events_logged())
        _, body = await readyz(http_port)
        assert body["accounts"][other]["state"] == "queue_missing"
        assert "inequivalent arg" in body["accounts"][other]["last_error"]
        events = make_events(5, 5, seed=15)
        await publish(channel, world.exchange, events)
        await all_settled(worker, len(events))
        await channel.queue_delete(f"kit.{other}")
        await until(lambda: worker.events_logged().count("subscribed") == 2)
    assert wrong_people(sandbox, events) == []


async def test_dead_letter_queue_deleted(world: World, channel: AbstractChannel, tmp_path: Path) -> None:
    """Given no dead-letter queue, a bad event stays unacked until the queue is there again."""
    async with Worker(world, tmp_path / "log") as worker:
        await channel.queue_delete(f"kit.{world.account}.dead")
        exchange = await channel.get_exchange(world.exchange)
        await exchange.publish(aio_pika.Message(b"bad"), "user.signed_up")
        await until(lambda: "event_dead_lettered" in worker.events_logged())
        assert "dead_letter_not_safe" in worker.events_logged()
    assert await depth(world.amqp_url, f"kit.{world.account}.dead") == 1


class RawProperties(spec.Basic.Properties):
    """Properties that go over the wire as these bytes: flags, then values."""

    def __init__(self, raw: bytes) -> None:
        super().__init__(message_id="not sent")
        self._raw = raw

    __slots__ = ("_raw",)

    def marshal(self) -> bytes:
        return self._raw


BROKEN = {
    "timestamp in microseconds": struct.pack(">HQ", 1 << 6, 1_800_000_000_000_000),
    "timestamp in nanoseconds": struct.pack(">HQ", 1 << 6, 1_800_000_000_000_000_000),
    "message_id not UTF-8": struct.pack(">HB", 1 << 7, 2) + b"\xff\xfe",
    "content_type not UTF-8": struct.pack(">HB", 1 << 15, 3) + b"\xe9t\xe9",
    "header name not UTF-8": struct.pack(">HIB", 1 << 13, 4, 1) + b"\xfft\x01",
}


async def test_messages_that_break_amqp_libraries(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given properties that crash pamqp's decoder, those are dead letters, and the others applied."""
    good = make_events(10, 5, seed=16)
    body = b'{"type": "user.signed_up", "data": {"user": {"email": "a@b.co"}}}'
    underlay = await channel.get_underlay_channel()
    async with Worker(world, tmp_path / "log") as worker:
        for raw in BROKEN.values():
            await underlay.basic_publish(
                body,
                exchange=world.exchange,
                routing_key="user.signed_up",
                properties=RawProperties(raw),
            )
        await publish(channel, world.exchange, good)
        await until(lambda: worker.events_logged().count("event_dead_lettered") == len(BROKEN))
        await all_settled(worker, len(good))
        assert "broker_lost" not in worker.events_logged()
    assert wrong_people(sandbox, good) == []
    assert sandbox.account(world.key).find("a@b.co") is None
