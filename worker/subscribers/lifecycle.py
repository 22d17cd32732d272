"""What a person's subscriptions mean together: tags and custom fields, from all facts known. Pure.

The facts are read as if they had come in their order, whenever each became known. An opening asks for what
its event's mapping says. What closes one subscription while another is open takes nothing off that an open
one gives, and gives nothing itself; the last one that closes asks for all that its mapping says. The fields
that show something of the subscription itself show the newest open one, else the newest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, TypeVar

from msgspec.structs import replace

from worker.events.event import FIRST, OrderKey
from worker.subscribers.change import Change
from worker.subscribers.fact import Fact, Facts
from worker.subscribers.in_effect import in_effect, may_be_one
from worker.subscribers.kept import kept
from worker.subscribers.parts import Part, TagWish, gone, merge_parts, newer, slot_key, slot_of, tag_key

T = TypeVar("T")

NO_TAG: Final = TagWish("", present=False)
"""Given in a slot, it means that the slot is empty."""


class SubscriptionId(NamedTuple):
    """Which subscription: of whom, and its id; either is empty where the event does not say."""

    user: str
    id: str


class Meaning(NamedTuple):
    """What facts mean together.

    Attributes:
        change: The tags and custom fields that they ask for, and what slots gave.
        emptied: The custom fields that nothing older should have filled, and from when: they show the end of
            a subscription, and the one that is shown is open.
        fallen: By `tag_key`, the tags of slots that fell to an open subscription as another one closed, and
            when that was opened.
    """

    change: Change
    emptied: Mapping[str, OrderKey]
    fallen: Mapping[str, OrderKey]


@kept
def derive(facts: Facts) -> Meaning:
    """Return what facts mean together."""
    reading = _read(facts)
    of_tags = _read_for_tags(facts, reading)
    change = Change(
        tags=of_tags.tags,
        fields=merge_parts(reading.shown(), reading.sets),
        gave=of_tags.gave,
        tags_off=of_tags.tags_off,
        fields_off=reading.fields_off,
        unsubscribe=of_tags.unsubscribe,
    )
    return Meaning(change, reading.emptied(), of_tags.fallen)


def still_open(facts: Facts) -> Facts:
    """Return the facts by which subscriptions are open after all of these, and those that wait.

    The openings show all that earlier ones of the same subscription have said.
    """
    reading = _read(facts)
    of_tags = _read_for_tags(facts, reading)
    stay = [fact for fact in facts if fact.waits]
    for which, fact in reading.open.items():
        stay.append(replace(fact, shows=reading.said_of(which)))
    known = {fact.key for fact in stay}
    stay += [fact for fact in of_tags.open.values() if fact.key not in known]
    return tuple(sorted(stay, key=lambda fact: fact.place))


def _read_for_tags(facts: Facts, reading: _Reading) -> _Reading:
    """Return the reading of those facts of which something of tags follows, given that of all."""
    about_tags = tuple(fact for fact in facts if not fact.fields_only)
    return reading if len(about_tags) == len(facts) else _read(about_tags)


def _read(facts: Facts) -> _Reading:
    reading = _Reading()
    for fact in in_effect(facts):
        if fact.opens:
            reading.opened(fact)
        else:
            reading.closed(fact)
    return reading


class _Shown:
    """What shows one subscription in fields: what opened it, and what closed it since."""

    def __init__(self) -> None:
        self.openings: list[Fact] = []
        self.closings: list[Fact] = []

    @property
    def fields(self) -> Mapping[str, Part[str | None]]:
        facts = (*self.openings, *self.closings)
        return {name: Part(value, fact.order) for fact in facts for name, value in fact.shows.items()}


class _Reading:
    """What the facts have asked for so far.

    Attributes:
        tags: See `Change`.
        gave: See `Change`.
        sets: The custom fields that are set to something fixed.
        open: The openings of what is open, the one that was opened last at the end.
        tags_off: See `Change`.
        fields_off: Likewise.
        unsubscribe: Likewise.
        fallen: See `Meaning`.
    """

    def __init__(self) -> None:
        self.tags_off: Part[bool] | None = None
        self.fields_off: Part[bool] | None = None
        self.unsubscribe: Part[bool] | None = None
        self.tags: dict[str, Part[TagWish]] = {}
        self.fallen: dict[str, OrderKey] = {}
        self.gave: dict[str, Part[TagWish]] = {}
        self.sets: dict[str, Part[str | None]] = {}
        self.open: dict[SubscriptionId, Fact] = {}
        self._shown: dict[SubscriptionId, _Shown] = {}  # the one that was heard of last is the last

    def opened(self, fact: Fact) -> None:
        """Read an opening."""
        which = SubscriptionId(fact.user, fact.subscription)
        self.open.pop(which, None)
        self.open[which] = fact
        shown = self._heard_of(which)
        shown.closings = []  # what was said when it was closed before holds no more
        shown.openings.append(fact)
        self._ask(fact)

    def closed(self, fact: Fact) -> None:
        """Read a closing."""
        closed = [
            which
            for which, opening in self.open.items()
            if closes(fact, which) and opening.place < fact.place
        ]
        for which in closed:
            del self.open[which]
        for which in self._told_of(fact, closed):
            self._heard_of(which).closings.append(fact)
        if self.open:
            self._close_one_of_several(fact)
        else:
            self._ask(fact)

    def shown(self) -> Mapping[str, Part[str | None]]:
        """Return the fields of the newest open subscription, else of the newest."""
        which = next(reversed(self.open), None) or next(reversed(self._shown), None)
        return {} if which is None else self._shown[which].fields

    def emptied(self) -> Mapping[str, OrderKey]:
        """Return the custom fields that the newest open subscription leaves empty, and from when."""
        newest = next(reversed(self.open.values()), None)
        return {} if newest is None else dict.fromkeys(newest.ended, newest.order)

    def said_of(self, which: SubscriptionId) -> Mapping[str, str | None]:
        """Return the fields by which the openings of a subscription show it."""
        return {name: value for fact in self._shown[which].openings for name, value in fact.shows.items()}

    def _heard_of(self, which: SubscriptionId) -> _Shown:
        self._shown[which] = shown = self._shown.pop(which, None) or _Shown()
        return shown

    def _told_of(self, fact: Fact, closed: list[SubscriptionId]) -> list[SubscriptionId]:
        """Return the subscriptions of which a closing says something."""
        if not fact.subscription:
            known = [which for which in self._shown if closes(fact, which)]
            return closed or known[-1:] or [SubscriptionId(fact.user, "")]
        named = [which for which in self._shown if which.id == fact.subscription and closes(fact, which)]
        if named:
            return named
        # It may be the one that was opened without an id: what is known of that holds for it.
        which = SubscriptionId(fact.user, fact.subscription)
        for unnamed in closed:
            self._heard_of(which).openings += self._shown[unnamed].openings
        return [which]

    def _ask(self, fact: Fact) -> None:
        if fact.gave:
            self._give(fact.gave, fact.order)
        self.tags |= _parts(fact.tags, fact.order)
        for key in fact.tags:
            self.fallen.pop(key, None)
        self.sets |= _parts(fact.sets, fact.order)
        said = Part(value=True, order=fact.order)
        if fact.tags_off:
            self.tags_off = newer(self.tags_off, said)
        if fact.fields_off:
            self.fields_off = newer(self.fields_off, said)
        if fact.unsubscribe:
            self.unsubscribe = newer(self.unsubscribe, said)

    def _close_one_of_several(self, fact: Fact) -> None:
        """Take off what no open subscription gives; a slot that is emptied falls to the newest of them."""
        held = {key for other in self.open.values() for key, wish in other.tags.items() if wish.present}
        off = {key: wish for key, wish in fact.tags.items() if not wish.present and key not in held}
        self.tags |= _parts(off, fact.order)
        for slot in {slot_of(key) for key, wish in fact.gave.items() if not wish.name}:
            opened, gift = self._newest_gift(slot)
            self._give({slot_key(slot, gift.name): gift}, fact.order)
            if gift.name:
                self.tags[tag_key(gift.name)] = Part(gift, fact.order)
                self.fallen[tag_key(gift.name)] = opened

    def _give(self, gave: Mapping[str, TagWish], order: OrderKey) -> None:
        """Note what slots give by a fact.

        A closing may have arrived before the openings of its time. It is read after them, so what they gave
        gives way to it: that is older, and its tags are off.
        """
        slots = {slot_of(key) for key in gave}
        for key, part in list(self.gave.items()):
            if slot_of(key) in slots and part.order.moment == order.moment and part.order > order:
                self.gave[key] = Part(part.value, order._replace(arrival=order.arrival - 1))
                if part.value.name:
                    self.tags[tag_key(part.value.name)] = Part(gone(part.value), order)
        self.gave |= _parts(gave, order)

    def _newest_gift(self, slot: str) -> tuple[OrderKey, TagWish]:
        """Return the tag that the newest open subscription gives in a slot; `NO_TAG` where none does."""
        gifts = (
            (fact.order, wish)
            for fact in reversed(self.open.values())
            for key, wish in fact.gave.items()
            if slot_of(key) == slot and wish.present
        )
        return next(gifts, (FIRST, NO_TAG))


def closes(fact: Fact, which: SubscriptionId) -> bool:
    """Tell whether a closing closes a subscription.

    Without an id it closes all of its user's; with one, that one and the one that has none.
    """
    return may_be_one(fact.user, which.user) and (
        not fact.subscription or which.id in {fact.subscription, ""}
    )


def _parts(values: Mapping[str, T], order: OrderKey) -> dict[str, Part[T]]:
    return {key: Part(value, order) for key, value in values.items()}
