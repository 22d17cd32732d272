"""How new work begins under Kit's limit: most of it at once, the rest in lumps, and nothing of it unused."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from tests.unit.kit.limiter.limited import limiter
from tests.unit.virtual_time import now, run
from worker.errors import CallsSuspended
from worker.kit.pace import LUMPS

LIMIT = 118
PERIOD = 60.0
CONCURRENCY = 32


@dataclass
class Backlog:
    """Work without end: each piece makes its calls one after another.

    Attributes:
        began: When each piece began, in seconds.
        called: When each call was sent.
    """

    calls_each: Sequence[int]
    latency: float
    began: list[float] = field(default_factory=list)
    called: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._limiter = limiter(LIMIT)
        self._under_way = 0
        self._slots = asyncio.Semaphore(CONCURRENCY)
        self._tasks: list[asyncio.Task[None]] = []

    async def drain(self, seconds: float) -> None:
        """Work for so long."""
        dispatching = asyncio.create_task(self._dispatch())
        await asyncio.sleep(seconds)
        for task in (dispatching, *self._tasks):
            task.cancel()

    async def _dispatch(self) -> None:
        while True:
            await self._slots.acquire()
            await self._limiter.ready(lambda: self._under_way)
            calls = self.calls_each[len(self.began) % len(self.calls_each)]
            self.began.append(now())
            self._under_way += 1
            self._tasks.append(asyncio.create_task(self._work(calls)))

    async def _work(self, calls: int) -> None:
        for _ in range(calls):
            async with self._limiter.call():
                self.called.append(now())
                await asyncio.sleep(self.latency)
        self._under_way -= 1
        self._slots.release()

    def calls_within(self, begin: float, seconds: float = 60.0) -> int:
        """Return how many calls were sent in so many seconds."""
        return sum(begin <= at < begin + seconds for at in self.called)

    def mean_wait(self) -> float:
        """Return the seconds that somebody waits on average who comes at any moment, until work begins."""
        gaps = [after - before for before, after in pairwise(self.began)]
        return sum(gap * gap / 2 for gap in gaps) / sum(gaps)


@pytest.mark.parametrize(("latency", "used"), [(0.03, 0.97), (1.5, 0.9)])
@pytest.mark.parametrize("calls_each", [(1,), (2,), (3,), (1, 2, 3, 2), (5,)], ids=str)
def test_a_backlog_uses_the_limit_up_and_lets_something_begin_all_the_while(
    calls_each: Sequence[int], latency: float, used: float
) -> None:
    backlog = Backlog(calls_each, latency)

    run(backlog.drain(300))

    for begin in (20, 60, 100, 180, 240):
        assert LIMIT * used <= backlog.calls_within(begin) <= LIMIT
    assert backlog.mean_wait() < 6.0


def test_most_of_the_limit_is_used_at_once_and_the_rest_in_lumps_within_the_minute() -> None:
    backlog = Backlog([2], 0.03)

    run(backlog.drain(PERIOD))

    lump = PERIOD / LUMPS
    assert LIMIT * 0.6 <= backlog.calls_within(0, 2) <= LIMIT * 0.7
    for number in range(1, LUMPS):
        assert backlog.calls_within(number * lump, 2) == pytest.approx(LIMIT * 0.4 / LUMPS, abs=3)
        assert backlog.calls_within(number * lump + 2, lump - 2) == 0


def test_while_less_than_that_is_used_nothing_waits() -> None:
    async def main() -> float:
        limited = limiter(LIMIT)
        for _ in range(LIMIT // 2 - 1):
            await limited.ready()
            async with limited.call():
                pass
        await limited.ready()
        return now()

    assert run(main()) == 0


def test_what_was_not_sent_is_not_used_up() -> None:
    """Given calls that were suspended, as many as all the minute has, nothing that begins waits for them."""

    async def main() -> float:
        limited = limiter(LIMIT)
        for _ in range(LIMIT):
            with suppress(CallsSuspended):
                async with limited.call():
                    raise CallsSuspended
        for _ in range(LIMIT // 2):
            await limited.ready()
            async with limited.call():
                pass
        return now()

    assert run(main()) == 0
