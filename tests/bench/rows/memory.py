"""The most memory that kit-worker has resident, with few and with very many messages waiting.

Within Kit's limit, so that the queue stays; and for five minutes at Kit's pace, so that as much is in hand
as ever will be. They take 15 s, for all of Kit's times are shorter by `FASTER`, as in the row `window`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final

from tests.bench.bench import Bench, explaining
from tests.bench.consumers import KITS_OWN, WORKER, Consumer, kit_worker
from tests.bench.figures import Line, rounds_of, spread
from tests.bench.life import many
from worker.kit.limiter import WINDOW

NAME: Final = "memory"
FEW: Final = 1_000
MANY: Final = 200_000
FASTER: Final = 20
LIMITS: Final = {"api_key": 120}
LATENCY: Final = 0.08
SECONDS: Final = 15.0
MAX_MB: Final = 100.0
MAX_MB_APART: Final = 2.0
"""So much two runs over the same queue differ, at times."""


async def measure(bench: Bench, rounds: int) -> list[Line]:
    """Measure over a short queue and over a long one, side by side."""
    async with bench.another() as other, asyncio.TaskGroup() as group:
        few = group.create_task(_peaks(other, FEW, rounds))
        more = group.create_task(_peaks(bench, MANY, rounds))
    return lines({FEW: few.result(), MANY: more.result()})


def lines(peaks: Mapping[int, Sequence[float]]) -> list[Line]:
    """Judge the peaks of all rounds in MB, by messages that waited."""
    found = {messages: spread(each) for messages, each in peaks.items()}
    apart = spread(abs(many - few) for few, many in zip(peaks[FEW], peaks[MANY], strict=True))
    over = rounds_of(peaks[FEW])
    return [
        *(
            Line(
                NAME,
                f"peak memory (RSS), {messages:,} messages in the queue, MB",
                {WORKER: peak},
                f"at most {MAX_MB:.0f}",
                peak.median <= MAX_MB,
                digits=1,
                over=over,
            )
            for messages, peak in found.items()
        ),
        Line(
            NAME,
            "the difference between the two, MB",
            {WORKER: apart},
            f"none: at most {MAX_MB_APART:.0f}",
            apart.median <= MAX_MB_APART,
            digits=1,
            over=over,
        ),
    ]


async def _peaks(bench: Bench, messages: int, rounds: int) -> list[float]:
    """Let a worker start on the same queue again and again; it is filled up meanwhile."""
    worker = kit_worker(bench.place, rate_limit=KITS_OWN, faster=FASTER)
    await bench.platform.add_queue(worker.queue, worker.arguments)
    peaks, poured = [], 0
    for _ in range(rounds):
        missing = messages - await bench.platform.depth(worker.queue)
        await bench.platform.pour(islice(many(poured + missing), poured, None))
        poured += missing
        await bench.reached(worker.queue, messages)
        peaks.append(await _peak(bench, worker))
    await bench.close(*worker.queues)
    return peaks


async def _peak(bench: Bench, worker: Consumer) -> float:
    await bench.kit.open_accounts(worker.key, limits=LIMITS, window=WINDOW / FASTER, latency=LATENCY / FASTER)
    async with worker.running() as running:
        with explaining(running):
            await bench.first_call(running)
            await asyncio.sleep(SECONDS)
            running.check()
            return running.peak_megabytes()
