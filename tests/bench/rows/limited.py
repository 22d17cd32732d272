"""A backlog under Kit's real limit for OAuth: 600 calls in any 60 s, and 80 ms until each is answered.

One call per change needs 21 minutes for it at best. The rivals get a tenth of it, both at once: each has an
account, and so a limit, of its own, and mostly waits.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Final

from tests.bench.bench import POLL, Bench, Drain, MeasurementFailed
from tests.bench.consumers import KITS_OWN, RIVALS, WORKER, Consumer, kit_worker, rival
from tests.bench.figures import Line, rounds_of, spread
from tests.bench.life import EVENTS, PEOPLE, Event, backlog
from tests.bench.model import plain_calls

NAME: Final = "limited"
LIMITS: Final = {"oauth": 600}
LATENCY: Final = 0.08
MAX_SECONDS: Final = 15.0
TENTH: Final = 10
RIVALS_PATIENCE: Final = 300.0
"""Seconds; a tenth is 1,270 calls, of which 600 go into a minute."""


async def measure(bench: Bench, rounds: int) -> list[Line]:
    """Let kit-worker drain all of it and a tenth, and the rivals a tenth."""
    tenth = backlog(events=EVENTS // TENTH, people=PEOPLE // TENTH)

    async def drained(events: Sequence[Event]) -> Drain:
        worker = kit_worker(bench.place, rate_limit=KITS_OWN, bulk=True)
        return await bench.drain(worker, events, latency=LATENCY, limits=LIMITS)

    async with asyncio.TaskGroup() as group:
        rivals = group.create_task(_rivals(bench, tenth))
        whole = [(await drained(backlog())).seconds for _ in range(rounds)]
        small = [(await drained(tenth)).seconds for _ in range(rounds)]
    return lines(whole, small, rivals.result())


def lines(whole: Sequence[float], tenth: Sequence[float], rivals: Mapping[str, float]) -> list[Line]:
    """Judge the seconds that it took: kit-worker for all of it and for a tenth, the rivals for a tenth."""
    ours = spread(whole)
    small = {**{name: spread([seconds]) for name, seconds in rivals.items()}, WORKER: spread(tenth)}
    what = "events under Kit's OAuth limit, s"
    return [
        Line(
            NAME,
            f"{EVENTS:,} {what}",
            {WORKER: ours},
            f"at most {MAX_SECONDS:.0f}",
            ours.median <= MAX_SECONDS,
            digits=1,
            over=rounds_of(whole),
        ),
        Line(
            NAME,
            f"a tenth of that, {EVENTS // TENTH} {what}",
            small,
            digits=1,
            over=f"{rounds_of(tenth)}; rivals 1",
        ),
    ]


async def _rivals(beside: Bench, events: Sequence[Event]) -> dict[str, float]:
    async with beside.another() as bench:
        return await _both(bench, events)


async def _both(bench: Bench, events: Sequence[Event]) -> dict[str, float]:
    rivals = {name: rival(name, bench.place, oauth=True) for name in RIVALS}
    keys = [each.key for each in rivals.values()]
    await bench.kit.open_accounts(*keys, limits=LIMITS, latency=LATENCY)
    async with AsyncExitStack() as stack:
        for each in rivals.values():
            await bench.platform.add_queue(each.queue, each.arguments)
        await bench.platform.publish(events)  # to both
        for each in rivals.values():
            await bench.reached(each.queue, len(events))
            await stack.enter_async_context(each.running())
        seconds = {name: await _over(bench, each, plain_calls(events)) for name, each in rivals.items()}
    await bench.close(*(each.queue for each in rivals.values()))
    return seconds


async def _over(bench: Bench, consumer: Consumer, writes: int) -> float:
    """Return the seconds from a consumer's first call to the one with which all is written."""
    give_up = time.monotonic() + RIVALS_PATIENCE
    while time.monotonic() < give_up:
        calls = [call for call in await bench.kit.calls() if call.account == consumer.key]
        well = [call for call in calls if call.method != "GET" and 200 <= call.status < 300]
        if len(well) >= writes:
            return max(call.ended for call in well) - calls[0].arrived
        await asyncio.sleep(10 * POLL)
    raise MeasurementFailed(f"{consumer.name} did not get through {writes} calls in {RIVALS_PATIENCE:.0f} s.")
