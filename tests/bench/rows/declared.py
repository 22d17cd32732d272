"""1,000 accounts, declared by one worker that then has nothing to do: what that takes, and what it costs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from tests.bench.bench import Bench, MeasurementFailed, explaining, subscribed
from tests.bench.consumers import WORKER, Crew, crew
from tests.bench.figures import Line, rounds_of, spread
from tests.bench.processes import Program, cpu_seconds, listening_on, megabytes
from worker.broker.topology import work_queue

NAME: Final = "declared"
ACCOUNTS: Final = 1_000
REST: Final = 65.0
"""Seconds: all that a worker does of its own accord, it does once within a minute."""
AMQP_PORT: Final = 5672
MAX_SECONDS: Final = 10.0
MAX_MB: Final = 150.0
MAX_BUSY: Final = 3.0
"""% of a processor."""


@dataclass(frozen=True, slots=True)
class Start:
    """One start of a worker.

    Attributes:
        seconds: From the worker's start until it has subscribed to all accounts.
        cpu: Seconds of processor time that it took until then.
    """

    seconds: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Rest:
    """What so many accounts cost while nothing happens.

    Attributes:
        worker_mb: The worker's memory.
        worker_busy: The worker's share of a processor, in %.
        broker_mb: What RabbitMQ's memory has grown by.
        broker_busy: RabbitMQ's share of a processor, in %.
    """

    worker_mb: float
    worker_busy: float
    broker_mb: float | None
    broker_busy: float | None


async def measure(bench: Bench, rounds: int) -> list[Line]:
    """Start one worker with all accounts, and again with the queues there; let the last one rest.

    New queues are declared once: that is RabbitMQ's work, and takes it half a minute.
    """
    broker = listening_on(urlsplit(bench.place.amqp_url).port or AMQP_PORT)
    before = megabytes(broker) if broker else 0.0
    members, starts = crew(bench.place, ACCOUNTS), list[Start]()
    for _ in range(1 + rounds):
        began = time.monotonic()
        async with members.worker(f"start-{len(starts)}") as worker:
            starts.append(await _started(bench, worker, members, began))
            if len(starts) > rounds:
                rest = await _rested(worker, broker, before)
    await bench.close(*members.queues)
    return lines(starts[:1], starts[1:], rest)


async def _started(bench: Bench, worker: Program, members: Crew, began: float) -> Start:
    with explaining(worker):
        await subscribed(ACCOUNTS, [worker])
    start = Start(time.monotonic() - began, worker.cpu_seconds())
    for account in members.keys:
        if await bench.platform.consumers(work_queue(account)) != 1:
            raise MeasurementFailed(f"RabbitMQ has no consumer of {account}.")
    return start


async def _rested(worker: Program, broker: int | None, before: float) -> Rest:
    pids = [worker.process.pid, *([broker] if broker else [])]
    cpu, began = [cpu_seconds(pid) for pid in pids], time.monotonic()
    await asyncio.sleep(REST)
    rested = time.monotonic() - began
    busy = [100 * (cpu_seconds(pid) - was) / rested for pid, was in zip(pids, cpu, strict=True)]
    grown = megabytes(broker) - before if broker else None
    return Rest(megabytes(pids[0]), busy[0], grown, busy[1] if broker else None)


def lines(new: Sequence[Start], again: Sequence[Start], rest: Rest) -> list[Line]:
    """Judge the worker, and say what it costs RabbitMQ."""
    told: list[tuple[str, list[float | None], float | None]] = [
        (
            "until one worker consumes all of them, with new queues, s",
            [s.seconds for s in new],
            MAX_SECONDS,
        ),
        ("meanwhile: the worker's processor time, s", [s.cpu for s in new], None),
        (
            "until one worker consumes all of them, with queues that exist, s",
            [s.seconds for s in again],
            MAX_SECONDS,
        ),
        ("meanwhile, too: the worker's processor time, s", [s.cpu for s in again], None),
        ("the worker's memory after a minute, MB", [rest.worker_mb], MAX_MB),
        ("the worker busy while nothing happens, % of a processor", [rest.worker_busy], MAX_BUSY),
        ("what RabbitMQ's memory has grown by, MB", [rest.broker_mb], None),
        ("RabbitMQ busy while nothing happens, % of a processor", [rest.broker_busy], None),
    ]
    return [line for what, figures, most in told for line in _line(what, figures, most)]


def _line(what: str, figures: Sequence[float | None], most: float | None) -> Iterator[Line]:
    seen = [figure for figure in figures if figure is not None]
    if not seen:
        return
    found = spread(seen)
    aim, met = ("", None) if most is None else (f"under {most:.0f}", found.median < most)
    what = f"{ACCOUNTS:,} accounts: {what}"
    yield Line(NAME, what, {WORKER: found}, aim, met, digits=1, over=rounds_of(seen))
