"""What would be otherwise of a person once an event is done: each tag and field, now in Kit, and then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from worker.ops.compared import FieldState, TagState
from worker.ops.tried import Tried
from worker.subscribers.parts import tag_key

NOT_KNOWN = "?"


@dataclass(frozen=True, slots=True)
class Effect:
    """A tag or a value of a person.

    Attributes:
        now: In Kit; `?` where nobody knows.
        then: What it would be.
        since: When the event was by which it would be so, ISO 8601; empty where that is this event, or none.
        is_told: Whether a call would be made for it.
    """

    name: str
    now: str
    then: str
    since: str
    is_told: bool

    @property
    def differs(self) -> bool:
        """Whether Kit has something else now."""
        return self.now not in {NOT_KNOWN, self.then}


def effects_of(tried: Tried) -> list[Effect]:
    """Return all of which an event speaks, and all of which Kit would be told."""
    rows = [*_tags(tried), *_fields(tried)]
    return [effect for asked, effect in rows if asked or effect.is_told]


def _tags(tried: Tried) -> Iterator[tuple[bool, Effect]]:
    for tag in tried.tags:
        key = tag_key(tag.name)
        now = NOT_KNOWN if tried.kit.problem or tag.unread else _on(tag.in_kit is not None)
        effect = Effect(tag.name, now, _on(bool(tag.wanted)), _since(tag, tried), key in tried.told)
        yield key in tried.asks, effect


def _fields(tried: Tried) -> Iterator[tuple[bool, Effect]]:
    for each in tried.fields:
        now = NOT_KNOWN if tried.kit.problem else each.in_kit or "empty"
        is_told = each.name in tried.told
        yield (
            each.name in tried.asks,
            Effect(each.name, now, each.wanted or "empty", _since(each, tried), is_told),
        )


def _since(state: TagState | FieldState, tried: Tried) -> str:
    cause = state.cause
    return "" if cause is None or cause.event_time == tried.event_time else cause.event_time


def _on(present: bool) -> str:  # the one thing that it tells
    return "on" if present else "off"
