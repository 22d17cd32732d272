"""Parts of a change that Kit refuses, or that may not be made: which events owe them, and what is said. Pure.

Each part stands for itself. Which events owe one does not depend on how events were folded: whoever asks for
the same owes it, also where a newer event asks for it, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from msgspec import Struct

from worker.errors import EventError, KitRejected, PartlyApplied, UnknownTag
from worker.events.event import OrderKey
from worker.subscribers.change import NOTHING, Change
from worker.subscribers.parts import tag_told

Key: TypeAlias = tuple[str, str]
"""A kind of part, and the key under which a `Change` has it."""

REST: Final = "everything else of the event is applied; once that is mended, a replay completes it"


class RefusedPart(Struct, frozen=True):
    """A part that cannot be applied.

    Attributes:
        value: What it was to be; whether it was to be there, for a tag.
        what: It, for people.
        order: Of the newest event that asks for it.
        error: Why.
        whatever: True where it is refused whatever the value.
    """

    key: Key
    value: object
    what: str
    order: OrderKey
    error: EventError
    whatever: bool = False

    def is_asked(self, order: OrderKey, asked: Mapping[Key, object]) -> bool:
        """Tell whether an event asks for it, given its order and all that it asks for."""
        same = self.key in asked and (self.whatever or asked[self.key] == self.value)
        return same or self.order == order


def refused(parts: Change, error: EventError, *, whatever: bool = False) -> list[RefusedPart]:
    """Return the parts of a change, all of them refused for one reason."""
    return [
        RefusedPart(key, value, what, order, error, whatever) for key, value, what, order in _parts(parts)
    ]


def _parts(change: Change) -> Iterator[tuple[Key, object, str, OrderKey]]:
    for name, value in change.fields.items():
        yield ("field", name), value.value, f"the custom field {name!r}", value.order
    for key, tag in change.tags.items():
        yield ("tag", key), tag.value.present, f"the {tag_told(tag.value)}", tag.order
    if (first_name := change.first_name) is not None:
        yield ("first name", ""), first_name.value, "the first name", first_name.order
    if (address := change.address) is not None:
        yield ("address", ""), address.value, "the email address", address.order
    if (unsubscribe := change.unsubscribe) is not None:
        yield ("unsubscribe", ""), True, "unsubscribing", unsubscribe.order


def _asked(change: Change) -> dict[Key, object]:
    """Return all that an event asks for, but that the subscriber exists."""
    asked = {key: value for key, value, _, _ in _parts(change)}
    for fact in change.facts:
        asked |= {("tag", key): wish.present for key, wish in fact.tags.items()}
        asked |= {("field", name): value for name, value in {**fact.sets, **fact.shows}.items()}
        asked |= {("unsubscribe", ""): True} if fact.unsubscribe else {}
    off = (change.tags_off, change.fields_off, *(fact.tags_off or fact.fields_off for fact in change.facts))
    if any(off):
        asked["all", ""] = None
    return asked


def owing(
    change: Change, order: OrderKey, parts: Sequence[RefusedPart], owed: EventError | None = None
) -> EventError | None:
    """Return why an event ends as a dead letter, of whose change parts were refused; None where none was.

    Args:
        change: What the event asks for.
        order: Of the event.
        parts: All that was refused of its person's events.
        owed: What it owes besides, or None.
    """
    if not parts:
        return owed
    asked, everything = _asked(change), change.is_by_no_mapping
    mine = [part for part in parts if everything or part.is_asked(order, asked)]
    if not mine:
        return owed
    applied = everything or asked.keys() - {part.key for part in mine}
    kind = _kind([part.error for part in mine], owed, applied=bool(applied))
    told = _told(mine) if owed is None else f"{owed}; {_told(mine)}"
    return kind(f"{told}; {REST}" if applied else told)


def _kind(errors: Sequence[EventError], owed: EventError | None, *, applied: bool) -> type[EventError]:
    kinds = {type(error) for error in errors}
    if owed is None and kinds == {UnknownTag}:
        return UnknownTag
    if owed is not None or applied:
        return PartlyApplied
    return kinds.pop() if len(kinds) == 1 else KitRejected


def _told(parts: Sequence[RefusedPart]) -> str:
    """Return one line that names each part, and each reason once."""
    by_reason = dict[str, list[str]]()
    for part in parts:
        by_reason.setdefault(str(part.error), []).append(part.what)
    return "; ".join(f"{', '.join(whats)}: {reason}" for reason, whats in by_reason.items())


def still_owed(owed: Change, asked: Change, parts: Sequence[RefusedPart]) -> Change:
    """Return what goes on being owed by events that are done, since Kit refuses it.

    What events in hand ask for is not among it: their dead letters say so, and replays complete it.
    """
    if not parts:
        return NOTHING
    left = {(part.key, part.order) for part in parts}
    left -= {(key, order) for key, _, _, order in _parts(asked)}
    name = owed.first_name
    return Change(
        tags={key: tag for key, tag in owed.tags.items() if (("tag", key), tag.order) in left},
        fields={key: value for key, value in owed.fields.items() if (("field", key), value.order) in left},
        first_name=name if name and (("first name", ""), name.order) in left else None,
    )
