"""1,000 accounts, declared by one worker that then has nothing to do: what that takes, and what it costs."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from tests.bench.bench import Bench, MeasurementFailed, explaining, subscribed
from tests.bench.consumers import WORKER, crew
from tests.bench.figures import Line, spread
from tests.bench.processes import cpu_seconds, listening_on, megabytes
from worker.broker.topology import work_queue

NAME: Final = "declared"
ACCOUNTS: Final = 1_000
IDLE_SECONDS: Final = 65.0
"""All that a worker does of its own accord, it does once within a minute."""
STARTED_WITHIN: Final = 10.0
MOST_BUSY: Final = 3.0
MOST_MB: Final = 150.0
AMQP_PORT: Final = 5672


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
class Cost:
    """What so many accounts cost.

    Attributes:
        first: The start at which RabbitMQ has none of their queues.
        again: The next one, as all others.
        worker_mb: The worker's memory after a minute.
        worker_busy: % of a processor while nothing happens.
        broker_mb: What the broker's memory has grown by; None where the broker is not to be seen from here.
        broker_busy: As `worker_busy`.
    """

    first: Start
    again: Start
    worker_mb: float
    worker_busy: float
    broker_mb: float | None
    broker_busy: float | None


async def measure(bench: Bench, rounds: int) -> list[Line]:  # noqa: ARG001  # once tells enough
    """Start one worker with all accounts, stop it, start it again, and let it rest."""
    members = crew(bench.place, ACCOUNTS)
    broker = listening_on(urlsplit(bench.place.amqp_url).port or AMQP_PORT)
    before = megabytes(broker) if broker else 0.0
    starts = list[Start]()
    for name in ("first", "again"):
        began = time.monotonic()
        async with members.worker(name) as worker:
            with explaining(worker):
                await subscribed(ACCOUNTS, [worker])
            starts.append(Start(time.monotonic() - began, worker.cpu_seconds()))
            for account in members.keys:
                if await bench.platform.consumers(work_queue(account)) != 1:
                    raise MeasurementFailed(f"RabbitMQ has no consumer of {account}.")
            if name == "first":
                continue
            pids = [worker.process.pid, *([broker] if broker else [])]
            cpu, rested = [cpu_seconds(pid) for pid in pids], time.monotonic()
            await asyncio.sleep(IDLE_SECONDS)
            rested = time.monotonic() - rested
            busy = [100 * (cpu_seconds(pid) - was) / rested for pid, was in zip(pids, cpu, strict=True)]
            ours, grown = megabytes(pids[0]), megabytes(broker) - before if broker else None
    await bench.close(*members.queues)
    return lines(Cost(starts[0], starts[1], ours, busy[0], grown, busy[1] if broker else None))


def lines(cost: Cost) -> list[Line]:
    """Say what it costs."""
    within, busy, small = STARTED_WITHIN, MOST_BUSY, MOST_MB
    told = {
        "until one worker consumes all of them, whose queues are made, s": (cost.first.seconds, within),
        "meanwhile: the worker's processor time, s": (cost.first.cpu, None),
        "until one worker consumes all of them, whose queues are there, s": (cost.again.seconds, within),
        "meanwhile, too: the worker's processor time, s": (cost.again.cpu, None),
        "the worker's memory after a minute, MB": (cost.worker_mb, small),
        "the worker busy while nothing happens, % of a processor": (cost.worker_busy, busy),
        "what RabbitMQ's memory has grown by, MB": (cost.broker_mb, None),
        "RabbitMQ busy while nothing happens, % of a processor": (cost.broker_busy, None),
    }
    return [
        Line(
            NAME,
            f"{ACCOUNTS:,} accounts: {what}",
            {WORKER: spread([figure])},
            aim="" if most is None else f"at most {most:g}",
            met=None if most is None else figure <= most,
            digits=1,
        )
        for what, (figure, most) in told.items()
        if figure is not None
    ]
