"""What RabbitMQ may do: nobody is wrong afterwards, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.chaos import broker_faults
from tests.chaos.faults import Inject
from tests.chaos.harness import Arena
from tests.chaos.load import Published, bad
from tests.integration.expected import make_events
from tests.integration.harness import until
from worker.broker.topology import consumer_priority
from worker.sandbox import Fault, FaultKind, Rule

pytestmark = pytest.mark.timeout(180)

LOST_WITH_THE_QUEUE = "what was deleted with the queue is applied by the replay, after what came later"


@pytest.mark.parametrize("fault", [broker_faults.stopped, broker_faults.killed], ids=["stop_app", "kill"])
async def test_broker_goes_and_comes_back(arena: Arena, fault: Inject) -> None:
    """Given a broker that goes away in mid-work, the worker says so, and goes on when it is back."""
    async with arena.running(events=600, per_second=80):
        await arena.settled(100)
        async with fault(arena):
            await arena.red()
            await asyncio.sleep(2)
        await arena.green()


async def test_all_connections_closed_every_two_seconds(arena: Arena) -> None:
    """Given connections that never last longer than two seconds, all is applied all the same."""
    arena.allow_redelivery()
    async with arena.running(events=800, per_second=60):
        await arena.settled(50)
        async with broker_faults.connections_closed(arena):
            await asyncio.sleep(16)
        await arena.green()
    assert arena.worker.events_logged().count("broker_lost") >= 6


async def test_broker_not_up_at_start(arena: Arena) -> None:
    """Given no broker at the start, the worker waits for it, and says so."""
    async with arena.running(events=100, workers=()):
        async with broker_faults.stopped(arena):
            worker = arena.add_worker("one")
            await worker.launch()
            await until(lambda: "broker_unreachable" in worker.events_logged())
            await arena.red()
        await arena.green()


async def test_queue_deleted_under_load(arena: Arena) -> None:
    """Given a queue that is deleted with all in it, a replay by the platform makes everybody right."""
    arena.allow("disorder", LOST_WITH_THE_QUEUE)
    async with arena.running(events=600, per_second=100):
        await arena.settled(100)
        async with arena.beside_goes_on(), broker_faults.queue_deleted(arena):
            await until(lambda: "queue_gone" in arena.worker.events_logged())
        await arena.green()


async def test_queue_with_other_arguments(arena: Arena) -> None:
    """Given another kind of queue in its place, the account says what to do; mended, it goes on."""
    arena.allow("disorder", LOST_WITH_THE_QUEUE)
    async with arena.running(events=600, per_second=100):
        await arena.settled(100)
        async with arena.beside_goes_on(), broker_faults.queue_with_other_arguments(arena):
            await until(lambda: "session_failed" in arena.worker.events_logged())
            said = await arena.red()
            assert said["state"] == "queue_missing"
            assert "delete it in RabbitMQ" in said["last_error"]
        await arena.green()


async def test_dead_letter_queue_deleted(arena: Arena) -> None:
    """Given no dead-letter queue when it is needed, the worker makes one, and acks nothing before."""
    async with arena.running(events=400, per_second=100):
        await arena.settled(100)
        async with arena.beside_goes_on(), broker_faults.dead_letters_deleted(arena):
            await until(lambda: "dead_letter_not_safe" in arena.worker.events_logged())
        await until(lambda: "dead_letter_safe" in arena.worker.events_logged())
        await arena.green()


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (broker_faults.dead_letters_full, "refused"),
        (broker_faults.dead_letters_of_another_kind, "inequivalent arg"),
    ],
    ids=["policy", "other-arguments"],
)
async def test_dead_letter_queue_full(arena: Arena, fault: Inject, says: str) -> None:
    """Given a dead-letter queue that refuses, its account holds and says why; then all goes on."""
    async with arena.running(events=600, per_second=100):
        await arena.settled(100)
        async with arena.beside_goes_on(), fault(arena):
            await arena.red_saying(says)
            await asyncio.sleep(3)
        await arena.green()


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(broker_faults.memory_alarm, id="memory"),
        pytest.param(broker_faults.disk_alarm, id="disk", marks=pytest.mark.full),
    ],
)
async def test_alarm_during_dead_lettering(arena: Arena, fault: Inject) -> None:
    """Given an alarm while dead letters must be published, they wait, and so does what came with them."""
    arena.sandbox.latency = 0.3
    events: list[Published] = [*make_events(300, 300, seed=41), *(bad(number) for number in range(5))]
    async with arena.running(events=events, PREFETCH="20"):
        await arena.main.load.done.wait()
        async with fault(arena):
            arena.sandbox.latency = 0.01
            said = await arena.red(seconds=60)
            assert "dead letter" in said["last_error"]
        await arena.green()


async def broker_of(arena: Arena) -> str:
    """Return what the worker says of the broker."""
    return str((await arena.worker.ready())[1].get("broker"))


async def test_password_changed(arena: Arena) -> None:
    """Given a password that is changed while the worker runs, it says so, and tries until it is mended."""
    async with broker_faults.own_user(arena), arena.running(events=600, per_second=80):
        await arena.settled(100)
        async with broker_faults.password_changed(arena):
            await arena.red()
            async with asyncio.timeout(20):  # what is lost is tried again after a moment
                while "refuses this user name and password" not in await broker_of(arena):
                    await asyncio.sleep(0.1)
        await arena.green()


@asynccontextmanager
async def consumer_timeout(arena: Arena, seconds: int, tick: int) -> AsyncIterator[None]:
    """Let RabbitMQ close channels that hold a message for so long; it looks every `tick` seconds."""
    names = {"consumer_timeout": seconds, "channel_tick_interval": tick}
    before = {
        name: await arena.broker.set_environment(name, str(value * 1000)) for name, value in names.items()
    }
    try:
        yield
    finally:
        for name, value in before.items():
            await arena.broker.set_environment(name, value)


@pytest.mark.timeout(400)
async def test_consumer_timeout_with_a_hung_kit(arena: Arena, *, full: bool) -> None:
    """Given a Kit that hangs for longer than RabbitMQ lets messages be held, nothing is lost."""
    seconds, tick = (60, 60) if full else (10, 2)

    def channel_was_closed() -> bool:
        ends = [line for line in arena.worker.log_lines() if line["event"] == "session_ended"]
        return any(line["account"] == arena.main.name for line in ends)

    load = arena.running(events=300, per_second=40, KIT_TIMEOUT="3")
    async with consumer_timeout(arena, seconds, tick), load:
        await arena.settled(60)  # bulk calls are few, so that calls would tell little
        arena.sandbox.faults.add(Rule(Fault(FaultKind.HANG), account=arena.main.name))
        async with arena.beside_goes_on():
            await arena.red()
            await until(channel_was_closed, 2 * (seconds + tick) + 10)
        arena.sandbox.faults.clear()
        await arena.green(seconds=90)


async def test_a_better_worker_joins_in_mid_backlog(arena: Arena) -> None:
    """Given a better worker that joins in mid-work, and then is alone, no two ever call for one account."""
    worse, better = sorted(("one", "two"), key=lambda name: consumer_priority(name, arena.main.name))
    async with arena.running(events=900, people=200, workers=(worse,), per_second=100):
        await arena.settled(100)
        second = await arena.start(better)
        await arena.settled(400)
        assert await arena.worker.stop() == 0
        await arena.settled(len(arena.outcomes().of) + 50)
        assert "event_applied" in second.events_logged()
