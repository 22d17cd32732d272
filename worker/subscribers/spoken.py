"""What facts speak of, told apart from what other events say of the same. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple, TypeVar

from worker.events.event import FIRST, OrderKey
from worker.subscribers.fact import Facts
from worker.subscribers.kept import kept
from worker.subscribers.parts import Part, TagWish, slot_of
from worker.subscribers.record_parts import KnownPart

V = TypeVar("V", TagWish, str | None)


class SpokenNames(NamedTuple):
    """The names of which facts speak.

    Attributes:
        all: The names, under the keys that a `Change` has for them.
        by_order: Of which names each event speaks; None for an event that may speak of any.
    """

    all: frozenset[str]
    by_order: Mapping[OrderKey, Collection[str] | None]

    def comes_by_fact(self, name: str, order: OrderKey) -> bool:
        """Tell whether what an event of that order says of a name, it says by a fact."""
        names = self.by_order.get(order, ())
        return name in self.all and (names is None or name in names)


NO_NAMES = SpokenNames(frozenset(), {})


class Spoken(NamedTuple):
    """The tags and the custom fields of which facts speak."""

    tags: SpokenNames = NO_NAMES
    fields: SpokenNames = NO_NAMES


def spoken_of(facts: Facts, gave: Iterable[str]) -> Spoken:
    """Return what facts speak of.

    Args:
        facts: Which.
        gave: The keys of `Change.gave` that are known otherwise: to speak of a slot is to speak of all that
            it ever gave.
    """
    spoken, slots = _spoken_of(facts)
    if not slots:
        return spoken
    given = {tag for key in gave if slot_of(key) in slots and (tag := key.partition("\n")[2])}
    return Spoken(SpokenNames(spoken.tags.all | given, spoken.tags.by_order), spoken.fields)


@kept
def _spoken_of(facts: Facts) -> tuple[Spoken, frozenset[str]]:
    """Return what facts speak of by themselves, and the slots of which they speak."""
    tags: dict[OrderKey, Collection[str] | None] = {}
    fields: dict[OrderKey, Collection[str] | None] = {}
    for fact in facts:
        order = fact.order
        said = tags.get(order, ())
        tags[order] = None if fact.gave or said is None else {*said, *fact.tags}
        fields[order] = {*(fields.get(order) or ()), *fact.sets, *fact.shows, *fact.ended}
    slots = frozenset(slot_of(key) for fact in facts for key in fact.gave)
    of_tags = frozenset().union(*(fact.tags for fact in facts))
    of_fields = frozenset().union(*(names for names in fields.values() if names))
    return Spoken(SpokenNames(of_tags, tags), SpokenNames(of_fields, fields)), slots


def not_of(spoken: SpokenNames, parts: Mapping[str, Part[V]]) -> Mapping[str, Part[V]]:
    """Return the parts of what facts speak of that come from other events."""
    return {
        name: part
        for name, part in parts.items()
        if name in spoken.all and not spoken.comes_by_fact(name, part.order)
    }


def done_otherwise(
    spoken: SpokenNames, known: Mapping[str, KnownPart[V]], anew: Collection[OrderKey]
) -> Mapping[str, Part[V]]:
    """Return of what facts speak of what Kit has by other events; not what was sent, and never answered.

    Nor what it has by events that are heard anew: what these say, they say again.
    """
    return {
        name: one.part
        for name, one in known.items()
        if name in spoken.all
        and not spoken.comes_by_fact(name, one.part.order)
        and one.part.order != FIRST
        and not one.part.order.is_heard_anew(anew)
    }
