"""Takes changes from the backlog to Kit as the budget allows, and decides what a failure means for them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Generic, Protocol, TypeVar

import structlog

from worker.backlog import Backlog, Item, K, Pending, T
from worker.changes import Change, merge_all
from worker.clock import Seconds
from worker.errors import (
    CallsSuspended,
    CredentialRefused,
    EventError,
    HandlerError,
    KitUnavailable,
    KitUnavailableForChange,
    TryLater,
)
from worker.holds import Holds
from worker.retry import MAX_DELAY, backoff

R = TypeVar("R")
K_contra = TypeVar("K_contra", contravariant=True)
log = structlog.get_logger()

RECHECK: Final = 0.5
"""Seconds between two looks at a condition that announces itself to nobody."""


class Writes(Protocol[K_contra]):
    """Makes a change true in Kit; `worker.kit.writer.Writer` does."""

    async def apply(self, subject: K_contra, change: Change, /) -> None:
        """Make it true, or raise. What was done of it by then is not done again by a later try."""


class Dispatcher(Generic[K, T]):
    """Runs one account's changes, several subscribers at once, each subscriber one at a time.

    Args:
        backlog: Where changes wait.
        writer: Makes them true.
        holds: Whether Kit is to be left alone.
        ready: Waits until Kit's budget allows a call.
        settle: Is told of every event's end: None when it was applied, else why it never can be.
        may_start: Whether new changes may start at all.
        worked_at: When an endpoint of Kit last answered well, in seconds.
        concurrency: How many subscribers at once.
        account: Its name, for the log.

    Attributes:
        successes: Changes applied so far.
    """

    def __init__(  # noqa: PLR0913  # its collaborators, all named
        self,
        backlog: Backlog[K, T],
        writer: Writes[K],
        holds: Holds,
        *,
        ready: Callable[[], Awaitable[None]],
        settle: Callable[[Item[T], EventError | None, int], Awaitable[None]],
        may_start: Callable[[], bool],
        worked_at: Callable[[str], float],
        concurrency: int,
        clock: Seconds,
        random: Callable[[], float],
        account: str = "",
    ) -> None:
        self.successes = 0
        self._backlog = backlog
        self._writer = writer
        self._holds = holds
        self._ready = ready
        self._settle = settle
        self._may_start = may_start
        self._worked_at = worked_at
        self._concurrency = concurrency
        self._clock = clock
        self._random = random
        self._log = log.bind(account=account)
        self._looking = False
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Say that something has changed: an event arrived, or what stood in the way is gone."""
        self._changed.set()

    async def run(self) -> None:
        """Start changes until cancelled; those under way are left to `drain`."""
        while True:
            self._changed.clear()
            delay = self._delay()
            if delay == 0:
                await self._ready()
                # While the budget was spent, much may have changed.
                if self._delay() == 0:
                    self._start_next()
                continue
            try:
                async with asyncio.timeout(delay):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def ask(self, question: Callable[[], Awaitable[R]]) -> R:
        """Return Kit's answer to something that no change can do without, with holds as for changes.

        Where Kit refuses the credential there is no answer; `Holds.refused` tells.
        """
        while True:
            try:
                answer = await question()
            except CredentialRefused as error:
                self._holds.refuse(error)
                await asyncio.Event().wait()
            except TryLater as error:
                self._holds.failed(error)
                await asyncio.sleep(max(RECHECK, min(self._holds.hold.until - self._clock(), MAX_DELAY)))
            else:
                self._holds.worked()
                return answer

    @property
    def idle(self) -> bool:
        """Whether no change is under way."""
        return not self._tasks

    async def drain(self, seconds: float) -> bool:
        """Wait for the changes under way; tell whether all of them ended in time."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        return not self._tasks

    async def abort(self, seconds: float) -> None:
        """Let the changes under way make no further calls, and wait so long for the calls they are in."""
        for task in self._tasks:
            task.cancel()
        await self.drain(seconds)

    def _delay(self) -> float | None:
        """Return the seconds until the next change may start; None: not before something changes."""
        now = self._clock()
        next_at = self._backlog.next_at()
        if next_at is None or self._backlog.taken >= self._concurrency:
            return None
        if not self._may_start():
            return RECHECK
        hold = self._holds.hold
        if self._looking or (hold and self._backlog.taken):
            return None  # one call or change at a time shows whether Kit is back
        return max(0.0, hold.until - now, next_at - now)

    def _start_next(self) -> None:
        if self._holds.unanswered:
            self._looking = True
            self._start(self._look())
            return
        pending = self._backlog.take(self._clock(), probing=bool(self._holds.hold))
        if pending is not None:
            self._start(self._work(pending))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def _look(self) -> None:
        try:
            await self._holds.look()
        finally:
            self._looking = False

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._changed.set()

    async def _work(self, pending: Pending[K, T]) -> None:
        try:
            await self._apply(pending)
        except TryLater as error:
            await self._later(pending, error)
        except CredentialRefused as error:
            self._backlog.put_back(pending)
            self._holds.refuse(error)
        except asyncio.CancelledError:
            self._backlog.put_back(pending)
            raise
        except EventError as error:
            await self._finish(pending, error)
        except Exception as error:  # noqa: BLE001  # the edge: a bug must not leave an event unsettled
            self._log.error("change_crashed", events=len(pending.items), exc_info=error)
            await self._finish(
                pending, HandlerError(f"{type(error).__name__} while applying it; this is a bug")
            )
        else:
            self.successes += 1
            self._holds.worked()
            await self._finish(pending, None)

    async def _finish(self, pending: Pending[K, T], error: EventError | None) -> None:
        try:
            for item in pending.items:
                await self._settle(item, error, pending.tries.count + 1)
        finally:
            self._backlog.release(pending)

    async def _apply(self, pending: Pending[K, T]) -> None:
        try:
            await self._writer.apply(pending.key, pending.change)
        except EventError:
            if len(pending.items) == 1:
                raise
            await self._apply_one_by_one(pending)

    async def _apply_one_by_one(self, pending: Pending[K, T]) -> None:
        """Find the events at fault in a rejected change, and apply the others.

        Each event, in order, contributes only what no later one takes back: nobody gets a tag, and the
        emails that it starts, that is to be taken off again a moment later. When the later one turns out to
        be at fault, what the earlier ones asked for stands again, but for what Kit has done of it already:
        that is newer, and a replay will complete it.
        """
        pending.items.sort(key=lambda item: item.event.order)
        while (fault := await self._first_fault(pending)) is not None:
            item, error = fault
            pending.items.remove(item)
            pending.change = merge_all(other.change for other in pending.items)
            await self._settle(item, error, pending.tries.count + 1)

    async def _first_fault(self, pending: Pending[K, T]) -> tuple[Item[T], EventError] | None:
        for item in pending.items:
            try:
                part = item.change.standing(pending.change)
                await self._writer.apply(pending.key, part)
            except EventError as error:
                return item, error
        return None

    async def _later(self, pending: Pending[K, T], error: TryLater) -> None:
        now = self._clock()
        if isinstance(error, KitUnavailable):
            pending.tries = pending.tries.failed(now, self._worked_at(error.endpoint))
            if pending.tries.exhausted(now):
                count = pending.tries.count
                text = f"Kit failed {count} times for this person while it served others: {error}"
                await self._finish(pending, KitUnavailableForChange(text))
                return
        self._holds.failed(error)
        if not isinstance(error, CallsSuspended):
            # A change that fails while others go through waits longer and longer on its own account.
            own = backoff(pending.tries.count, self._random()) if pending.tries.count else 0.0
            pending.not_before = max(self._holds.hold.until, now + own)
        self._backlog.put_back(pending)
