"""What somebody should have beside what Kit has: each tag and each custom field, and by which event."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from worker.events.values import time_text
from worker.kit.person import KitPerson, KitTag
from worker.ledger.person import Cause
from worker.subscribers.change import NOTHING, Change
from worker.subscribers.desired import left
from worker.subscribers.parts import Part, tag_key
from worker.subscribers.record import Record
from worker.subscribers.record_parts import UNKNOWN, KnownPart


@dataclass(frozen=True, slots=True)
class TagState:
    """A tag of one person.

    Attributes:
        name: As the account's file has it; of one that is not by us, as Kit has it.
        wanted: Whether the person should have it; None where this worker has never said: it is not by us.
        owed: Whether Kit has yet to be told so.
        cause: By which event; None where it is not by us.
        told_at: When Kit last answered for it, in seconds since 1970; None where it has not.
        in_kit: The tag in Kit; None where the person does not have it there, or Kit was not asked.
        unread: Whether it may be among those tags of the person in Kit that were not read.
    """

    name: str
    wanted: bool | None
    owed: bool = False
    cause: Cause | None = None
    told_at: float | None = None
    in_kit: KitTag | None = None
    unread: bool = False


@dataclass(frozen=True, slots=True)
class FieldState:
    """A custom field of one person; as `TagState`.

    Attributes:
        wanted: The value; None where it is to be empty.
        is_ours: Whether this worker has ever said anything of it.
        in_kit: Its value in Kit; None where it is empty there, or Kit was not asked.
    """

    name: str
    wanted: str | None
    is_ours: bool = True
    owed: bool = False
    cause: Cause | None = None
    told_at: float | None = None
    in_kit: str | None = None


def times_of(record: Record) -> frozenset[str]:
    """Return when the events were that set what somebody should have, as the history writes it."""
    orders = [part.order for each in (record.done, left(record, NOTHING)) for part in _parts(each)]
    return frozenset(time_text(order.time) for order in orders)


def _parts(change: Change) -> Iterator[Part[Any]]:
    yield from change.tags.values()
    yield from change.fields.values()


def tag_rows(
    record: Record | None, causes: Mapping[str, Cause], kit: KitPerson | None
) -> tuple[TagState, ...]:
    """Return each tag that this worker has said anything of, and each that Kit has besides."""
    has = () if kit is None else kit.tags
    ours = () if record is None else tuple(_our_tags(record, causes, has))
    if kit is not None and kit.more_tags:
        ours = tuple(replace(row, unread=row.in_kit is None) for row in ours)
    met = {row.in_kit.id for row in ours if row.in_kit is not None}
    return (*ours, *(TagState(tag.name, None, in_kit=tag) for tag in has if tag.id not in met))


def field_rows(
    record: Record | None, causes: Mapping[str, Cause], kit: KitPerson | None
) -> tuple[FieldState, ...]:
    """Return each custom field that this worker has said anything of, and each that Kit has besides."""
    ours = {} if record is None else dict(_our_fields(record, causes, kit))
    if kit is None:
        return tuple(ours.values())
    met = {_field_id(record, name, kit) for name in ours}
    others = (id_ for id_ in kit.fields if id_ not in met)
    return (
        *ours.values(),
        *(FieldState(kit.labels[id_], None, is_ours=False, in_kit=kit.fields[id_]) for id_ in others),
    )


def _our_tags(record: Record, causes: Mapping[str, Cause], has: Collection[KitTag]) -> Iterator[TagState]:
    by_id, by_name = {tag.id: tag for tag in has}, {tag_key(tag.name): tag for tag in has}
    still = left(record, NOTHING).tags
    for key, part in {**record.done.tags, **still}.items():
        known = record.tags.get(key)
        yield TagState(
            part.value.name,
            part.value.present,
            owed=key in still,
            cause=_cause(part, causes, part.value.rule),
            told_at=_told_at(known),
            # By its id first: somebody may have renamed it there.
            in_kit=by_id.get(known.kit_id if known else 0) or by_name.get(key),
        )


def _our_fields(
    record: Record, causes: Mapping[str, Cause], kit: KitPerson | None
) -> Iterator[tuple[str, FieldState]]:
    still = left(record, NOTHING).fields
    for name, part in {**record.done.fields, **still}.items():
        yield (
            name,
            FieldState(
                name,
                part.value,
                owed=name in still,
                cause=_cause(part, causes),
                told_at=_told_at(record.fields.get(name)),
                in_kit=None if kit is None else kit.fields.get(_field_id(record, name, kit)),
            ),
        )


def _field_id(record: Record | None, name: str, kit: KitPerson) -> int:
    """Return the id of the custom field that a name means; 0 where Kit has none."""
    known = None if record is None else record.fields.get(name)
    meant = known.kit_id if known is not None else 0
    return meant if meant in kit.labels else kit.names.get(name) or kit.names.get(name.lower(), 0)


def _cause(part: Part[Any], causes: Mapping[str, Cause], rule: int = 0) -> Cause:
    time = time_text(part.order.time)
    return replace(causes.get(time) or Cause(time), rule=rule)


def _told_at(known: KnownPart[Any] | None) -> float | None:
    return None if known is None or known.answered_at == UNKNOWN else known.answered_at
