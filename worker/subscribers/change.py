"""A `Change` is what an event asks of one subscriber, and what many events ask of one, merged.

Its parts are last-writer-wins registers, and its facts a set. Merging is therefore associative, commutative
and idempotent, so it does not matter how a stream of events is cut into batches, nor in which order a batch
is folded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import reduce
from typing import Any, Final, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from worker.events.event import OrderKey
from worker.subscribers.drifted import DriftKind, Remedy
from worker.subscribers.fact import NO_FACTS, Facts, merge_facts
from worker.subscribers.parts import Part, TagWish, merge_parts, newer, older, slot_of, tag_key

T = TypeVar("T")

NO_EVENTS: Final[frozenset[OrderKey]] = frozenset()
"""The places of no events."""


class Change(Struct, frozen=True, omit_defaults=True, gc=False):
    """What should become true of one subscriber.

    Attributes:
        tags: By `tag_key`, whether each tag should be there.
        fields: By the admin's label or key of a custom field, its value; None clears it.
        first_name: Kit's own first name; None says nothing about it.
        ensure: True where the subscriber should exist even if nothing else is to be done.
        address: The subscriber's email address, by events that know the person by another sign as well.
        gave: By `slot_key`, the tags that were given in a slot, which holds one at a time; see `replacing`.
        creates: The state in which the subscriber is created if need be, by the oldest event that may; None
            where nobody is to be created.
        tags_off: That all tags are off which this worker gave before.
        fields_off: That all custom fields are empty which this worker set before.
        unsubscribe: That the person gets no more mail from Kit.
        facts: The openings and closings of subscriptions; see `lifecycle`.
        again: That Kit is told once more all that should be so, but for what it has answered since that
            moment, in seconds since 1970; None where nobody asks for that.
        anew: The places of events of which this is all that they ask for, by now: what they asked for before,
            and do not any more, is to be off.
        allows: By `tag_key`, tags that somebody lets through which were held; see `TaggingGuard`.
        agreed: The places of events to whose new tags somebody has agreed.
        known: Likewise, of events of which Kit has all already.
        first: By `tag_key`, tags that are put on before all others.
        remedies: What somebody asks to be done where Kit has something else than it was given. Each is looked
            at again in Kit before.
    """

    tags: Mapping[str, Part[TagWish]] = field(default_factory=dict)
    fields: Mapping[str, Part[str | None]] = field(default_factory=dict)
    first_name: Part[str] | None = None
    ensure: Part[bool] | None = None
    address: Part[str] | None = None
    gave: Mapping[str, Part[TagWish]] = field(default_factory=dict)
    creates: Part[str] | None = None
    tags_off: Part[bool] | None = None
    fields_off: Part[bool] | None = None
    unsubscribe: Part[bool] | None = None
    facts: Facts = NO_FACTS
    again: float | None = None
    anew: frozenset[OrderKey] = NO_EVENTS
    allows: frozenset[str] = frozenset()
    agreed: frozenset[OrderKey] = NO_EVENTS
    known: frozenset[OrderKey] = NO_EVENTS
    first: frozenset[str] = frozenset()
    remedies: frozenset[Remedy] = frozenset()

    def __bool__(self) -> bool:
        """Tell whether it says anything."""
        return self != NOTHING

    @property
    def tells_kit(self) -> bool:
        """Whether it asks for anything beyond how it would be done."""
        return bool(replace(self, creates=None, first=frozenset()))

    @property
    def is_known(self) -> bool:
        """Whether Kit has all already that any of its events asks for."""
        parts: list[Part[Any]] = [*self.tags.values(), *self.fields.values(), *self.gave.values()]
        whole = self.first_name, self.ensure, self.tags_off, self.fields_off, self.unsubscribe
        orders = [part.order for part in (*parts, *whole) if part is not None]
        return all(order in self.known for order in (*orders, *(fact.order for fact in self.facts)))

    @property
    def takes_up_old(self) -> bool:
        """Whether it is about what events of before asked for, which have ended."""
        return self.is_by_no_mapping or bool(self.anew)

    @property
    def is_by_no_mapping(self) -> bool:
        """Whether somebody asks for it, and no event."""
        return self.again is not None or bool(self.allows or self.remedies)

    @property
    def new_address(self) -> str:
        """The address that Kit is said to have of the person by now, and the ledger is to take; or empty."""
        asked = (each.row for each in self.remedies if each.adopts)
        found = (row.kit for row in asked if row.kind is DriftKind.ADDRESS and row.kit)
        return next(found, "")

    @property
    def given_again(self) -> frozenset[str]:
        """By `tag_key`, the tags that Kit lacks, and is to have again."""
        rows = (each.row for each in self.remedies if not each.adopts)
        return frozenset(tag_key(row.name) for row in rows if row.kind is DriftKind.TAG_MISSING)

    @property
    def asked_tags(self) -> Mapping[str, Part[TagWish]]:
        """All that it asks of tags, by `tag_key`, whatever of it stands."""
        of_facts = {key: Part(wish, fact.order) for fact in self.facts for key, wish in fact.tags.items()}
        return {**of_facts, **self.tags}

    def merge(self, other: Change) -> Change:
        """Return the change that stands when both are asked for: the newer of each part."""
        if self is NOTHING:
            return other
        said, facts = (*self.facts, *other.facts), merge_facts(self.facts, other.facts)
        return Change(
            tags=merge_parts(self.tags, other.tags),
            fields=merge_parts(self.fields, other.fields),
            first_name=newer(self.first_name, other.first_name),
            ensure=newer(self.ensure, other.ensure),
            address=newer(self.address, other.address),
            gave=merge_parts(self.gave, other.gave),
            creates=older(self.creates, other.creates),
            tags_off=newer(self.tags_off, other.tags_off),
            fields_off=newer(self.fields_off, other.fields_off),
            unsubscribe=newer(self.unsubscribe, other.unsubscribe),
            facts=facts,
            again=other.again if self.again is None else max(self.again, other.again or self.again),
            anew=_in_place(self.anew | other.anew, said, facts),
            allows=self.allows | other.allows,
            agreed=_in_place(self.agreed | other.agreed, said, facts),
            known=_in_place(self.known | other.known, said, facts),
            first=self.first | other.first,
            remedies=self.remedies | other.remedies,
        )

    def without(self, other: Change) -> Change:
        """Return what is left to do of this change once `other` is done.

        A part is left only if it is newer than the same part of `other`.
        """
        return Change(
            tags=_left(self.tags, other.tags),
            fields=_left(self.fields, other.fields),
            first_name=_left_one(self.first_name, other.first_name),
            ensure=_left_one(self.ensure, other.ensure),
            address=_left_one(self.address, other.address),
            gave=_left(self.gave, other.gave),
            tags_off=_left_one(self.tags_off, other.tags_off),
            fields_off=_left_one(self.fields_off, other.fields_off),
            unsubscribe=_left_one(self.unsubscribe, other.unsubscribe),
            creates=self.creates,
            facts=self.facts,
            first=self.first,
        )

    def replacing(self, before: Mapping[str, Part[TagWish]] | None = None) -> Change:
        """Return this change with what is taken off because another tag has its slot.

        Of all the tags that a slot ever gave a person, only the newest may stay: the others are removed, as
        of the moment of the newest. What a slot gave are registers like all the rest, so it does not matter
        in which order they become known.

        Args:
            before: What the same slots gave this person until now.
        """
        if not self.gave:
            return self
        slots = {slot_of(key) for key in self.gave}
        known = {key: part for key, part in (before or {}).items() if slot_of(key) in slots}
        gave = merge_parts(known, self.gave)
        newest = {
            slot: max((part for key, part in gave.items() if slot_of(key) == slot), key=_gift)
            for slot in slots
        }
        taken_off: Mapping[str, Part[TagWish]] = {}
        for key, part in gave.items():
            stays, tag = newest[slot_of(key)], tag_key(part.value.name)
            if tag and tag != tag_key(stays.value.name):
                wish = replace(stays.value, name=part.value.name, present=False)
                taken_off = merge_parts(taken_off, {tag: Part(wish, stays.order)})
        return replace(self, tags=merge_parts(self.tags, taken_off))


def _gift(part: Part[TagWish]) -> tuple[OrderKey, bool, int, str]:
    """Return what orders the gifts of a slot: of one event, a tag stands before none, and the later rule."""
    return part.order, part.value.present, part.value.rule, part.value.name


NOTHING = Change()


def merge_all(changes: Iterable[Change]) -> Change:
    """Return all the changes merged into one."""
    return reduce(Change.merge, changes, NOTHING)


def parts_of(change: Change, events: Collection[OrderKey]) -> Change:
    """Return what of a change events of these places ask for."""

    def one(part: Part[T] | None) -> Part[T] | None:
        return part if part is not None and part.order in events else None

    return Change(
        tags={key: part for key, part in change.tags.items() if one(part)},
        fields={name: part for name, part in change.fields.items() if one(part)},
        first_name=one(change.first_name),
        ensure=one(change.ensure),
        unsubscribe=one(change.unsubscribe),
    )


def _in_place(events: frozenset[OrderKey], said: Facts, facts: Facts) -> frozenset[OrderKey]:
    """Return the places of events, and those at which copies of them came first: there their facts are."""
    if not events:
        return events  # as it mostly is
    places = {fact.key: fact.order for fact in facts}
    return events | {places[fact.key] for fact in said if fact.order in events}


def _left_one(part: Part[T] | None, done: Part[T] | None) -> Part[T] | None:
    return part if part is not None and (done is None or part.order > done.order) else None


def _left(parts: Mapping[str, Part[T]], done: Mapping[str, Part[T]]) -> Mapping[str, Part[T]]:
    if not done:
        return parts
    return {key: part for key, part in parts.items() if _left_one(part, done.get(key)) is not None}
