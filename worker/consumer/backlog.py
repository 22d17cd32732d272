"""Changes that wait, folded by subscriber. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from worker.errors import EventError
from worker.events.event import Event
from worker.retry import Tries
from worker.subscribers.change import NOTHING, Change, merge_all

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

AT_ONCE: Final = float("-inf")
"""The `not_before` of what was never put off."""


@dataclass(frozen=True, slots=True)
class Item(Generic[T]):
    """One event, what it asks for, and whatever is needed to settle it.

    Attributes:
        refusal: Why a part of it could not be taken into `change`, so that it ends as a dead letter all the
            same.
        doubled: True where it only waits for the end of another copy of the same event.
    """

    event: Event
    change: Change
    delivery: T
    refusal: EventError | None = None
    doubled: bool = False


@dataclass(slots=True)
class Pending(Generic[K, T]):
    """All that waits for one subscriber.

    Attributes:
        key: The subscriber.
        items: Oldest arrival first.
        change: Their changes, merged.
        not_before: Seconds before which it should not be tried again.
        generation: Of the mapping under which its items were folded.
    """

    key: K
    items: list[Item[T]] = field(default_factory=list)
    change: Change = NOTHING
    tries: Tries = field(default_factory=Tries)
    not_before: float = AT_ONCE
    generation: int = 0


class Backlog(Generic[K, T]):
    """Pending changes, the longest waiting first; a subscriber is never taken twice at once.

    Args:
        tries_before: Returns how often a subscriber's change has failed already, in sessions before.
    """

    def __init__(self, tries_before: Callable[[K], Tries] = lambda _: Tries()) -> None:
        self._tries_before = tries_before
        self._waiting: OrderedDict[K, Pending[K, T]] = OrderedDict()
        self._taken: set[K] = set()
        self._generation = 0
        self._interpret: Callable[[Item[T]], Item[T] | None] = lambda item: item

    def __len__(self) -> int:
        """Return how many subscribers have something waiting."""
        return len(self._waiting)

    @property
    def taken(self) -> int:
        """How many subscribers are being worked on."""
        return len(self._taken)

    def add(self, key: K, item: Item[T]) -> None:
        """Fold an event into what waits for its subscriber."""
        pending = self._waiting.get(key)
        if pending is None:
            tries = self._tries_before(key)
            pending = self._waiting[key] = Pending(key, tries=tries, generation=self._generation)
        pending.items.append(item)
        pending.change = pending.change.merge(item.change)

    def take(self, now: float, *, probing: bool = False) -> Pending[K, T] | None:
        """Return the longest waiting change that may be worked on, or None.

        Its subscriber is taken from then on; whatever else arrives for it waits until `release`.

        Args:
            now: Seconds.
            probing: True to find out whether Kit works again. Then the one that failed longest ago, or never,
                comes first: a change that is itself to blame must not be the only one ever tried.
        """
        free = (p for p in self._waiting.values() if p.key not in self._taken and p.not_before <= now)
        pending = min(free, key=lambda p: p.tries.last_at, default=None) if probing else next(free, None)
        if pending is None:
            return None
        del self._waiting[pending.key]
        self._taken.add(pending.key)
        return pending

    def take_all(
        self, now: float, fits: Callable[[Pending[K, T]], bool] = lambda _: True
    ) -> list[Pending[K, T]]:
        """Return all changes that may be worked on, and that fit, the longest waiting first; see `take`."""
        free = [
            pending
            for pending in self._waiting.values()
            if pending.key not in self._taken and pending.not_before <= now and fits(pending)
        ]
        for pending in free:
            del self._waiting[pending.key]
            self._taken.add(pending.key)
        return free

    def next_at(self) -> float | None:
        """Return the earliest `not_before` of what waits and is not taken, or None where nothing does."""
        free = (pending for key, pending in self._waiting.items() if key not in self._taken)
        put_off = []
        for pending in free:
            if pending.not_before == AT_ONCE:
                return AT_ONCE  # the usual case, found without a look at all the others
            put_off.append(pending.not_before)
        return min(put_off, default=None)

    def release(self, pending: Pending[K, T]) -> None:
        """Let the subscriber's next change be taken."""
        self._taken.discard(pending.key)

    def put_back(self, pending: Pending[K, T]) -> None:
        """Return a taken change to the front, folded with what has arrived for its subscriber since."""
        if pending.generation != self._generation:
            self._fold_anew(pending)
        newer = self._waiting.pop(pending.key, None)
        if newer is not None:
            pending.items += newer.items
            pending.change = pending.change.merge(newer.change)
        if pending.items:
            self._waiting[pending.key] = pending
            self._waiting.move_to_end(pending.key, last=False)
        self.release(pending)

    def refold(self, interpret: Callable[[Item[T]], Item[T] | None]) -> None:
        """Fold everything that waits anew, as `interpret` now sees each event; None drops it.

        A change that is taken follows when it is put back.
        """
        self._generation += 1
        self._interpret = interpret
        for key, pending in list(self._waiting.items()):
            self._fold_anew(pending)
            if not pending.items:
                del self._waiting[key]

    def _fold_anew(self, pending: Pending[K, T]) -> None:
        pending.items = [item for old in pending.items if (item := self._interpret(old)) is not None]
        pending.change = merge_all(item.change for item in pending.items)
        pending.generation = self._generation

    def failing(self) -> dict[K, Tries]:
        """Return the subscribers whose changes wait after failures while Kit served others."""
        return {key: pending.tries for key, pending in self._waiting.items() if pending.tries.count}

    def items(self) -> Iterator[Item[T]]:
        """Yield every event that waits."""
        for pending in self._waiting.values():
            yield from pending.items
