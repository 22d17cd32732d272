"""Tries changes, and decides what each end means: the event is settled, put back, or Kit is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog
from msgspec.structs import replace

from worker.clock import Clock
from worker.consumer.backlog import Backlog, Pending
from worker.consumer.holds import Holds
from worker.consumer.settle import Settle
from worker.errors import (
    CallsSuspended,
    CredentialRefused,
    EventError,
    HandlerError,
    KitUnavailable,
    KitUnavailableForChange,
    PartlyApplied,
    TryLater,
)
from worker.events.event import FIRST, OrderKey
from worker.kit.job import NobodyThere
from worker.kit.lists import NEWEST
from worker.kit.refused import RefusedPart, owing
from worker.kit.writer import Writer
from worker.retry import Patience, backoff
from worker.subscribers.drifted import in_order
from worker.subscribers.item import Item, Kind, Outcome
from worker.subscribers.mark import owed_mark
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Call, Subscriber

log = structlog.get_logger()

ALONE_AFTER: Final = 2
"""Failures while Kit served others, after which a change is not written together with others any more."""
TOGETHER: Final = 2
"""So many changes are written together; a single one is written by itself."""


def is_alone(pending: Pending) -> bool:
    """Tell whether a change has failed too often in company to be written together with others."""
    return pending.tries.count >= ALONE_AFTER


class Apply:
    """One session's tries.

    Attributes:
        succeeded: Set once a change was applied.
    """

    def __init__(
        self, writer: Writer, backlog: Backlog, holds: Holds, settle: Settle, clock: Clock, patience: Patience
    ) -> None:
        self.succeeded = asyncio.Event()
        self._writer = writer
        self._backlog = backlog
        self._holds = holds
        self._settle = settle
        self._clock = clock
        self._patience = patience

    @property
    def together(self) -> bool:
        """Whether the account may have many people's changes written together."""
        return self._writer.bulk

    async def one(self, pending: Pending) -> None:
        """Try a change by itself."""
        try:
            since = max((item.delivery.since for item in pending.items), default=NEWEST)
            refused = await self._writer.apply(pending.subscriber, pending.change, since)
        except TryLater as error:
            self._later(pending, error)
        except CredentialRefused as error:
            self._backlog.put_back(pending)
            self._holds.refuse(error)
        except asyncio.CancelledError:
            self._backlog.put_back(pending)
            raise
        except NobodyThere:
            self._holds.worked()
            self._finish(pending, None, note="Kit has nobody of this address, and the event creates nobody")
        except EventError as error:
            self._finish(pending, error)
        except Exception as error:  # the edge: a bug must not leave an event unsettled
            log.exception("change_crashed", account=self._backlog.account.name, events=len(pending.items))
            self._finish(pending, HandlerError(f"{type(error).__name__} while applying it; this is a bug"))
        else:
            self._holds.worked()
            self._finish(pending, None, refused)

    async def many(self, pendings: Sequence[Pending]) -> list[Pending]:
        """Try changes together; return those that are left to be tried by themselves."""
        alone = [pending for pending in pendings if is_alone(pending)]
        waiting = {pending.subscriber: pending for pending in pendings if not is_alone(pending)}
        if len(waiting) < TOGETHER:
            return list(pendings)
        changes = [(subscriber, pending.change) for subscriber, pending in waiting.items()]
        try:
            end = await self._writer.apply_together(changes, one_at_a_time=bool(self._holds.hold))
        except asyncio.CancelledError:
            self._put_back(pendings)
            raise
        except Exception:  # the edge: a bug with one must not refuse all of them
            log.exception("changes_crashed", account=self._backlog.account.name, changes=len(pendings))
            return list(pendings)
        if end.error is not None:
            self._not_now([waiting[subscriber] for subscriber in end.failed], end.error)
            self._put_back(pendings)
            return []
        if end.done:
            self._holds.worked()
        for subscriber in end.done:
            self._finish(waiting[subscriber], None, end.refused.get(subscriber, ()))
        return [*alone, *(waiting[subscriber] for subscriber in end.alone)]

    # -- what an end means ----------------------------------------------------------------------------

    def _finish(
        self,
        pending: Pending,
        error: EventError | None,
        refused: Sequence[RefusedPart] = (),
        *,
        note: str = "",
    ) -> None:
        name_held(pending)
        try:
            for item, calls in called_for(pending):
                self._end(item, error or _owing(item, refused), pending, note, calls)
        finally:
            self._backlog.release(pending)

    def _end(
        self, item: Item, error: EventError | None, pending: Pending, note: str, calls: tuple[Call, ...]
    ) -> None:
        """End an event; with a note where nothing of it could be done, which is as it should be."""
        if item.waits:
            error = item.refusal  # nothing of it was asked of Kit
        kind = Kind.DUPLICATE if item.doubled else Kind.SCHEDULED if item.waits else Kind.APPLIED
        held = () if item.doubled or item.waits or note else held_of(item, pending.subscriber.record)
        if kind is Kind.APPLIED:
            kind, note = (Kind.IGNORED, note) if note else came_of(item, pending.subscriber)
        if not item.waits and (error is None or isinstance(error, PartlyApplied)):
            self.succeeded.set()
        if is_told_already(item, error):
            note, error = f"its dead letter of before says what it owes still: {error}", None
        if error is not None:
            kind = Kind.DEAD_LETTERED
        self._settle.put(Outcome(item, kind, error, pending.tries.count + 1, calls, note, held))

    def _later(self, pending: Pending, error: TryLater) -> None:
        now = self._clock.monotonic()
        if isinstance(error, KitUnavailable):
            pending.tries = pending.tries.failed(now, self._holds.worked_at(error.endpoint))
            if pending.tries.exhausted(now, self._patience):
                count = pending.tries.count
                text = f"Kit failed {count} times for this person while it served others: {error}"
                self._finish(pending, KitUnavailableForChange(text))
                return
        self._holds.failed(error)
        if not isinstance(error, CallsSuspended):
            # A change that fails while others go through waits longer and longer on its own account.
            tries = pending.tries.count
            own = backoff(tries, self._clock.random()) if tries else 0.0
            pending.not_before = max(self._holds.hold.until, now + own)
        self._backlog.put_back(pending)

    def _not_now(self, failed: Sequence[Pending], error: TryLater | CredentialRefused) -> None:
        if isinstance(error, CredentialRefused):
            self._holds.refuse(error)
            return
        if isinstance(error, KitUnavailable):
            now, worked_at = self._clock.monotonic(), self._holds.worked_at(None)
            for pending in failed:
                pending.tries = pending.tries.failed(now, worked_at)
        self._holds.failed(error)

    def _put_back(self, pendings: Sequence[Pending]) -> None:
        """Put changes back that wait for the end of a hold."""
        for pending in reversed(pendings):  # each comes to the front
            self._backlog.put_back(pending)


def is_told_already(item: Item, error: EventError | None) -> bool:
    """Tell whether an event that has come in at its time owes just what a dead letter of it says already."""
    due = None if item.event is None else item.event.due
    return due is not None and bool(due.owes) and owed_mark(error) == due.owes


def name_held(pending: Pending) -> None:
    """Note of what is held which type of event asks for it."""
    record = pending.subscriber.record
    if not record.held:
        return  # as it mostly is
    types = {item.event.order: item.event.type for item in pending.items if item.event is not None}
    record.held = {
        key: replace(held, event_type=types.get(held.order, held.event_type))
        for key, held in record.held.items()
    }


def held_of(item: Item, record: Record) -> tuple[str, ...]:
    """Return the tags that an event asks for and that are held."""
    asked = item.change.asked_tags if record.held else {}
    return tuple(held.name for key, held in record.held.items() if key in asked and asked[key].value.present)


def came_of(item: Item, subscriber: Subscriber) -> tuple[Kind, str]:
    """Return how an event ends of which all is applied that can be, and what is told of differences in Kit.

    Where none of these was put right, or taken over, it is ignored.
    """
    done, told = not item.change.remedies, []
    for remedy in in_order(item.change.remedies):
        why = subscriber.looked_at.pop(remedy, "")
        done = done or not why
        if why or remedy.adopts:
            told.append(f"{remedy.row.told}: {why or 'taken over from Kit'}")
    return Kind.APPLIED if done else Kind.IGNORED, "; ".join(told)


def called_for(pending: Pending) -> list[tuple[Item, tuple[Call, ...]]]:
    """Return the calls that each event asked for, which are told of it from now on.

    An event may bring about what others had asked for, which have ended: it creates the person, say, or
    closes the subscription by which a field had its value. The newest has these calls; before it, and told
    last of all, one by which somebody asks for what was asked for before.
    """
    calls, pending.subscriber.calls = pending.subscriber.calls, {}
    items = sorted(pending.items, key=_asks_for_all)
    told = [(item, [] if item.doubled else calls.pop(_order(item), [])) for item in items]
    _, rest = max(told, key=lambda each: (not each[0].doubled, _asks_for_all(each[0]), _order(each[0])))
    for order in sorted(calls):
        rest += calls[order]
    return [(item, tuple(its)) for item, its in told]


def _asks_for_all(item: Item) -> bool:
    return item.change.takes_up_old


def _order(item: Item) -> OrderKey:
    return FIRST if item.event is None else item.event.order


def _owing(item: Item, refused: Sequence[RefusedPart]) -> EventError | None:
    """Return what an event owes of which all else was applied; None where that is nothing."""
    if item.doubled or item.event is None:
        return item.refusal  # a copy asks for nothing: the other one does
    return owing(item.change, item.event.order, refused, item.refusal)
