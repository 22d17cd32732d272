"""From runs to the figures that count, beside what they should be. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from tests.bench.consumers import PLAIN, WORKER
from tests.bench.life import PEOPLE
from tests.bench.runs import BacklogRun, MemoryRun

MAX_CALLS_PER_EVENT: Final = 1.6
MAX_IDLE_MS_BEHIND: Final = 10.0
MAX_MEMORY_MB: Final = 120.0


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over all rounds."""

    median: float
    lowest: float
    highest: float


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        plain: None where the plain consumer is not measured.
        aim: What kit-worker should reach, for people; empty where there is no aim.
        met: None where there is no aim.
        by_machine: True where the figure depends on the machine and on what else it does.
        digits: After the decimal point.
    """

    what: str
    plain: Spread | None
    worker: Spread
    aim: str = ""
    met: bool | None = None
    by_machine: bool = False
    digits: int = 0


def rows(runs: Sequence[BacklogRun], memory: Sequence[MemoryRun]) -> list[Row]:
    """Return the table's lines, of runs of both consumers."""
    plain = [run for run in runs if run.consumer == PLAIN]
    worker = [run for run in runs if run.consumer == WORKER]
    table = [_wrong(plain, worker), _calls(plain, worker), _speed(plain, worker)]
    if all(run.idle_ms for run in runs):
        table += [_idle(plain, worker), _slowest(plain, worker)]
    table += [
        _compared("consumer's processor time, ms per event", plain, worker, lambda run: run.cpu_ms_per_event),
        _compared("stand-in for Kit busy, %", plain, worker, lambda run: run.kit_busy * 100),
    ]
    return table + [_memory(run) for run in memory]


def troubles(runs: Iterable[BacklogRun]) -> list[str]:
    """Return what went wrong in runs beside what the table shows, each as a sentence."""
    found = []
    for run in runs:
        if run.left:
            found.append(f"{run.consumer}: {run.left} messages came back to the queue or are dead letters.")
        found += [
            f"{run.consumer}: Kit answered {what}, {count} times." for what, count in run.refused.items()
        ]
    return found


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def spread(values: Iterable[float]) -> Spread:
    """Return median, lowest and highest."""
    known = list(values)
    return Spread(median(known), min(known), max(known))


def _compared(
    what: str,
    plain: Sequence[BacklogRun],
    worker: Sequence[BacklogRun],
    figure: Callable[[BacklogRun], float],
) -> Row:
    return Row(what, spread(map(figure, plain)), spread(map(figure, worker)), digits=1, by_machine=True)


def _wrong(plain: Sequence[BacklogRun], worker: Sequence[BacklogRun]) -> Row:
    ours = spread(run.wrong for run in worker)
    theirs = spread(run.wrong for run in plain)
    return Row(f"people with a wrong final state, of {PEOPLE:,}", theirs, ours, "0", ours.highest == 0)


def _calls(plain: Sequence[BacklogRun], worker: Sequence[BacklogRun]) -> Row:
    ours = spread(run.calls_per_event for run in worker)
    theirs = spread(run.calls_per_event for run in plain)
    met = ours.highest <= MAX_CALLS_PER_EVENT
    return Row("Kit calls per event", theirs, ours, f"at most {MAX_CALLS_PER_EVENT}", met, digits=2)


def _speed(plain: Sequence[BacklogRun], worker: Sequence[BacklogRun]) -> Row:
    ours = spread(run.events_per_second for run in worker)
    theirs = spread(run.events_per_second for run in plain)
    met = ours.median >= theirs.median
    return Row("events per second", theirs, ours, "no fewer than plain", met, by_machine=True)


def _idle(plain: Sequence[BacklogRun], worker: Sequence[BacklogRun]) -> Row:
    ours = spread(percentile(run.idle_ms, 0.5) for run in worker)
    theirs = spread(percentile(run.idle_ms, 0.5) for run in plain)
    met = ours.median <= theirs.median + MAX_IDLE_MS_BEHIND
    aim = f"within {MAX_IDLE_MS_BEHIND:.0f} of plain"
    return Row("an idle event applied, ms (p50)", theirs, ours, aim, met, by_machine=True, digits=1)


def _slowest(plain: Sequence[BacklogRun], worker: Sequence[BacklogRun]) -> Row:
    return _compared(
        "an idle event applied, ms (p99)", plain, worker, lambda run: percentile(run.idle_ms, 0.99)
    )


def _memory(run: MemoryRun) -> Row:
    what = f"peak memory over {run.messages:,} waiting messages, MB"
    peak = Spread(run.peak_mb, run.peak_mb, run.peak_mb)
    return Row(what, None, peak, f"under {MAX_MEMORY_MB:.0f}", run.peak_mb < MAX_MEMORY_MB)
