"""Kit's rate limit, kept exactly: so many calls in any rolling 60 seconds, by credential.

Kit counts a call when it arrives, at a moment that this side cannot see: somewhere between sending the
request and receiving the answer. A call therefore occupies its place from before it is sent until 60 s
after its answer came (or was given up). Whatever the latency, no window of 60 s at Kit's side can then
hold more than the limit, and no call is answered 429 because of this process. `KitAccess` keeps each
credential's limiter for as long as the process lives.

What the process before has spent in its last minute is not known, so that Kit may answer the first calls
after a restart with 429. These cost no attempt: the account holds for some seconds, and goes on.

Source: Kit API reference, "Rate limiting": 120 requests per rolling 60 s for an API key, 600 for OAuth.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from worker.clock import Clock
from worker.errors import CallsSuspended
from worker.kit.pace import Pace

WINDOW = 60.0
MARGIN = 0.05
"""Seconds on top of the window, for clocks that do not tick alike."""
KEPT: Final = 0.02
"""Part of Kit's limit that every process leaves to the others with the same credential: commands like `check`
beside the workers, and probes."""
LOOKS: Final = 60
"""In a window, of whoever waits to begin: work may have ended without a call."""
TICK: Final = 0.001
"""Seconds for which nobody waits."""


def allowed(limit: int) -> int:
    """Return how much of Kit's limit one process uses; the rest is for others with the same credential."""
    return max(1, limit - max(1, round(limit * KEPT)))


class RollingWindow:
    """Which calls still count. Pure: the time is always passed in, in seconds."""

    def __init__(self, limit: int, window: float = WINDOW + MARGIN) -> None:
        if limit < 1:
            raise ValueError("the limit must be at least 1")
        self._limit = limit
        self._window = window
        self._under_way = 0
        self._ended: deque[float] = deque()

    def used(self, now: float) -> int:
        """Return how many calls count at this moment."""
        while self._ended and self._ended[0] + self._window <= now:
            self._ended.popleft()
        return self._under_way + len(self._ended)

    def free(self, now: float) -> int:
        """Return how many calls may start at this moment."""
        return self._limit - self.used(now)

    def ratio(self, now: float) -> float:
        """Return how much of the budget is used, 0 to 1."""
        return self.used(now) / self._limit

    def start(self) -> None:
        """Count a call that is about to be sent."""
        self._under_way += 1

    def give_back(self) -> None:
        """Take back a start: nothing was sent."""
        self._under_way -= 1

    def end(self, now: float) -> None:
        """Note that a call was answered or given up; it counts for one more window."""
        self._under_way -= 1
        self._ended.append(now)

    def next_free(self, now: float) -> float | None:
        """Return the seconds until a place becomes free.

        0 when one is free now; None when it depends on a call that is still under way.
        """
        if self.free(now) > 0:
            return 0.0
        return self._ended[0] + self._window - now if self._ended else None


class Limiter:
    """Lets callers through in their order, as fast as the window allows and no faster.

    Args:
        limit: Calls in any 60 s.
        clock: Says what time it is.
        window: Seconds for which a call counts after its end.

    Attributes:
        limit: As given.
    """

    def __init__(self, limit: int, *, clock: Clock, window: float = WINDOW + MARGIN) -> None:
        self.limit = limit
        self._window = RollingWindow(limit, window)
        self._pace = Pace(limit, window)
        self._recheck = window / LOOKS
        self._clock = clock
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._ended = asyncio.Event()

    @property
    def used(self) -> int:
        """How many calls count now: those under way, and of the last minute."""
        return self._window.used(self._clock.monotonic())

    @property
    def used_ratio(self) -> float:
        """How much of the budget is used, 0 to 1."""
        return self._window.ratio(self._clock.monotonic())

    async def ready(self, under_way: Callable[[], int] = lambda: 0) -> None:
        """Wait until new work may begin: at its pace, nobody waits for a place, and one is free.

        Whoever begins new work asks this first: while the budget is spent, work waits where more can be
        folded into it, and what has begun is finished first. No place is taken.

        Args:
            under_way: Tells how much work has begun and not ended.
        """
        while True:
            now = self._clock.monotonic()
            if self._waiting or self._window.free(now) < 1:
                await self._a_change(self._window.next_free(now))
            elif (wait := self._pace.wait(now, under_way())) > TICK:
                await self._a_change(min(wait, self._recheck))
            else:
                self._pace.begin()
                return

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """Hold a place for one call: from before it is sent until its answer came or was given up.

        Where `CallsSuspended` is raised meanwhile, nothing was sent, and the place is free again.
        """
        await self._acquire()
        sent = True
        try:
            yield
        except CallsSuspended:
            sent = False
            raise
        finally:
            if sent:
                self._window.end(self._clock.monotonic())
            else:
                self._window.give_back()
                self._pace.give_back()
            self._ended.set()

    async def _acquire(self) -> None:
        self._waiting += 1
        try:
            async with self._turn:  # first come, first served
                while self._window.free(self._clock.monotonic()) < 1:
                    await self._a_change(self._window.next_free(self._clock.monotonic()))
                self._window.start()
                self._pace.call(self._clock.monotonic())
        finally:
            self._waiting -= 1
            self._ended.set()

    async def _a_change(self, within: float | None) -> None:
        """Wait until a place may have become free, or for so many seconds at most."""
        self._ended.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(max(TICK, within) if within else None):
                await self._ended.wait()
