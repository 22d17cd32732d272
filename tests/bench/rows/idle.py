"""One event when nothing else is to do: from before it is published until Kit has answered its last call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Final

from tests.bench.bench import PATIENCE, Bench, MeasurementFailed, explaining
from tests.bench.consumers import PLAIN, RIVALS, WORKER, Consumer, kit_worker, rival
from tests.bench.figures import Line, percentile, rounds_of, spread
from tests.bench.life import newcomers
from tests.bench.stand_in import writes

NAME: Final = "idle"
WARM_UPS: Final = 5
EVENTS: Final = 80
PAUSE: Final = 0.06
"""Seconds between two looks; an event takes some 50 ms."""
CALLS_PER_EVENT: Final = 2


async def measure(bench: Bench, rounds: int) -> list[Line]:
    """Measure the three consumers, in turn."""
    times: dict[str, list[Sequence[float]]] = {name: [] for name in (*RIVALS, WORKER)}
    for _ in range(rounds):
        for name in RIVALS:
            times[name].append(await _idle(bench, rival(name, bench.place)))
        times[WORKER].append(await _idle(bench, kit_worker(bench.place)))
    return lines(times)


def lines(times: Mapping[str, Sequence[Sequence[float]]]) -> list[Line]:
    """Judge the milliseconds that events took, by consumer and round."""
    return [_line(times, 0.5, "p50", 1), _line(times, 0.99, "p99", 3)]


def _line(times: Mapping[str, Sequence[Sequence[float]]], share: float, name: str, behind: int) -> Line:
    figures = {who: spread(percentile(own, share) for own in rounds) for who, rounds in times.items()}
    met = figures[WORKER].median <= figures[PLAIN].median + behind
    what = f"one event when idle, published until in Kit, {name}, ms"
    return Line(
        NAME, what, figures, f"at most {behind} more than plain", met, digits=1, over=rounds_of(times[WORKER])
    )


async def _idle(bench: Bench, consumer: Consumer) -> tuple[float, ...]:
    await bench.kit.open_accounts(consumer.key)
    await bench.platform.add_queue(consumer.queue, consumer.arguments)
    async with consumer.running() as running:
        with explaining(running):
            await bench.consumed(consumer.queue, running)
            times = await _one_after_another(bench)
    await bench.close(*consumer.queues)
    return times


async def _one_after_another(bench: Bench) -> tuple[float, ...]:
    """Publish one event after another, each once the one before it was applied and all was quiet."""
    published = []
    for number, event in enumerate(newcomers(WARM_UPS + EVENTS), start=1):
        published.append(time.monotonic())
        await bench.platform.publish([event])
        await _answered(bench, number * CALLS_PER_EVENT)
    ended = [call.ended for call in writes(await bench.kit.calls())][CALLS_PER_EVENT - 1 :: CALLS_PER_EVENT]
    times = [(end - begin) * 1000 for begin, end in zip(published, ended, strict=True)]
    return tuple(times[WARM_UPS:])


async def _answered(bench: Bench, count: int) -> None:
    """Wait until Kit has answered so many writes, without disturbing it while it does."""
    async with asyncio.timeout(PATIENCE):
        await asyncio.sleep(PAUSE)
        while (found := await bench.kit.write_count()) < count:  # another process's
            await asyncio.sleep(PAUSE)
    if found > count:
        raise MeasurementFailed(f"An idle event led to {found - count} calls too many.")
