"""Repeats what has to succeed in the end, and tells people once when that begins and once when it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, TypeVar

import structlog

from worker.clock import Clock
from worker.errors import KitWorkerError
from worker.retry import MAX_DELAY, backoff

LATE_AFTER: Final = 10.0

T = TypeVar("T")
log = structlog.get_logger()


class Retrying:
    """Repeats work of one kind, such as one account's writes, until it no longer fails.

    Args:
        passing: The error that passes, or several: the work is repeated after it. Every other one is raised.
        account: Its name, for the log.
        clock: Has the dice that spread those who failed at the same moment.
        failing: The name of the log event when the first try fails.
        over: The name of the log event when all that failed has succeeded.
        longest: Seconds between two tries, at most.
    """

    def __init__(  # what differs between its users, all named
        self,
        passing: type[KitWorkerError] | tuple[type[KitWorkerError], ...],
        *,
        account: str,
        clock: Clock,
        failing: str,
        over: str,
        longest: float = MAX_DELAY,
    ) -> None:
        self._passing = passing if isinstance(passing, tuple) else (passing,)
        self._clock = clock
        self._failing = failing
        self._over = over
        self._longest = longest
        self._problems: dict[object, str] = {}
        self._is_told = False
        self._log = log.bind(account=account)

    @property
    def problem(self) -> str:
        """Why something is being repeated now, for people; empty while nothing is."""
        return next(iter(self._problems.values()), "")

    async def until_done(
        self,
        work: Callable[[], Awaitable[T]],
        *,
        mend: Callable[[], Awaitable[object]] | None = None,
        late: str = "",
    ) -> T:
        """Return what the work returns, however long that takes.

        Several may be repeated at once. Each has a problem of its own, which only its own success ends: that
        a full disk can be read does not mean that it can be written.

        Args:
            work: Is called until it does not raise the error that passes.
            mend: Is called between two tries. Where it fails in the same way, the next try tells.
            late: What the problem is while a try takes longer than `LATE_AFTER`; empty where that is none.
        """
        this, failures = object(), 0
        try:
            while True:
                try:
                    with self._noticed(this, late):
                        done = await work()
                except self._passing as error:
                    failures += 1
                    self._fails(this, str(error))
                else:
                    self._succeeds(this)
                    return done
                await asyncio.sleep(min(backoff(failures, self._clock.random()), self._longest))
                if mend is not None:
                    with suppress(*self._passing):
                        await mend()
        finally:
            self._problems.pop(this, None)  # cancelled, or failed for good: nobody repeats it any more
            self._is_told = bool(self._problems)

    @contextmanager
    def _noticed(self, this: object, late: str) -> Iterator[None]:
        """Have a try that takes long be told as one that failed; it goes on all the same."""
        if not late:
            yield
            return
        telling = asyncio.get_running_loop().call_later(LATE_AFTER, self._fails, this, late)
        try:
            yield
        finally:
            telling.cancel()

    def _fails(self, this: object, problem: str) -> None:
        self._problems[this] = problem
        if not self._is_told:
            self._is_told = True
            self._log.error(self._failing, problem=problem)

    def _succeeds(self, this: object) -> None:
        if self._problems.pop(this, "") and not self._problems:
            self._log.info(self._over)
