"""Facts: the events that open or close a person's subscription, each with what it asks for. Pure.

They are kept as a set, so that what they mean together never depends on when they became known; see
`lifecycle`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from worker.events.event import OrderKey
from worker.subscribers.parts import TagWish


class Fact(Struct, frozen=True, array_like=True, gc=False):
    """An event that opens or closes a subscription.

    Attributes:
        order: Of the event.
        opens: True where it opens the subscription, False where it closes it.
        user: Whose it is, as `id_key` writes the platform's id of the person; empty where the event has none.
        subscription: The platform's id of it; empty where the event has none.
        tags: What the event asks of tags, by `tag_key`.
        gave: Which of these tags take the place of others, by `slot_key`; see `Change.gave`.
        sets: Custom fields that its mapping sets to something fixed; None clears one.
        shows: Custom fields that show something of the subscription itself.
        ended: Those that show how a subscription ended, and of which an opening says nothing: it clears them.
        tags_off: Whether all tags go off that this worker gave before.
        fields_off: Likewise, of custom fields.
        unsubscribe: Whether the person gets no more mail from Kit.
        due: When it takes effect, if that is later than the event.
        again: True where its event was delivered before, to a worker that may have applied it.
        phase: How many of the moments at which it had to be interpreted anew had passed when it was.
        event: What tells its event from others of the same time; see `fact_mark`. Empty in the ledgers of
            versions that took these for one.
        fields_only: True where nothing of tags follows from it; see `Imported`.
    """

    order: OrderKey
    opens: bool
    user: str = ""
    subscription: str = ""
    tags: Mapping[str, TagWish] = field(default_factory=dict)
    gave: Mapping[str, TagWish] = field(default_factory=dict)
    sets: Mapping[str, str | None] = field(default_factory=dict)
    shows: Mapping[str, str | None] = field(default_factory=dict)
    ended: tuple[str, ...] = ()
    tags_off: bool = False
    fields_off: bool = False
    unsubscribe: bool = False
    due: datetime | None = None
    phase: int = 0
    again: bool = False
    event: str = ""
    fields_only: bool = False

    @property
    def waits(self) -> bool:
        """Whether it has not taken effect yet."""
        return self.due is not None and self.phase == 0

    @property
    def key(self) -> tuple[str, datetime, bool, str, str, str]:
        """What tells it apart. A copy of an event has another place of arrival, and is the same fact."""
        return self.order.sequence, self.order.time, self.opens, self.user, self.subscription, self.event

    @property
    def place(self) -> tuple[str, datetime, bool, int, str, str, str]:
        """Its place among the others: at equal times openings come first.

        So an opening wins over the closing of another subscription, and a closing over an opening of the
        same.
        """
        sequence, time, arrival = self.order
        return sequence, time, not self.opens, arrival, self.user, self.subscription, self.event


Facts: TypeAlias = tuple[Fact, ...]
"""In their order, each once."""

NO_FACTS: Final[Facts] = ()


def first_place(facts: Facts, fact: Fact) -> OrderKey:
    """Return the place of the copy of a fact that is known to have arrived first, which may be itself."""
    if not may_know(facts, fact):
        return fact.order
    return min((fact.order, *(one.order for one in marked(facts, (fact,)) if one.key == fact.key)))


def merge_facts(ours: Facts, theirs: Facts) -> Facts:
    """Return all facts of both, in order, whichever of them is given first."""
    if not ours or not theirs or ours == theirs:
        return ours or theirs
    return _each_once([*ours, *theirs], _rank)


def may_know(known: Facts, new: Fact) -> bool:
    """Tell whether a fact may be among those that are known, in whichever place; mostly it is newer."""
    return bool(known) and new.order.moment <= known[-1].order.moment


def learn_facts(known: Facts, new: Facts) -> Facts:
    """Return what is known once events were interpreted, perhaps anew: a later interpretation stands."""
    if all(any(fact is one for one in known) for fact in new):
        return known
    if not may_know(known, new[0]):
        return (*known, *new)
    return _each_once([*marked(known, new), *new], _phase)


def marked(known: Facts, new: Facts) -> Facts:
    """Return known facts; one that does not say of which event it is, is the new one that it may be."""
    if all(fact.event for fact in known):
        return known
    marks = {fact.key[:-1]: fact.event for fact in new}
    return tuple(fact if fact.event else replace(fact, event=marks.get(fact.key[:-1], "")) for fact in known)


def _rank(fact: Fact) -> tuple[int, OrderKey, str]:
    return fact.phase, fact.order, repr(fact)


def _phase(fact: Fact) -> tuple[int]:
    return (fact.phase,)


def _one_of(mine: Fact, fact: Fact, rank: Callable[[Fact], tuple[Any, ...]]) -> Fact:
    again, order = fact.again or mine.again, min(fact.order, mine.order)
    one, other = replace(mine, again=again, order=order), replace(fact, again=again, order=order)
    return other if rank(other) >= rank(one) else one


def _each_once(facts: Iterable[Fact], rank: Callable[[Fact], tuple[Any, ...]]) -> Facts:
    """Return facts in order; of two with one key, the greater, and of equals the later one.

    It has the place of the copy that arrived first: what came between the two is newer. That any of them was
    delivered before holds for all.
    """
    kept: dict[tuple[Any, ...], Fact] = {}
    for fact in facts:
        mine = kept.get(fact.key)
        kept[fact.key] = fact if mine is None else _one_of(mine, fact, rank)
    return tuple(sorted(kept.values(), key=lambda fact: fact.place))
