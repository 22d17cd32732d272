"""Kit calls per event, 5,000 events of 1,000 people in the queue; and who is wrong in the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
"""Seconds that Kit takes to answer. With a faster Kit, and no limit, whoever is done is waited for by the ledger
more than by Kit, and fewer events lie in the window."""
MAX_SINGLE: Final = 1.45
MAX_BULK: Final = 0.06
MAX_BULK_LEAN: Final = 0.025

Runs = Mapping[str, Sequence[Drain]]


async def measure(bench: Bench, rounds: int) -> list[Line]:
    """Let each consumer work through the backlog, in turn."""
    place = bench.place
    makers: dict[str, Callable[[], Consumer]] = {
        **{name: lambda name=name: rival(name, place) for name in RIVALS},  # type: ignore[misc]
        KEY: lambda: kit_worker(place),
        BULK: lambda: kit_worker(place, bulk=True),
        BULK_LEAN: lambda: kit_worker(place, bulk=True, mapped=LEAN),
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
        _calls(runs, KEY, "Kit calls per event, API key", MAX_SINGLE, single, 2),
        _calls(runs, BULK, "Kit calls per event, OAuth with bulk, all fields", MAX_BULK, bulk, 3),
        _calls(runs, BULK_LEAN, "the same, only plan and level mapped", MAX_BULK_LEAN, lean, 3),
        _wrong(runs, KEY, "people with a wrong final state, API key"),
        _wrong(runs, BULK, "the same, OAuth with bulk"),
        _wrong(runs, BULK_LEAN, "the same, only plan and level mapped"),
        _cpu(runs, KEY, "processor time per event, API key, ms"),
        _cpu(runs, BULK, "the same, OAuth with bulk, ms"),
    ]


def _of(runs: Runs, name: str, figure: Callable[[Drain], float]) -> Mapping[str, Sequence[float]]:
    """Return a figure of all runs of both rivals, and of one way in which kit-worker ran."""
    chosen = {**{rival_name: runs[rival_name] for rival_name in RIVALS}, WORKER: runs[name]}
    return {consumer: [figure(run) for run in own] for consumer, own in chosen.items()}


def _calls(runs: Runs, name: str, what: str, most: float, floor: float, digits: int) -> Line:
    figures = {key: spread(each) for key, each in _of(runs, name, lambda run: run.calls_per_event).items()}
    aim = f"at most {most} (a window of {WINDOW} allows {floor:.{digits}f})"
    met = figures[WORKER].highest <= most
    return Line(NAME, what, figures, aim, met, counts=True, digits=digits)


def _wrong(runs: Runs, name: str, what: str) -> Line:
    figures = {key: spread(each) for key, each in _of(runs, name, lambda run: run.wrong + run.left).items()}
    met = figures[WORKER].highest == 0
    return Line(NAME, f"{what}, of {PEOPLE:,}", figures, "0", met, counts=True)


def _cpu(runs: Runs, name: str, what: str) -> Line:
    figures = {key: spread(each) for key, each in _of(runs, name, lambda run: run.cpu_ms_per_event).items()}
    return Line(NAME, what, figures, digits=2)
