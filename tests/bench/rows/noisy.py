"""One noisy account beside 15 quiet ones on one worker: do the quiet ones wait for it?

Once at Kit's own limits, and once with limits off, so that the noisy one never rests.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.bench.bench import PATIENCE, POLL, Bench, MeasurementFailed, explaining, subscribed
from tests.bench.consumers import KITS_OWN, UNBRAKED, WORKER, Crew, crew
from tests.bench.figures import Line, Spread, percentile, rounds_of, spread
from tests.bench.life import many, newcomers
from tests.bench.stand_in import writes
from worker.broker.topology import work_queue, work_queue_arguments

NAME: Final = "noisy"
NOISE: Final = 60_000
NOISE_LIMITED: Final = 20_000
"""Events of the noisy account, more than it gets through meanwhile."""
QUIET: Final = 15
EVENTS: Final = 8
"""Of each quiet account."""
EVERY: Final = 0.05
"""Seconds between two quiet events, of whichever account."""
CALLS_PER_EVENT: Final = 2
LIMITS: Final = {"api_key": 120, "oauth": 600}
MAX_TIMES: Final = 1.3


@dataclass(frozen=True, slots=True)
class Run:
    """Milliseconds of the quiet events, and how many of the noisy ones still waited after them."""

    times: Sequence[float]
    left: int = 0


async def measure(bench: Bench, rounds: int) -> list[Line]:
    """Measure without noise, with it at Kit's limits, and with it without limits, in turn."""
    alone, limited, unlimited = [], [], []
    for _ in range(rounds):
        alone.append(await _run(bench, noise=0, limited=True))
        limited.append(await _run(bench, noise=NOISE_LIMITED, limited=True))
        unlimited.append(await _run(bench, noise=NOISE, limited=False))
    return lines(alone, limited, unlimited)


def lines(alone: Sequence[Run], limited: Sequence[Run], unlimited: Sequence[Run]) -> list[Line]:
    """Judge the quiet accounts' times: what they are of all rounds, beside what they are alone."""
    p99 = _p99(alone)
    what = f"{QUIET} quiet accounts alone, p99, ms"
    return [
        Line(NAME, what, {WORKER: p99}, digits=1, over=rounds_of(alone)),
        _beside("at Kit's limits", limited, p99.median),
        _beside("limits off", unlimited, p99.median),
    ]


def _beside(how: str, runs: Sequence[Run], alone: float) -> Line:
    p99 = _p99(runs)
    left = min(run.left for run in runs)
    what = f"the same beside a noisy one, {how} ({left:,} or more of its events still waited), p99, ms"
    aim, met = f"at most {MAX_TIMES} times that", p99.median <= MAX_TIMES * alone
    return Line(NAME, what, {WORKER: p99}, aim, met, digits=1, over=rounds_of(runs))


def _p99(runs: Sequence[Run]) -> Spread:
    return spread(percentile(run.times, 0.99) for run in runs)


def times_of(published: Mapping[str, Sequence[float]], ended: Mapping[str, Sequence[float]]) -> list[float]:
    """Return the milliseconds of all events, by account: when published, and when each write was answered."""
    return [
        (end - begin) * 1000
        for key, moments in published.items()
        for begin, end in zip(
            moments, sorted(ended[key])[CALLS_PER_EVENT - 1 :: CALLS_PER_EVENT], strict=True
        )
    ]


async def _run(bench: Bench, *, noise: int, limited: bool) -> Run:
    members = crew(bench.place, 1 + QUIET, bulk=1, rate_limit=KITS_OWN if limited else UNBRAKED)
    loud, *_ = members.keys
    await bench.kit.open_accounts(*members.keys.values(), limits=LIMITS if limited else None)
    queue = work_queue(loud)
    await bench.platform.add_queue(queue, work_queue_arguments(loud), loud)
    await bench.platform.pour((f"{kind}.{loud}", body) for kind, body in many(noise))
    await bench.reached(queue, noise)
    async with members.worker("noisy") as running:
        with explaining(running):
            await subscribed(1 + QUIET, [running])
            times = await _quiet_events(bench, members)
            left = await bench.platform.depth(queue)
    await bench.close(*members.queues)
    if noise and not left:
        raise MeasurementFailed("The noise was over before the quiet accounts' events were.")
    return Run(times, left)


async def _quiet_events(bench: Bench, members: Crew) -> list[float]:
    quiet = list(members.keys)[1:]
    published: dict[str, list[float]] = {members.keys[name]: [] for name in quiet}
    next_at = time.monotonic()
    for event in newcomers(EVENTS):
        for name in quiet:
            next_at += EVERY
            await asyncio.sleep(max(0.0, next_at - time.monotonic()))
            published[members.keys[name]].append(time.monotonic())
            await bench.platform.publish([event], name)
    async with asyncio.timeout(PATIENCE):
        while True:
            ended: dict[str, list[float]] = {key: [] for key in published}
            for call in writes(await bench.kit.calls()):
                ended.get(call.account, []).append(call.ended)
            if all(len(each) >= EVENTS * CALLS_PER_EVENT for each in ended.values()):
                return times_of(published, ended)
            await asyncio.sleep(POLL)
