"""Events a second with limits off and no latency, API key calls, everyone different: nothing to fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from tests.bench.bench import Bench, Drain
from tests.bench.consumers import PLAIN, RIVALS, WORKER, kit_worker, rival
from tests.bench.figures import Line, rounds_of, spread
from tests.bench.life import backlog

NAME: Final = "different"
EVENTS: Final = 2_000
TIMES_PLAIN: Final = 0.9
MAX_CPU_MS: Final = 0.40


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
    met = figures[WORKER].median >= TIMES_PLAIN * figures[PLAIN].median
    over = rounds_of(runs[WORKER])
    what = "events/s, limits off, no latency, API key, everyone different"
    return [
        Line(NAME, what, figures, f"at least {TIMES_PLAIN} times plain", met, over=over),
        Line(
            NAME,
            "meanwhile: processor time per event, single calls, ms",
            cpu,
            f"at most {MAX_CPU_MS:.2f}",
            cpu[WORKER].median <= MAX_CPU_MS,
            digits=2,
            over=over,
        ),
    ]
