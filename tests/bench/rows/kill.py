"""From kill -9 of the worker that has an account until another has applied that account's next event."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from typing import Final

from tests.bench.bench import PATIENCE, Bench, MeasurementFailed, subscribed
from tests.bench.consumers import UNBRAKED, WORKER, Crew, crew
from tests.bench.figures import Line, spread
from tests.bench.life import newcomers
from tests.bench.processes import Program
from tests.bench.stand_in import Call

NAME: Final = "kill"
KILLS: Final = 5
EVERY: Final = 0.05
"""Seconds between two events; one is always on its way."""
EVENTS: Final = 5_000
LOOK: Final = 0.1
SETTLE: Final = 2.0
MAX_SECONDS: Final = 3.0


async def measure(bench: Bench, rounds: int) -> list[Line]:  # noqa: ARG001  # so many kills are its rounds
    """Kill whoever is active, again and again."""
    members = crew(bench.place, 1, rate_limit=UNBRAKED, shared=True)
    (account,) = members.keys
    await bench.kit.open_accounts(*members.keys.values())
    seconds = []
    async with AsyncExitStack() as stack:
        running = {name: await stack.enter_async_context(members.worker(name)) for name in ("w0", "w1")}
        await subscribed(1, list(running.values()))
        coming = asyncio.create_task(_keep_coming(bench, account))
        try:
            for number in range(KILLS):
                seconds.append(await _kill_active(bench, running))
                await _replace(members, running, stack, f"w{number + 2}")
        finally:
            coming.cancel()
            with suppress(asyncio.CancelledError):
                await coming
    await bench.close(*members.queues)
    return lines(seconds)


def lines(seconds: Sequence[float]) -> list[Line]:
    """Judge the seconds of all kills; the slowest decides."""
    what = "from kill -9 of the active worker to the next event applied, s"
    figure = spread(seconds)
    aim, met = f"at most {MAX_SECONDS:.0f}", figure.highest <= MAX_SECONDS
    return [Line(NAME, what, {WORKER: figure}, aim, met, digits=2, over=f"{len(seconds)} kills")]


def first_applied(calls: Sequence[Call], after: float, *, not_by: str) -> float | None:
    """Return when an event was first applied after a moment, by another caller: the answer to its tagging."""
    ended = [
        call.ended
        for call in calls
        if call.arrived > after
        and call.method == "POST"
        and "/tags/" in call.endpoint
        and call.caller != not_by
    ]
    return min(ended, default=None)


async def _keep_coming(bench: Bench, account: str) -> None:
    for event in newcomers(EVENTS):
        await bench.platform.publish([event], account)
        await asyncio.sleep(EVERY)


async def _kill_active(bench: Bench, running: dict[str, Program]) -> float:
    """Return the seconds that it took."""
    await asyncio.sleep(SETTLE)
    active = (await bench.kit.calls())[-1]
    (name,) = [name for name in running if f"({name})" in active.caller]
    killed = time.monotonic()
    running.pop(name).kill()
    while (now := time.monotonic()) < killed + PATIENCE:
        calls = await bench.kit.calls(since=active.sequence)
        if (applied := first_applied(calls, killed, not_by=active.caller)) is not None:
            return applied - killed
        await asyncio.sleep(LOOK)
    raise MeasurementFailed(f"Nobody took over within {now - killed:.0f} s.")


async def _replace(members: Crew, running: dict[str, Program], stack: AsyncExitStack, name: str) -> None:
    """Start another worker, and wait until it stands by."""
    running[name] = await stack.enter_async_context(members.worker(name))
    await subscribed(1, list(running.values()))
