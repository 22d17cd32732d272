"""Events a second with limits off and no latency, API key calls, everyone different: nothing to fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from tests.bench.bench import Bench, Drain
from tests.bench.consumers import PLAIN, RIVALS, WORKER, kit_worker, rival
from tests.bench.figures import Line, spread
from tests.bench.life import backlog

NAME: Final = "different"
EVENTS: Final = 2_000


async def measure(bench: Bench, rounds: int) -> list[Line]:
    """Measure the three consumers, in turn."""
    events = backlog(events=EVENTS, people=EVENTS)
    runs: dict[str, list[Drain]] = {name: [] for name in (*RIVALS, WORKER)}
    for _ in range(rounds):
        for name in RIVALS:
            runs[name].append(await bench.drain(rival(name, bench.place), events, latency=0))
        runs[WORKER].append(await bench.drain(kit_worker(bench.place), events, latency=0))
    return lines(runs)


def lines(runs: Mapping[str, Sequence[Drain]]) -> list[Line]:
    """Judge events a second."""
    figures = {name: spread(run.events_per_second for run in own) for name, own in runs.items()}
    cpu = {name: spread(run.cpu_ms_per_event for run in own) for name, own in runs.items()}
    met = figures[WORKER].median >= figures[PLAIN].median
    what = "events/s, limits off, no latency, API key, everyone different"
    return [
        Line(NAME, what, figures, "no fewer than plain", met),
        Line(NAME, "meanwhile: processor time per event, ms", cpu, digits=2),
    ]
