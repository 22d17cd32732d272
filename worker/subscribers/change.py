"""A `Change` is what an event asks of one subscriber, and what many events ask of one, merged.

Every part (a tag, a custom field, the first name) is a last-writer-wins register: the part with the
greatest order key stands. Merging is therefore associative, commutative and idempotent, so it does not
matter how a stream of events is cut into batches, nor in which order a batch is folded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from worker.events.event import OrderKey

T = TypeVar("T")


class Part(NamedTuple, Generic[T]):
    """A value and the order key of the event that set it."""

    value: T
    order: OrderKey

    def newer(self, other: Part[T]) -> Part[T]:
        """Return whichever of the two stands.

        Two values under one key come from one event, in which the later rule wins; they are told apart
        by their text only so that merging stays commutative.
        """
        if self.order == other.order:
            return max(self, other, key=lambda part: repr(part.value))
        return self if self.order > other.order else other


class TagWish(Struct, frozen=True, array_like=True, eq=False):
    """Whether a subscriber should have a tag.

    Two that differ only in their rule are equal, and look the same: which of the two stands under one key
    depends on the order in which they are merged, and must not matter.

    Attributes:
        name: The tag as the admin wrote it; tags compare without case, so changes key them by `tag_key`.
        present: True to add the tag, False to remove it.
        by_placeholder: True where the name came out of a placeholder, for `max_created_tags`.
        rule: Which rule of the event says so: 0 for the event's own lists, else its number, from 1.
    """

    name: str
    present: bool
    by_placeholder: bool = False
    rule: int = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TagWish) and self._wish == other._wish

    def __hash__(self) -> int:
        return hash(self._wish)

    def __repr__(self) -> str:
        return f"TagWish(name={self.name!r}, present={self.present}, by_placeholder={self.by_placeholder})"

    @property
    def _wish(self) -> tuple[str, bool, bool]:
        return self.name, self.present, self.by_placeholder


def tag_told(wish: TagWish) -> str:
    """Return what is done about a tag, for people."""
    return f"tag {wish.name!r}" if wish.present else f"tag {wish.name!r} off"


def tag_key(name: str) -> str:
    """Return the form in which Kit compares tag names: without case, and outer blanks dropped.

    Lower case, not Python's case folding, which would take Strasse and Straße for one tag.
    """
    return name.strip().lower()


class Change(Struct, frozen=True, omit_defaults=True):
    """What should become true of one subscriber.

    Attributes:
        tags: By `tag_key`, whether each tag should be there.
        fields: By the admin's label or key of a custom field, its value; None clears it.
        first_name: Kit's own first name; None says nothing about it.
        ensure: True where the subscriber should exist even if nothing else is to be done.
        address: The subscriber's email address, by events that know the person by another sign as well.
        gave: By `slot_key`, the tags that a replacing entry gave; see `replacing`.
    """

    tags: Mapping[str, Part[TagWish]] = field(default_factory=dict)
    fields: Mapping[str, Part[str | None]] = field(default_factory=dict)
    first_name: Part[str] | None = None
    ensure: Part[bool] | None = None
    address: Part[str] | None = None
    gave: Mapping[str, Part[TagWish]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Tell whether there is anything to do."""
        return bool(self.tags or self.fields or self.first_name or self.ensure or self.address or self.gave)

    def merge(self, other: Change) -> Change:
        """Return the change that stands when both are asked for: the newer of each part."""
        return Change(
            tags=_merge_parts(self.tags, other.tags),
            fields=_merge_parts(self.fields, other.fields),
            first_name=_newer(self.first_name, other.first_name),
            ensure=_newer(self.ensure, other.ensure),
            address=_newer(self.address, other.address),
            gave=_merge_parts(self.gave, other.gave),
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
        )

    def standing(self, merged: Change) -> Change:
        """Return the parts of this change that still stand in `merged`, into which it was merged."""
        tags = merged.replacing().tags
        return Change(
            tags={key: part for key, part in self.tags.items() if tags.get(key) == part},
            fields={key: part for key, part in self.fields.items() if merged.fields.get(key) == part},
            first_name=self.first_name if self.first_name == merged.first_name else None,
            ensure=self.ensure if self.ensure == merged.ensure else None,
            address=self.address if self.address == merged.address else None,
            gave={key: part for key, part in self.gave.items() if merged.gave.get(key) == part},
        )

    def replacing(self, before: Mapping[str, Part[TagWish]] | None = None) -> Change:
        """Return this change with what its replacing entries take off.

        Of all the tags that an entry ever gave a person, only the newest may stay: the others are removed,
        as of the moment of the newest. An entry's gifts are registers like all the rest, so it does not
        matter in which order they become known.

        Args:
            before: What the same entries gave this person until now.
        """
        if not self.gave:
            return self
        slots = {_slot(key) for key in self.gave}
        known = {key: part for key, part in (before or {}).items() if _slot(key) in slots}
        gave = _merge_parts(known, self.gave)
        newest = {
            slot: max((part for key, part in gave.items() if _slot(key) == slot), key=lambda part: part.order)
            for slot in slots
        }
        taken_off: dict[str, Part[TagWish]] = {}
        for key, part in gave.items():
            stays = newest[_slot(key)]
            if tag_key(part.value.name) != tag_key(stays.value.name):
                wish = replace(stays.value, name=part.value.name, present=False)
                off = {tag_key(wish.name): Part(wish, stays.order)}
                taken_off = dict(_merge_parts(taken_off, off))
        return replace(self, tags=_merge_parts(self.tags, taken_off))


NOTHING = Change()


def slot_key(entry: str, tag: str) -> str:
    """Return the key under which `Change.gave` keeps that an entry gave a tag.

    Args:
        entry: What names the entry: its event type and its text.
        tag: The tag's name.
    """
    return f"{entry}\n{tag_key(tag)}"


def _slot(key: str) -> str:
    return key.partition("\n")[0]


def merge_all(changes: Iterable[Change]) -> Change:
    """Return all the changes merged into one."""
    return reduce(Change.merge, changes, NOTHING)


def _newer(one: Part[T] | None, other: Part[T] | None) -> Part[T] | None:
    if one is None or other is None:
        return one or other
    return one.newer(other)


def _merge_parts(ours: Mapping[str, Part[T]], theirs: Mapping[str, Part[T]]) -> Mapping[str, Part[T]]:
    if not theirs:
        return ours
    merged = dict(ours)
    for key, part in theirs.items():
        mine = merged.get(key)
        merged[key] = part if mine is None else mine.newer(part)
    return merged


def _left_one(part: Part[T] | None, done: Part[T] | None) -> Part[T] | None:
    return part if part is not None and (done is None or part.order > done.order) else None


def _left(parts: Mapping[str, Part[T]], done: Mapping[str, Part[T]]) -> Mapping[str, Part[T]]:
    if not done:
        return parts
    return {key: part for key, part in parts.items() if _left_one(part, done.get(key)) is not None}
