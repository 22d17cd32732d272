"""Kit calls per event, 5,000 events of 1,000 people in the queue; and who is wrong in the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from tests.bench.allowed import WINDOW, bulk_calls_allowed, single_calls_allowed
from tests.bench.bench import Bench, Drain
from tests.bench.consumers import RIVALS, WORKER, Consumer, kit_worker, rival
from tests.bench.figures import Line, spread
from tests.bench.life import EVENTS, PEOPLE, backlog
from tests.bench.model import LEAN

NAME: Final = "calls"
KEY: Final = WORKER
BULK: Final = "bulk"
BULK_LEAN: Final = "bulk, lean"
LATENCY: Final = 0.08
"""Seconds that Kit takes to answer. The faster it answers, the more of the window is taken up by people who
are done and wait for the ledger, and the less is folded."""
MAX_SINGLE: Final = 1.45
EXCUSED: Final = 1.1
"""So many times an aim: how full a window is varies with the machine's load, by 3 % beside the tests."""
MAX_BULK: Final = 0.06
MAX_BULK_LEAN: Final = 0.025

Runs = Mapping[str, Sequence[Drain]]


async def measure(bench: Bench, rounds: int) -> list[Line]:
    """Let each consumer work through the backlog, in turn."""
    return await _measure(bench, rounds, tuple(RIVALS))


async def measure_ours(bench: Bench, rounds: int) -> list[Line]:
    """Let kit-worker alone do it, in each of its ways: the aims are its own."""
    return await _measure(bench, rounds, ())


async def _measure(bench: Bench, rounds: int, rivals: Sequence[str]) -> list[Line]:
    place = bench.place
    makers: dict[str, Callable[[], Consumer]] = {
        **{name: partial(rival, name, place) for name in rivals},
        KEY: partial(kit_worker, place),
        BULK: partial(kit_worker, place, bulk=True),
        BULK_LEAN: partial(kit_worker, place, bulk=True, mapped=LEAN),
    }
    runs: dict[str, list[Drain]] = {name: [] for name in makers}
    for _ in range(rounds):
        for name, make in makers.items():
            runs[name].append(await bench.drain(make(), backlog(), latency=LATENCY))
    return lines(runs)


def lines(runs: Runs) -> list[Line]:
    """Judge what was measured, by `RIVALS`, `KEY`, `BULK` and `BULK_LEAN`."""
    events = backlog()
    single = single_calls_allowed(events) / EVENTS
    bulk, lean = bulk_calls_allowed(events) / EVENTS, bulk_calls_allowed(events, LEAN) / EVENTS
    return [
        _calls(runs, KEY, "Kit calls per event, API key", MAX_SINGLE, single),
        _calls(runs, BULK, "Kit calls per event, OAuth with bulk, all fields", MAX_BULK, bulk),
        _calls(runs, BULK_LEAN, "the same, only plan and level mapped", MAX_BULK_LEAN, lean),
        _wrong(runs, KEY, "people with a wrong final state, API key"),
        _wrong(runs, BULK, "the same, OAuth with bulk"),
        _wrong(runs, BULK_LEAN, "the same, only plan and level mapped"),
        _cpu(runs, KEY, "processor time per event, API key, ms"),
        _cpu(runs, BULK, "the same, OAuth with bulk, ms"),
    ]


def _of(runs: Runs, name: str, figure: Callable[[Drain], float]) -> Mapping[str, Sequence[float]]:
    """Return a figure of all runs of the rivals, where they ran, and of one way in which kit-worker ran."""
    chosen = {**{each: runs[each] for each in RIVALS if each in runs}, WORKER: runs[name]}
    return {consumer: [figure(run) for run in own] for consumer, own in chosen.items()}


def _calls(runs: Runs, name: str, what: str, most: float, floor: float) -> Line:
    figures = {key: spread(each) for key, each in _of(runs, name, lambda run: run.calls_per_event).items()}
    aim = f"at most {most} (a window of {WINDOW} allows {floor:.3f})"
    ours = figures[WORKER]
    failed = ours.highest > most * EXCUSED
    return Line(NAME, what, figures, aim, ours.median <= most, failed, digits=3)


def _wrong(runs: Runs, name: str, what: str) -> Line:
    figures = {key: spread(each) for key, each in _of(runs, name, lambda run: run.wrong + run.left).items()}
    met = figures[WORKER].highest == 0
    return Line(NAME, f"{what}, of {PEOPLE:,}", figures, "0", met, failed=not met)


def _cpu(runs: Runs, name: str, what: str) -> Line:
    figures = {key: spread(each) for key, each in _of(runs, name, lambda run: run.cpu_ms_per_event).items()}
    return Line(NAME, what, figures, digits=2)
