"""The parts of what is asked of a subscriber: a value, and the order key of the event that set it. Pure.

Each is a last-writer-wins register: the one with the greatest order key stands.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from worker.events.event import OrderKey

T = TypeVar("T")
V = TypeVar("V", "TagWish", str | None)

_TAG_ON: Final = re.compile(r"""tag ('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""")


class Part(Struct, Generic[T], frozen=True, array_like=True, gc=False):
    """A value and the order key of the event that set it."""

    value: T
    order: OrderKey

    def newer(self, other: Part[T]) -> Part[T]:
        """Return whichever of the two stands.

        Two values under one key come from one event. Of two wishes for a tag, the removal stands: the event
        was interpreted once more, after the time of the tag was over. Others are told apart by their text
        only so that merging stays commutative.
        """
        if self.order == other.order:
            return max(self, other, key=_rank)
        return self if self.order > other.order else other


def _rank(part: Part[Any]) -> tuple[bool, str]:
    value = part.value
    return isinstance(value, TagWish) and not value.present, repr(value)


class TagWish(Struct, frozen=True, array_like=True, eq=False, gc=False):
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


def is_there(value: TagWish | str | None) -> bool:
    """Tell whether a tag is to be on, or a field to have a text."""
    return value.present if isinstance(value, TagWish) else value is not None


def gone(value: V) -> V:
    """Return the end of a value: the tag off, the field cleared."""
    return replace(value, present=False) if isinstance(value, TagWish) else None


def tag_told(wish: TagWish) -> str:
    """Return what is done about a tag, for people."""
    return f"tag {wish.name!r}" if wish.present else f"tag {wish.name!r} off"


def tag_in(told: str) -> str:
    """Return which tag is put on, by what `tag_told` says of it; empty where it says nothing of that."""
    found = _TAG_ON.fullmatch(told)
    return "" if found is None else str(ast.literal_eval(found[1]))


def tag_key(name: str) -> str:
    """Return the form in which Kit compares tag names: without case, and outer blanks dropped.

    Lower case, not Python's case folding, which would take Strasse and Straße for one tag.
    """
    return name.strip().lower()


def slot_key(slot: str, tag: str) -> str:
    """Return the key under which `Change.gave` keeps that a slot, which holds one tag at a time, gave a tag.

    Args:
        slot: The name of a group, as `group_slot` writes it; or what names a replacing entry: its event type
            and its text.
        tag: The tag's name; empty where the slot was emptied.
    """
    return f"{slot}\n{tag_key(tag)}"


def group_slot(group: str) -> str:
    """Return the slot of a group of tags."""
    return f"group {group}"


def slot_of(key: str) -> str:
    """Return the slot of a key that `slot_key` made."""
    return key.partition("\n")[0]


def newer(one: Part[T] | None, other: Part[T] | None) -> Part[T] | None:
    """Return whichever of two parts stands, each of which may be none."""
    if one is None or other is None:
        return one or other
    return one.newer(other)


def older(one: Part[T] | None, other: Part[T] | None) -> Part[T] | None:
    """Return the older of two parts, each of which may be none."""
    if one is None or other is None:
        return one or other
    return min(one, other, key=lambda part: (part.order, repr(part.value)))


def merge_parts(ours: Mapping[str, Part[T]], theirs: Mapping[str, Part[T]]) -> Mapping[str, Part[T]]:
    """Return the newer part under each key."""
    if not (ours and theirs):
        return ours or theirs
    merged = dict(ours)
    for key, part in theirs.items():
        mine = merged.get(key)
        merged[key] = part if mine is None else mine.newer(part)
    return merged
