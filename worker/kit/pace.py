"""How new work begins under a limit of calls: most of a minute's calls at once, the rest in lumps. Pure.

Were all of them used as fast as they come, whoever is new beside a backlog would wait for the next minute.
Were the rest begun one by one, each end would be a write to the ledger of its own.
"""

from __future__ import annotations

from typing import Final

AT_ONCE: Final = 0.6
"""Part of the limit that new work may use as fast as it comes."""
LUMPS: Final = 6
"""So many times in a period the rest begins, at equal distances."""
CALLS_EACH: Final = 5
"""Calls that new work makes, until that is known; rather too many, for what is not used is used later."""
FEW: Final = 8
LATELY: Final = 64
"""So many pieces of work, at most, say how many calls one makes."""


class Pace:
    """The pace of one limiter. The time is always passed in, in seconds.

    Args:
        limit: Calls in one period.
        period: Seconds.
    """

    def __init__(self, limit: int, period: float) -> None:
        self._limit = limit
        self._period = period
        self._began = float("-inf")
        self._made = 0
        self._work, self._calls = FEW, FEW * CALLS_EACH

    def call(self, now: float) -> None:
        """Count a call; the first one after a period begins the next."""
        if now >= self._began + self._period:
            self._began, self._made = now, 0
        self._made += 1
        self._calls += 1

    def give_back(self) -> None:
        """Take back a call: nothing was sent."""
        self._made = max(0, self._made - 1)  # it may have been counted in the period before
        self._calls -= 1

    def begin(self) -> None:
        """Count a piece of work that begins."""
        self._work += 1
        if self._work >= LATELY:
            self._work, self._calls = self._work // 2, self._calls // 2

    def wait(self, now: float, under_way: int) -> float:
        """Return the seconds until new work may begin; 0 or less where it may at once.

        Args:
            now: Seconds.
            under_way: How much work has begun and not ended, so that calls of it are still to come.
        """
        is_new = now >= self._began + self._period
        began, made = (now, 0) if is_new else (self._began, self._made)
        expected = made + under_way * self._calls / max(1, self._work - under_way)
        at_once = self._limit * AT_ONCE
        lumps = LUMPS * (expected - at_once) / (self._limit - at_once)
        return began + int(lumps) * self._period / LUMPS - now if expected > at_once else 0.0
