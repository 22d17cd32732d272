"""How much of Kit's budget a comparison takes: a fifth at most, and nothing while an event waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from worker.clock import Clock
from worker.errors import CallsSuspended
from worker.kit.client import Gate
from worker.kit.limiter import RollingWindow

T = TypeVar("T")

SHARE: Final = 0.2
"""Of the calls that Kit allows an account within a minute."""
LOOK_EVERY: Final = 0.5
"""Seconds between two looks whether an event still waits."""


class BudgetShare(Gate):
    """Lets the calls of comparisons of one account through.

    Args:
        limit: Calls that Kit allows the account within a minute.
        is_quiet: Tells whether no event of the account waits or is under way here.
        clock: Of the minute.

    Attributes:
        calls: How many it has let through.
    """

    def __init__(self, limit: int, is_quiet: Callable[[], bool], clock: Clock) -> None:
        self.calls = 0
        self._window = RollingWindow(max(1, int(limit * SHARE)))
        self._is_quiet = is_quiet
        self._clock = clock

    def check(self) -> None:
        """Let a call through, and count it.

        Raises:
            CallsSuspended: An event waits, or the share is spent; nothing was sent.
        """
        now = self._clock.monotonic()
        if not self._is_quiet():
            raise CallsSuspended("events come first")
        if self._window.free(now) < 1:
            raise CallsSuspended("a comparison takes a fifth of Kit's budget")
        self._window.start()
        self._window.end(now)
        self.calls += 1

    @property
    def is_quiet(self) -> bool:
        """Whether no event waits or is under way."""
        return self._is_quiet()

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """Return the answer to a question that takes a call, or a few, however long that has to wait.

        Raises:
            KitWorkerError: As the question raises it.
        """
        while True:
            await self._free()
            try:
                return await question()
            except CallsSuspended:
                continue  # somebody was faster

    async def _free(self) -> None:
        while True:
            delay = self._window.next_free(self._clock.monotonic())
            if not delay and self._is_quiet():
                return
            await asyncio.sleep(min(delay or LOOK_EVERY, LOOK_EVERY))
