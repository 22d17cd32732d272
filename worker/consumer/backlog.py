"""Changes that wait for Kit, folded by subscriber; the longest waiting first."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from msgspec import structs

from worker.accounts.account import Account
from worker.consumer.interpreting import interpreted
from worker.consumer.settle import Settle
from worker.errors import EventError, PartlyApplied
from worker.events.event import Origin
from worker.retry import Tries
from worker.subscribers.change import NOTHING, Change, merge_all
from worker.subscribers.item import Item, Kind, Outcome
from worker.subscribers.subscriber import Subscriber

NO_TRIES: Final = Tries()
AT_ONCE: Final = float("-inf")
"""The `not_before` of what was never put off."""


@dataclass(slots=True, eq=False)
class Pending:
    """All that waits for one subscriber.

    Attributes:
        items: Oldest arrival first.
        change: Their changes, merged.
        tries: How often it failed while Kit served others.
        not_before: Seconds before which it should not be tried again.
    """

    subscriber: Subscriber
    items: list[Item] = field(default_factory=list)
    change: Change = NOTHING
    tries: Tries = NO_TRIES
    not_before: float = AT_ONCE

    @property
    def since(self) -> float:
        """When the first of it came, in seconds."""
        return self.items[0].delivery.since if self.items else AT_ONCE

    @property
    def is_due(self) -> bool:
        """Whether all of it has only come in again at its time: there may be a long plan of such."""
        return all(item.event is not None and item.event.due is not None for item in self.items)

    def fold(self, items: list[Item]) -> None:
        """Take these items in place of those it has."""
        self.items = items
        self.change = merge_all(item.change for item in items)


class Backlog:
    """One session's pending changes; a subscriber is never taken twice at once.

    Args:
        account: Under whose mapping the events that wait are folded.
        settle: Is given the events that a new mapping asks nothing of.
        failing: By address, the tries of changes that failed in sessions before; they are taken out of it.

    Attributes:
        account: As its file is now.
        changed: Set whenever something may be taken that could not be taken before.
    """

    def __init__(self, account: Account, settle: Settle, failing: dict[str, Tries]) -> None:
        self.changed = asyncio.Event()
        self.account = account
        self._settle = settle
        self._failing = failing
        self._waiting: OrderedDict[Subscriber, Pending] = OrderedDict()
        self._taken: set[Subscriber] = set()
        self._due_was_taken = False
        self._newest_next = False

    def __len__(self) -> int:
        """Return how many subscribers have something waiting."""
        return len(self._waiting)

    @property
    def taken(self) -> int:
        """How many subscribers are being worked on."""
        return len(self._taken)

    def items(self) -> Iterator[Item]:
        """Yield every event that waits."""
        for pending in self._waiting.values():
            yield from pending.items

    def add(self, item: Item) -> None:
        """Fold an event into what waits for its subscriber."""
        subscriber = item.subscriber
        if subscriber is None:
            raise AssertionError("only events that were taken in can wait")
        pending = self._waiting.get(subscriber)
        if pending is None:
            tries = self._failing.pop(subscriber.record.email, NO_TRIES)
            pending = self._waiting[subscriber] = Pending(subscriber, tries=tries)
        pending.items.append(item)
        pending.change = pending.change.merge(item.change)
        self.changed.set()

    # -- taking, and putting back ---------------------------------------------------------------------

    def take(self, now: float, last_old: float = float("inf"), *, probing: bool = False) -> Pending | None:
        """Return a change that may be worked on, or None.

        In turn it is the one that waits longest and the last one of those that are new: so half of Kit's
        budget is for what just happened. After one that was due another one comes first, so that what just
        happened waits behind no long plan. Its subscriber is taken from then on; whatever else arrives for
        it waits until `release`.

        Args:
            now: Seconds.
            last_old: Who came later is new; see `Consumer`. Of whoever came before, something older may come
                yet, which was handed back behind what is newer: their turn comes after a wait.
            probing: True to find out whether Kit works again. Then the one that failed longest ago, or never,
                comes first: a change that is itself to blame must not be the only one ever tried.
        """
        free = self._free(now)
        if probing:
            pending = min(free, key=lambda p: p.tries.last_at, default=None)
        else:
            pending = self._new_one(now, last_old) or self._next(free)
        if pending is not None:
            self._due_was_taken = pending.is_due
            self._take(pending)
        return pending

    def _new_one(self, now: float, last_old: float) -> Pending | None:
        self._newest_next = not self._newest_next
        if self._newest_next:
            return None
        newest = next(self._free(now, newest_first=True), None)
        is_new = newest is not None and newest.since > last_old and not newest.is_due
        return newest if is_new else None

    def _next(self, free: Iterator[Pending]) -> Pending | None:
        first = next(free, None)
        if first is None or not (first.is_due and self._due_was_taken):
            return first
        return next((pending for pending in free if not pending.is_due), first)

    def take_all(self, now: float, fits: Callable[[Pending], bool] = lambda _: True) -> list[Pending]:
        """Return all changes that may be worked on, and that fit, the longest waiting first; see `take`."""
        free = [pending for pending in self._free(now) if fits(pending)]
        for pending in free:
            self._take(pending)
        return free

    def _free(self, now: float, *, newest_first: bool = False) -> Iterator[Pending]:
        waiting = reversed(self._waiting.values()) if newest_first else self._waiting.values()
        return (each for each in waiting if each.subscriber not in self._taken and each.not_before <= now)

    def _take(self, pending: Pending) -> None:
        del self._waiting[pending.subscriber]
        self._taken.add(pending.subscriber)

    def next_at(self) -> float | None:
        """Return the earliest `not_before` of what waits and is not taken, or None where nothing does."""
        put_off = []
        for subscriber, pending in self._waiting.items():
            if subscriber in self._taken:
                continue
            if pending.not_before == AT_ONCE:
                return AT_ONCE  # the usual case, found without a look at all the others
            put_off.append(pending.not_before)
        return min(put_off, default=None)

    def release(self, pending: Pending) -> None:
        """Let the subscriber's next change be taken."""
        self._taken.discard(pending.subscriber)
        self.changed.set()

    def put_back(self, pending: Pending) -> None:
        """Return a taken change to the front, folded with what has arrived for its subscriber since."""
        self._bring_up_to_date(pending)
        newer = self._waiting.pop(pending.subscriber, None)
        if newer is not None:
            pending.items += newer.items
            pending.change = pending.change.merge(newer.change)
        if pending.items:
            self._waiting[pending.subscriber] = pending
            self._waiting.move_to_end(pending.subscriber, last=False)
        self.release(pending)

    # -- a new mapping --------------------------------------------------------------------------------

    def refold(self, account: Account) -> None:
        """Fold everything that waits anew, as the account's new mapping sees each event.

        A change that is taken follows when it is put back.
        """
        self.account = account
        for subscriber, pending in list(self._waiting.items()):
            self._bring_up_to_date(pending)
            if not pending.items:
                del self._waiting[subscriber]
        self.changed.set()

    def _bring_up_to_date(self, pending: Pending) -> None:
        if all(item.version == self.account.version for item in pending.items):
            return
        anew = [interpret_again(item, self.account) for item in pending.items]
        pending.fold([each for each in anew if isinstance(each, Item)])
        for each in anew:
            if isinstance(each, Outcome):
                self._settle.put(each)

    def failing(self) -> dict[str, Tries]:
        """Return the tries of changes that wait after failures while Kit served others, by address."""
        waiting = self._waiting.values()
        return {each.subscriber.record.email: each.tries for each in waiting if each.tries.count}


def interpret_again(item: Item, account: Account) -> Item | Outcome:
    """Return an event as another mapping sees it, or how it ends under that."""
    item = structs.replace(item, version=account.version)
    # A copy only waits for the end of another one.
    if item.event is None or item.doubled or item.change.is_by_no_mapping:
        return item
    try:
        asks = interpreted(item, account)
    except EventError as error:
        return Outcome(structs.replace(item, later=None), Kind.DEAD_LETTERED, error)
    if isinstance(asks, Outcome):
        return asks
    if item.event.origin is Origin.ANEW:
        return item  # what its person's events ask for was looked up
    # The address, and why it stays, were found out by the ledger, not by the mapping.
    change = structs.replace(asks.change, address=item.change.address)
    other = None if isinstance(item.refusal, PartlyApplied) else item.refusal
    return structs.replace(asks, change=change, refusal=other or asks.refusal)
