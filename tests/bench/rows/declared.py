"""1,000 accounts, declared by one worker that then has nothing to do: what that takes, and what it costs."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from tests.bench.bench import Bench, MeasurementFailed
from tests.bench.consumers import WORKER, crew
from tests.bench.figures import Line, spread
from tests.bench.processes import cpu_seconds, listening_on, megabytes
from worker.broker.topology import work_queue

NAME: Final = "declared"
ACCOUNTS: Final = 1_000
IDLE_SECONDS: Final = 10.0
LOOK: Final = 0.5
PATIENCE: Final = 300.0
AMQP_PORT: Final = 5672


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


async def measure(bench: Bench, rounds: int) -> list[Line]:  # noqa: ARG001  # once tells enough
    """Start one worker with all accounts, and let it rest."""
    members = crew(bench.place, ACCOUNTS)
    broker = listening_on(urlsplit(bench.place.amqp_url).port or AMQP_PORT)
    before = megabytes(broker) if broker else 0.0
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
    return lines(Cost(seconds, ours, busy[0], grown, busy[1] if broker else None))


def lines(cost: Cost) -> list[Line]:
    """Say what it costs; there is no aim."""
    told = {
        "until one worker consumes all of them, s": cost.seconds,
        "the worker's memory then, MB": cost.worker_mb,
        "the worker busy while nothing happens, % of a processor": cost.worker_busy,
        "what RabbitMQ's memory has grown by, MB": cost.broker_mb,
        "RabbitMQ busy while nothing happens, % of a processor": cost.broker_busy,
    }
    return [
        Line(NAME, f"{ACCOUNTS:,} accounts: {what}", {WORKER: spread([figure])})
        for what, figure in told.items()
        if figure is not None
    ]
