"""What facts speak of, told apart from what other events say of the same. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias, TypeVar

from worker.events.event import FIRST
from worker.subscribers.fact import NO_FACTS, Facts
from worker.subscribers.parts import Part, TagWish, slot_of
from worker.subscribers.record import KnownPart

V = TypeVar("V", TagWish, str | None)

_Moment: TypeAlias = tuple[Any, ...]
"""The sequence and the time of an event."""
Names: TypeAlias = Mapping[str, set[_Moment]]


class Spoken:
    """The tags and custom fields of which facts speak, and when, under the keys that a `Change` has for them.

    Args:
        facts: Which.
        gave: The keys of `Change.gave` that are known otherwise: to speak of a slot is to speak of all that
            it ever gave.
    """

    def __init__(self, facts: Facts = NO_FACTS, gave: Iterable[str] = ()) -> None:
        self.tags: dict[str, set[_Moment]] = {}
        self.fields: dict[str, set[_Moment]] = {}
        by_slot: dict[str, set[str]] = {}
        for key in (*gave, *(key for fact in facts for key in fact.gave)):
            slot, _, tag = key.partition("\n")
            by_slot.setdefault(slot, set()).update({tag} - {""})
        # What a slot gave may have become known after it was taken off: that came from a fact all the same.
        of_slots = {fact.order[:2] for fact in facts if fact.gave}
        for fact in facts:
            moment = fact.order[:2]
            for name in fact.tags.keys() | {tag for key in fact.gave for tag in by_slot[slot_of(key)]}:
                self.tags.setdefault(name, set(of_slots)).add(moment)
            for name in (*fact.sets, *fact.shows, *fact.ended):
                self.fields.setdefault(name, set()).add(moment)


def not_of(spoken: Names, parts: Mapping[str, Part[V]]) -> Mapping[str, Part[V]]:
    """Return the parts of what facts speak of that come from other events."""
    return {
        name: part
        for name, moments in spoken.items()
        if (part := parts.get(name)) is not None and part.order[:2] not in moments
    }


def done_parts(known: Mapping[str, KnownPart[V]]) -> Mapping[str, Part[V]]:
    """Return what events asked for and Kit has; not what was sent, and never answered."""
    return {name: one.part for name, one in known.items() if one.part.order != FIRST}
