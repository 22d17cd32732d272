"""Kit calls per event, 5,000 events of 1,000 people in the queue; and who is wrong in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from tests.bench.allowed import WINDOW, bulk_calls_allowed, single_calls_allowed
from tests.bench.bench import Bench, Drain
from tests.bench.consumers import RIVALS, WORKER, Consumer, Place, kit_worker, rival
from tests.bench.figures import Line, Spread, rounds_of, spread
from tests.bench.life import EVENTS, PEOPLE, backlog
from tests.bench.model import LEAN

NAME: Final = "calls"
KEY: Final = WORKER
BULK: Final = "bulk"
BULK_LEAN: Final = "bulk, lean"
LATENCY: Final = 0.08
"""Seconds that Kit takes to answer. The faster it answers, the more of the window is taken up by people who
are done and wait for the ledger, and the less is folded."""
MAX_SINGLE: Final = 0.9
MAX_BULK: Final = 0.045
MAX_LEAN: Final = 0.020
EXCUSED: Final = 1.1
"""So many times the aim, beyond which something is broken: how full a window is varies with the machine's
load, by 3 % beside the tests."""

Runs = Mapping[str, Sequence[Drain]]


@dataclass(frozen=True, slots=True)
class Bound:
    """What calls per event are judged by.

    Attributes:
        aim: What they should be.
        floor: What the window allows at best.
    """

    aim: float
    floor: float


async def measure(bench: Bench, rounds: int) -> list[Line]:
    """Let each consumer work through the backlog, in turn."""
    return await _measure(bench, rounds, tuple(RIVALS))


async def measure_ours(bench: Bench, rounds: int) -> list[Line]:
    """Let kit-worker alone do it, in each of its ways: the aims are its own."""
    return await _measure(bench, rounds, ())


async def _measure(bench: Bench, rounds: int, rivals: Sequence[str]) -> list[Line]:
    runs: dict[str, list[Drain]] = {name: [] for name in (*rivals, KEY, BULK, BULK_LEAN)}

    async def side_by_side(makers: Mapping[str, Callable[[Place], Consumer]]) -> None:
        """Drain with two that mostly wait for Kit's answers, so that neither keeps the other from working."""
        async with bench.another() as other, asyncio.TaskGroup() as group:
            drained = {
                name: group.create_task(_drained(own, make(own.place)))
                for (name, make), own in zip(makers.items(), (bench, other), strict=False)
            }
        for name, run in drained.items():
            runs[name].append(run.result())

    for _ in range(rounds):
        if rivals:
            await side_by_side({name: partial(rival, name) for name in rivals})
        runs[KEY].append(await _drained(bench, kit_worker(bench.place)))
        await side_by_side(
            {BULK: partial(kit_worker, bulk=True), BULK_LEAN: partial(kit_worker, bulk=True, mapped=LEAN)}
        )
    return lines(runs)


async def _drained(bench: Bench, consumer: Consumer) -> Drain:
    return await bench.drain(consumer, backlog(), latency=LATENCY)


def lines(runs: Runs) -> list[Line]:
    """Judge what was measured, by `RIVALS`, `KEY`, `BULK` and `BULK_LEAN`."""
    events = backlog()
    single = single_calls_allowed(events) / EVENTS
    bulk, lean = bulk_calls_allowed(events) / EVENTS, bulk_calls_allowed(events, LEAN) / EVENTS
    return [
        _calls(runs, KEY, "Kit calls per event, API key, no limit", Bound(MAX_SINGLE, single)),
        _calls(runs, BULK, "Kit calls per event, OAuth with bulk, all fields", Bound(MAX_BULK, bulk)),
        _calls(
            runs, BULK_LEAN, "Kit calls per event, OAuth with bulk, plan and level", Bound(MAX_LEAN, lean)
        ),
        _wrong(runs, KEY, "people with a wrong final state, API key"),
        _wrong(runs, BULK, "the same, OAuth with bulk"),
        _wrong(runs, BULK_LEAN, "the same, only plan and level mapped"),
        _cpu(runs, KEY, "processor time per event, API key, ms"),
        _cpu(runs, BULK, "the same, OAuth with bulk, ms"),
    ]


def _of(runs: Runs, name: str, figure: Callable[[Drain], float]) -> Mapping[str, Spread]:
    """Return a figure of all runs of the rivals, where they ran, and of one way in which kit-worker ran."""
    chosen = {**{each: runs[each] for each in RIVALS if each in runs}, WORKER: runs[name]}
    return {consumer: spread(map(figure, own)) for consumer, own in chosen.items()}


def _calls(runs: Runs, name: str, what: str, bound: Bound) -> Line:
    figures = _of(runs, name, lambda run: run.calls_per_event)
    aim = f"at most {bound.aim:.3f} (a window of {WINDOW:,} allows {bound.floor:.3f})"
    ours = figures[WORKER]
    met, failed = ours.median <= bound.aim, ours.highest > bound.aim * EXCUSED
    return Line(NAME, what, figures, aim, met, failed, digits=3, over=rounds_of(runs[name]))


def _wrong(runs: Runs, name: str, what: str) -> Line:
    figures = _of(runs, name, lambda run: run.wrong + run.left)
    met = figures[WORKER].highest == 0
    what = f"{what}, of {PEOPLE:,}"
    return Line(NAME, what, figures, "0", met, failed=not met, over=rounds_of(runs[name]))


def _cpu(runs: Runs, name: str, what: str) -> Line:
    figures = _of(runs, name, lambda run: run.cpu_ms_per_event)
    return Line(NAME, what, figures, digits=2, over=rounds_of(runs[name]))
