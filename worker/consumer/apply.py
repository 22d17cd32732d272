"""Tries changes, and decides what each end means: settled, put back, or a hold."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Generic, Protocol, TypeVar

import structlog

from worker.clock import Seconds
from worker.consumer.backlog import Backlog, Item, K, Pending, T
from worker.consumer.holds import Holds
from worker.errors import (
    CallsSuspended,
    CredentialRefused,
    EventError,
    HandlerError,
    KitUnavailable,
    KitUnavailableForChange,
    TryLater,
)
from worker.kit.writer import BulkResult
from worker.retry import backoff
from worker.subscribers.change import Change, merge_all

K_contra = TypeVar("K_contra", contravariant=True)
log = structlog.get_logger()

ALONE_AFTER: Final = 2
"""Failures while Kit served others, after which a change is not written together with others any more."""
TOGETHER: Final = 2
"""So many changes make a round."""


def is_alone(pending: Pending[K, T]) -> bool:
    """Tell whether a change has failed too often in company to be written together with others."""
    return pending.tries.count >= ALONE_AFTER


class Writes(Protocol[K_contra]):
    """Makes a change true in Kit; `worker.kit.writer.Writer` does."""

    async def apply(self, subscriber: K_contra, change: Change, /) -> None:
        """Make it true, or raise. What was done of it by then is not done again by a later try."""


class WritesTogether(Protocol[K]):
    """Makes many changes true in Kit; `worker.kit.writer.Writer` does."""

    async def apply_together(
        self, changes: Sequence[tuple[K, Change]], /, *, one_at_a_time: bool
    ) -> BulkResult[K]:
        """Make them true; see `Writer.apply_together`."""


class Attempts(Generic[K, T]):
    """One account's tries; see `Dispatcher` for the arguments."""

    def __init__(  # noqa: PLR0913  # its collaborators, all named
        self,
        backlog: Backlog[K, T],
        writer: Writes[K],
        holds: Holds,
        *,
        together: WritesTogether[K] | None,
        settle: Callable[[Item[T], EventError | None, int], Awaitable[None]],
        worked_at: Callable[[str | None], float],
        clock: Seconds,
        random: Callable[[], float],
        account: str,
    ) -> None:
        self.successes = 0
        self._backlog = backlog
        self._writer = writer
        self._holds = holds
        self._together = together
        self._settle = settle
        self._worked_at = worked_at
        self._clock = clock
        self._random = random
        self._log = log.bind(account=account)

    async def one(self, pending: Pending[K, T]) -> None:
        """Try a change by itself."""
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
            self._holds.worked()
            await self._done(pending)

    async def many(self, pendings: Sequence[Pending[K, T]]) -> list[Pending[K, T]]:
        """Try changes together; return those that are left to be tried by themselves."""
        alone = [pending for pending in pendings if is_alone(pending)]
        by_key = {pending.key: pending for pending in pendings if not is_alone(pending)}
        if self._together is None or len(by_key) < TOGETHER:
            return list(pendings)
        changes = [(key, pending.change) for key, pending in by_key.items()]
        try:
            end = await self._together.apply_together(changes, one_at_a_time=bool(self._holds.hold))
        except asyncio.CancelledError:
            self._put_back(pendings)
            raise
        except Exception as error:  # noqa: BLE001  # the edge: a bug with one must not refuse all of them
            self._log.error("round_crashed", changes=len(pendings), exc_info=error)
            return list(pendings)
        if end.error is not None:
            self._not_now(by_key, end.failed, end.error)
            self._put_back(pendings)
            return []
        if end.done:
            self._holds.worked()
        for key in end.done:
            await self._done(by_key[key])
        return [*alone, *(by_key[key] for key in end.alone)]

    def _not_now(
        self, by_key: Mapping[K, Pending[K, T]], failed: set[K], error: TryLater | CredentialRefused
    ) -> None:
        if isinstance(error, CredentialRefused):
            self._holds.refuse(error)
            return
        if isinstance(error, KitUnavailable):
            now, worked_at = self._clock(), self._worked_at(None)
            for key in by_key.keys() & failed:
                by_key[key].tries = by_key[key].tries.failed(now, worked_at)
        self._holds.failed(error)

    def _put_back(self, pendings: Sequence[Pending[K, T]]) -> None:
        """Put changes back that wait for the end of a hold."""
        for pending in reversed(pendings):  # each comes to the front
            self._backlog.put_back(pending)

    async def _done(self, pending: Pending[K, T]) -> None:
        self.successes += 1
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
