"""Events a second with limits off and no latency, one worker with bulk calls; and aio-pika alone."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from tests.bench.bench import PATIENCE, Bench, Drain, MeasurementFailed
from tests.bench.consumers import PLAIN, RIVALS, WORKER, kit_worker, rival
from tests.bench.figures import Line, rounds_of, spread
from tests.bench.life import Event, backlog

NAME: Final = "speed"
ACK_EVERY: Final = (1, 100)
TIMES_PLAIN: Final = 2.0
MAX_CPU_MS: Final = 0.18
SHARE_OF_BROKER: Final = 60.0


async def measure(bench: Bench, rounds: int) -> list[Line]:
    """Measure aio-pika alone and the three consumers, in turn."""
    events = backlog()
    alone: dict[int, list[float]] = {every: [] for every in ACK_EVERY}
    runs: dict[str, list[Drain]] = {name: [] for name in (*RIVALS, WORKER)}
    for _ in range(rounds):
        for every in ACK_EVERY:
            alone[every].append(await _acked(bench, events, every))
        for name in RIVALS:
            runs[name].append(await bench.drain(rival(name, bench.place), events, latency=0))
        runs[WORKER].append(await bench.drain(kit_worker(bench.place, bulk=True), events, latency=0))
    return lines(alone, runs)


def lines(alone: Mapping[int, Sequence[float]], runs: Mapping[str, Sequence[Drain]]) -> list[Line]:
    """Judge events a second: of aio-pika alone by how many it acks together, and of the consumers."""
    figures = {name: spread(run.events_per_second for run in own) for name, own in runs.items()}
    single = spread(alone[1])
    share = spread(100 * run.events_per_second / one for run, one in zip(runs[WORKER], alone[1], strict=True))
    busy = {name: spread(100 * run.kit_busy for run in own) for name, own in runs.items()}
    cpu = {name: spread(run.cpu_ms_per_event for run in own) for name, own in runs.items()}
    met = figures[WORKER].median >= TIMES_PLAIN * figures[PLAIN].median
    over = rounds_of(runs[WORKER])
    what = "aio-pika alone, no Kit: events/s consumed and acked"
    return [
        Line(NAME, f"{what} one by one", {PLAIN: single}, over=over),
        Line(NAME, f"{what} {ACK_EVERY[1]} at a time", {PLAIN: spread(alone[ACK_EVERY[1]])}, over=over),
        Line(
            NAME,
            "events/s, limits off, no latency, OAuth with bulk",
            figures,
            f"at least {TIMES_PLAIN:.0f} times plain",
            met,
            over=over,
        ),
        Line(
            NAME,
            "the same as a share of aio-pika alone, one by one, %",
            {WORKER: share},
            f"at least {SHARE_OF_BROKER:.0f}",
            share.median >= SHARE_OF_BROKER,
            over=over,
        ),
        Line(
            NAME,
            "meanwhile: processor time per event, bulk, ms",
            cpu,
            f"at most {MAX_CPU_MS}",
            cpu[WORKER].median <= MAX_CPU_MS,
            digits=2,
            over=over,
        ),
        Line(NAME, "meanwhile: the stand-in for Kit busy, % of a processor", busy, over=over),
    ]


async def _acked(bench: Bench, events: Sequence[Event], every: int) -> float:
    """Return how many events a second aio-pika consumes and acks, from a queue such as kit-worker's."""
    base = kit_worker(bench.place)
    environment = {
        "AMQP_URL": bench.place.amqp_url,
        "QUEUE": base.queue,
        "COUNT": str(len(events)),
        "ACK_EVERY": str(every),
    }
    argv = (sys.executable, "-m", "tests.bench.acker")
    acker = replace(base, name="acker", queues=(base.queue,), argv=argv, environment=environment)
    await bench.fill(acker, events)
    async with acker.running() as running:
        seconds = await running.ended(PATIENCE)
    await bench.close(acker.queue)
    try:
        return len(events) / float(seconds)
    except ValueError:
        raise MeasurementFailed(f"aio-pika alone did not get through:\n{seconds}") from None
