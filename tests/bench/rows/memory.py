"""The most memory that kit-worker has resident, with few and with very many messages waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from tests.bench.bench import Bench, explaining
from tests.bench.consumers import KITS_OWN, WORKER, kit_worker
from tests.bench.figures import Line, spread
from tests.bench.life import many

NAME: Final = "memory"
FEW: Final = 1_000
MANY: Final = 200_000
LIMITS: Final = {"api_key": 120}
SECONDS: Final = 15.0
MAX_MB: Final = 120.0
MAX_MB_APART: Final = 10.0


async def measure(bench: Bench, rounds: int) -> list[Line]:  # noqa: ARG001  # it hardly varies
    """Measure over a short queue and over a long one, within Kit's limit, so that the queue stays."""
    return lines({messages: await _peak(bench, messages) for messages in (FEW, MANY)})


def lines(peaks: Mapping[int, float]) -> list[Line]:
    """Judge peaks in MB, by messages that waited."""
    apart = abs(peaks[MANY] - peaks[FEW])
    return [
        *(
            Line(
                NAME,
                f"peak memory (RSS), {messages:,} messages in the queue, MB",
                {WORKER: spread([peak])},
                f"under {MAX_MB:.0f}",
                peak < MAX_MB,
                digits=1,
            )
            for messages, peak in peaks.items()
        ),
        Line(
            NAME,
            "the difference between the two, MB",
            {WORKER: spread([apart])},
            f"at most {MAX_MB_APART:.0f}",
            apart <= MAX_MB_APART,
            digits=1,
        ),
    ]


async def _peak(bench: Bench, messages: int) -> float:
    worker = kit_worker(bench.place, rate_limit=KITS_OWN)
    await bench.kit.open_accounts(worker.key, limits=LIMITS)
    await bench.platform.add_queue(worker.queue, worker.arguments)
    await bench.platform.pour(many(messages))
    await bench.reached(worker.queue, messages)
    async with worker.running() as running:
        with explaining(running):
            await bench.first_call(running)
            await asyncio.sleep(SECONDS)
            running.check()
            peak = running.peak_megabytes()
    await bench.close(*worker.queues)
    return peak
