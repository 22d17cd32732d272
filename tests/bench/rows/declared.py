"""1,000 accounts, declared by one worker that then has nothing to do: what that takes, and what it costs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from tests.bench.bench import Bench, MeasurementFailed
from tests.bench.consumers import WORKER, crew
from tests.bench.figures import Line, rounds_of, spread
from tests.bench.processes import cpu_seconds, listening_on, megabytes
from worker.broker.topology import work_queue

NAME: Final = "declared"
ACCOUNTS: Final = 1_000
IDLE_SECONDS: Final = 6.0
LOOK: Final = 0.5
PATIENCE: Final = 300.0
AMQP_PORT: Final = 5672
MAX_SECONDS: Final = 10.0
MAX_MB: Final = 150.0
MAX_BUSY: Final = 3.0
"""% of a processor."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What so many accounts cost.

    Attributes:
        seconds: From the worker's start until it consumes all of them.
        worker_mb: Its memory then.
        worker_busy: % of a processor while nothing happens.
        broker_mb: What the broker's memory has grown by; None where the broker is not to be seen from here.
        broker_busy: As `worker_busy`.
    """

    seconds: float
    worker_mb: float
    worker_busy: float
    broker_mb: float | None
    broker_busy: float | None


async def measure(bench: Bench, rounds: int) -> list[Line]:
    """Start one worker with all accounts, and let it rest, again and again."""
    broker = listening_on(urlsplit(bench.place.amqp_url).port or AMQP_PORT)
    before = megabytes(broker) if broker else 0.0  # it does not give back all, so this holds for all rounds
    return lines([await _cost(bench, broker, before) for _ in range(rounds)])


async def _cost(bench: Bench, broker: int | None, before: float) -> Cost:
    members = crew(bench.place, ACCOUNTS)
    queues = [work_queue(name) for name in members.keys]
    async with members.worker("many") as worker:
        began = time.monotonic()
        for queue in queues:
            while not await bench.platform.consumers(queue):
                worker.check()
                if time.monotonic() > began + PATIENCE:
                    raise MeasurementFailed(f"{queues.index(queue)} accounts in {PATIENCE:.0f} s.")
                await asyncio.sleep(LOOK)
        seconds = time.monotonic() - began
        pids = [worker.process.pid, *([broker] if broker else [])]
        cpu = [cpu_seconds(pid) for pid in pids]
        await asyncio.sleep(IDLE_SECONDS)
        busy = [100 * (cpu_seconds(pid) - was) / IDLE_SECONDS for pid, was in zip(pids, cpu, strict=True)]
        ours, grown = megabytes(pids[0]), megabytes(broker) - before if broker else None
    await bench.close(*members.queues)
    return Cost(seconds, ours, busy[0], grown, busy[1] if broker else None)


def lines(costs: Sequence[Cost]) -> list[Line]:
    """Judge the worker, and say what it costs RabbitMQ."""
    told: list[tuple[str, list[float | None], float | None]] = [
        ("until one worker consumes all of them, s", [cost.seconds for cost in costs], MAX_SECONDS),
        ("the worker's memory then, MB", [cost.worker_mb for cost in costs], MAX_MB),
        (
            "the worker busy while nothing happens, % of a processor",
            [cost.worker_busy for cost in costs],
            MAX_BUSY,
        ),
        ("what RabbitMQ's memory has grown by, MB", [cost.broker_mb for cost in costs], None),
        ("RabbitMQ busy while nothing happens, % of a processor", [cost.broker_busy for cost in costs], None),
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
