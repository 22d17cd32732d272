"""Kit's rate limit, kept exactly: so many calls in any rolling 60 seconds, by credential.

Kit counts a call when it arrives, at a moment that this side cannot see: somewhere between sending the
request and receiving the answer. A call therefore occupies its place from before it is sent until 60 s
after its answer came (or was given up). Whatever the latency, no window of 60 s at Kit's side can then
hold more than the limit, and no call is answered 429 because of this process.

Kit's memory is longer than a process's life: what was spent is therefore written down before it is spent,
for whoever calls next with the same credential, after a restart or a crash. While much is left, a few calls
are written down ahead; the less is left, the more exactly it is done, so that nothing is lost at the limit.

Source: Kit API reference, "Rate limiting": 120 requests per rolling 60 s for an API key, 600 for OAuth.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress

from worker.clock import Clock
from worker.errors import TryLater
from worker.kit.spending import Spent, spent_by

WINDOW = 60.0
MARGIN = 0.05
"""Seconds on top of the window, for clocks that do not tick alike."""
KEEP_WRITTEN = 1.0
AHEAD_OF = 8
"""Of what is left of the budget, this part is written down ahead. After a crash it counts as spent."""


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

    @property
    def under_way(self) -> int:
        """How many calls have started and not ended."""
        return self._under_way

    def ended(self, now: float) -> list[float]:
        """Return when those calls ended that are over and count."""
        self.used(now)
        return list(self._ended)

    def start(self) -> None:
        """Count a call that is about to be sent."""
        self._under_way += 1

    def give_back(self) -> None:
        """Take back a start: nothing was sent."""
        self._under_way -= 1

    def learn(self, ended: Iterable[float], now: float) -> None:
        """Count calls of somebody else, by when they ended, too."""
        self._ended = deque(sorted([*self._ended, *(min(at, now) for at in ended)]))

    def forget(self, until: float) -> None:
        """Drop calls that ended until then: somebody else counts them by now."""
        self._ended = deque(at for at in self._ended if at > until)

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
        who: Names this process.
    """

    def __init__(
        self,
        limit: int,
        *,
        clock: Clock,
        window: float = WINDOW + MARGIN,
        who: str = "",
    ) -> None:
        self._window = RollingWindow(limit, window)
        self._who = who
        self._write: Callable[[Spent], Awaitable[None]] | None = None
        self._written_at = float("-inf")
        self._writing = asyncio.Lock()
        self._unwritten = 0
        self._ahead = 0
        self._stale = False
        self._clock = clock
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._ended = asyncio.Event()

    @property
    def used_ratio(self) -> float:
        """How much of the budget is used, 0 to 1."""
        return self._window.ratio(self._clock.monotonic())

    async def ready(self) -> None:
        """Wait until a call could start at once and nobody waits for a place, without taking it.

        Whoever begins new work asks this first: while the budget is spent, work waits where more can be
        folded into it, and what has begun is finished first.
        """
        while self._waiting or self._window.free(self._clock.monotonic()) < 1:
            await self._a_change()

    @asynccontextmanager
    async def call(self, check: Callable[[], None] = lambda: None) -> AsyncIterator[None]:
        """Hold a place for one call: from before it is sent until its answer came or was given up.

        Args:
            check: Is asked right before; what it raises is raised, and the place stays free.

        Raises:
            TryLater: It could not be written down; nothing may be sent.
        """
        await self._acquire()
        try:
            await self._written_down()
            check()
        except BaseException:
            self._window.give_back()
            self._ended.set()
            raise
        try:
            yield
        finally:
            self._window.end(self._clock.monotonic())
            self._stale = True
            self._ended.set()

    async def keep_written(self) -> None:
        """Write down, until cancelled, that calls have ended; else the next process counts them anew."""
        while True:
            await asyncio.sleep(KEEP_WRITTEN)
            if self._stale and self._write is not None:
                # Where it cannot be written, the next call says so.
                with suppress(TryLater):
                    async with self._writing:
                        await self._write_down(self._write)

    def remember(self, before: Spent | None, write: Callable[[Spent], Awaitable[None]] | None) -> None:
        """Go on from what others have spent, and have what is spent from now on written down.

        Args:
            before: What was written last, by whomever.
            write: Keeps it; None while nobody does.
        """
        self._write, self._ahead = write, 0
        if before is None or before.who == self._who:
            return
        now, offset = self._clock.monotonic(), self._clock.time() - self._clock.monotonic()
        self._window.forget(self._written_at)  # the others have read it, and count it
        self._window.learn([at - offset for at in before.times()] + [now] * before.open, now)

    async def leave(self) -> None:
        """Write down what is spent by now, for whoever is next; from now on nobody keeps it.

        Raises:
            TryLater: It could not be written down.
        """
        write, self._write = self._write, None
        if write is not None:
            now = self._clock.monotonic()
            await write(self._spent())
            self._written_at = now

    def _spent(self, ahead: int = 0) -> Spent:
        """Return what is spent by now, and what may be before it is written again."""
        now, offset = self._clock.monotonic(), self._clock.time() - self._clock.monotonic()
        ended = [at + offset for at in self._window.ended(now)]
        return spent_by(self._who, ended, self._window.under_way + ahead)

    async def _acquire(self) -> None:
        self._waiting += 1
        try:
            async with self._turn:  # first come, first served
                while self._window.free(self._clock.monotonic()) < 1:
                    await self._a_change()
                self._window.start()
        finally:
            self._waiting -= 1
            self._ended.set()

    async def _written_down(self) -> None:
        """Return once a call that has its place is written down; those that come together share one write."""
        if self._write is None:
            return
        self._unwritten += 1
        try:
            async with self._writing:
                if self._ahead < 1 and self._write is not None:
                    await self._write_down(self._write)
                self._ahead -= 1
        finally:
            self._unwritten -= 1

    async def _write_down(self, write: Callable[[Spent], Awaitable[None]]) -> None:
        now = self._clock.monotonic()
        covered, ahead = self._unwritten, self._window.free(now) // AHEAD_OF
        self._stale = False
        try:
            await write(self._spent(ahead))
        except BaseException:
            self._stale = True
            raise
        self._written_at = now
        self._ahead = covered + ahead

    async def _a_change(self) -> None:
        """Wait until a place may have become free."""
        self._ended.clear()
        delay = self._window.next_free(self._clock.monotonic())
        if delay is None or delay <= 0:
            await self._ended.wait()
        else:
            await asyncio.sleep(delay)
