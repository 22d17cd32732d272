"""64 accounts with a backlog each, on 1, 2 and 4 workers: is Kit's limit used up in all, and at what cost?

The three numbers of workers are measured side by side, each with a Kit of its own, and begin one after
another: an account makes most of its calls at the beginning of each minute, and one works while others wait.

The workers are started before the events come. Up to RabbitMQ 3.13 an account stays with the worker that
consumed it first, so how evenly the accounts lie is what the start made of it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from tests.bench.bench import Bench, subscribed
from tests.bench.consumers import WORKER, Crew, crew
from tests.bench.figures import Line, spread
from tests.bench.life import backlog
from tests.bench.processes import Program
from tests.bench.stand_in import Call

NAME: Final = "accounts"
ACCOUNTS: Final = 64
WORKERS: Final = (1, 2, 4)
EVENTS: Final = 200
"""Of an account, each of another person: more than 240 calls."""
LIMITS: Final = {"api_key": 120}
SPAN: Final = 118.0
"""Seconds from an account's first call; until then Kit allows two times the limit, at 0 s and at 60 s. A part
of it is used in lumps over each minute, so that nearly two whole ones are looked at."""
LOOK: Final = 2.0
APART: Final = 10.0
"""Seconds between two beginnings: most calls of a minute take some 10."""
MIN_USED: Final = 97.0
MAX_CPU_APART: Final = 15.0


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one number of workers.

    Attributes:
        used: Of each account, the part of its limit that was used, in %.
        cpu_ms_per_event: Processor time of all workers.
        most: How many accounts the busiest worker had.
    """

    used: Sequence[float]
    cpu_ms_per_event: float
    most: int


async def measure(bench: Bench, rounds: int) -> list[Line]:  # noqa: ARG001  # two minutes each
    """Measure each number of workers once."""
    async with asyncio.TaskGroup() as group:
        runs = {
            workers: group.create_task(_beside(bench, workers, APART * number))
            for number, workers in enumerate(WORKERS)
        }
    return lines({workers: run.result() for workers, run in runs.items()})


def lines(runs: Mapping[int, Run]) -> list[Line]:
    """Judge what was measured, by number of workers."""
    one = runs[WORKERS[0]].cpu_ms_per_event
    return [*(_used(count, run) for count, run in runs.items()), *(_cpu(*each, one) for each in runs.items())]


def used(calls: Sequence[Call], keys: Sequence[str]) -> list[float]:
    """Return how much of its limit each account used in its first `SPAN` seconds, in %."""
    allowed = 2 * LIMITS["api_key"]
    shares = []
    for key in keys:
        arrived = sorted(call.arrived for call in calls if call.account == key)
        in_time = [at for at in arrived if at - arrived[0] <= SPAN]
        shares.append(100 * len(in_time) / allowed)
    return shares


def _used(count: int, run: Run) -> Line:
    what = f"{ACCOUNTS} accounts on {_workers(count)} (at most {run.most} on one): limit used, %"
    met = min(run.used) >= MIN_USED
    aim, over = f"each at least {MIN_USED:.0f}", f"{len(run.used)} accounts"
    return Line(NAME, what, {WORKER: spread(run.used)}, aim, met, digits=1, over=over)


def _cpu(count: int, run: Run, one: float) -> Line:
    figures = {WORKER: spread([run.cpu_ms_per_event])}
    what = f"{ACCOUNTS} accounts on {_workers(count)}: processor time per event, ms"
    over = "1 run"
    if count == WORKERS[0]:
        return Line(NAME, what, figures, digits=2, over=over)
    met = run.cpu_ms_per_event <= one * (1 + MAX_CPU_APART / 100)
    return Line(NAME, what, figures, f"within {MAX_CPU_APART:.0f} % of one worker", met, digits=2, over=over)


def _workers(count: int) -> str:
    return "1 worker" if count == 1 else f"{count} workers"


async def _beside(bench: Bench, workers: int, after: float) -> Run:
    await asyncio.sleep(after)
    async with bench.another() as own:
        return await _run(own, workers)


async def _run(bench: Bench, workers: int) -> Run:
    members = crew(bench.place, ACCOUNTS, shared=workers > 1)
    keys = list(members.keys.values())
    await bench.kit.open_accounts(*keys, limits=LIMITS)
    async with AsyncExitStack() as stack:
        running = [await stack.enter_async_context(members.worker(f"w{n}")) for n in range(workers)]
        await subscribed(ACCOUNTS, running)
        before = sum(each.cpu_seconds() for each in running)
        once = [(event.type, event.body()) for event in backlog(events=EVENTS, people=EVENTS)]
        await bench.platform.pour((f"{kind}.{name}", body) for name in members.keys for kind, body in once)
        calls = await _over(bench, members, running)
        cpu = sum(each.cpu_seconds() for each in running) - before
    settled = ACCOUNTS * EVENTS - await bench.close(*members.queues)
    owners = {call.account: call.caller for call in calls}
    most = max(list(owners.values()).count(caller) for caller in set(owners.values()))
    return Run(used(calls, keys), cpu * 1000 / settled, most)


async def _over(bench: Bench, members: Crew, running: Sequence[Program]) -> list[Call]:
    """Return the calls of all accounts, once each has had its time."""
    calls: list[Call] = []
    began: dict[str, float] = {}
    while len(began) < len(members.keys) or time.monotonic() < max(began.values()) + SPAN:
        await asyncio.sleep(LOOK)
        for each in running:
            each.check()
        calls = await bench.kit.calls()
        for call in calls:
            began.setdefault(call.account, call.arrived)
    return calls
