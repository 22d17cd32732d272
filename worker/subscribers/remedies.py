"""Whether anything is done about a difference that somebody has seen in a plan. Pure.

Meanwhile events have come, and people have gone on working in Kit. So each is looked at again, and nothing is
done about one that is not as the plan says any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct, field

from worker.events.event import OrderKey
from worker.subscribers.drifted import NO_MORE_MAIL, DriftKind, Remedy
from worker.subscribers.identity import address_in
from worker.subscribers.parts import tag_key
from worker.subscribers.record import Record
from worker.subscribers.record_parts import UNKNOWN, KnownPart

SINCE: Final = "Kit was told of it since the plan was made"
NEWER: Final = "a newer event says otherwise"
OTHERWISE: Final = "Kit has another one by now than the plan says"
GONE: Final = "Kit has the person no more"


class SeenPerson(Struct, frozen=True):
    """What Kit has of a person, as far as it was asked.

    Attributes:
        state: Such as `active`.
        tags: Of those that were asked for, by `tag_key`, what the person has.
        fields: Likewise, of custom fields by the record's names, those that have a value.
        kit_ids: Of the tags and the custom fields, under the same names.
    """

    email: str
    state: str = "active"
    first_name: str = ""
    tags: frozenset[str] = frozenset()
    fields: Mapping[str, str] = field(default_factory=dict)
    kit_ids: Mapping[str, int] = field(default_factory=dict)


def why_not(record: Record, remedy: Remedy, seen: SeenPerson | None) -> str:
    """Return why nothing is done about a difference, for people; empty where something is.

    Nobody is created, nobody is resubscribed, and whoever gets no more mail gets no tag again, which could
    only start what sends some.

    Args:
        record: Of the person.
        remedy: What somebody asks for.
        seen: What Kit has now; None where it has nobody of that id.
    """
    if seen is None or remedy.row.kind is DriftKind.DELETED:
        return _why_not_gone(record, remedy, seen)
    match remedy.row.kind:
        case DriftKind.FIELD:
            name = remedy.row.name
            return _why_not_value(record.fields.get(name), remedy, seen.fields.get(name))
        case DriftKind.FIRST_NAME:
            return _why_not_value(first_name_of(record), remedy, seen.first_name)
        case DriftKind.ADDRESS:
            return _why_not_address(record, remedy, seen)
        case DriftKind.UNSUBSCRIBED:
            return _why_not_unsubscribed(record, remedy, seen)
        case _:
            return _why_not_tag(record, remedy, seen)


def _why_not_tag(record: Record, remedy: Remedy, seen: SeenPerson) -> str:
    key, missing = tag_key(remedy.row.name), remedy.row.kind is DriftKind.TAG_MISSING
    known = record.tags.get(key)
    if known is None or known.part.value.present is not missing:
        return NEWER
    if (key in seen.tags) is missing:
        return "Kit has it already" if missing else "it is off already"
    if missing and not remedy.adopts:
        if seen.state in NO_MORE_MAIL:
            return "not put on, for the person gets no more mail"
        if key in record.held:
            return "it is held, by max_new_taggings_per_hour"
    return _why_not_now(known, remedy)


def _why_not_value(known: KnownPart[Any] | None, remedy: Remedy, has: str | None) -> str:
    if known is None:
        return NEWER
    if (has or None) == (known.part.value or None):
        return "Kit has it as it was given"
    if (has or None) != (remedy.row.kit or None):
        return OTHERWISE
    return _why_not_now(known, remedy)


def _why_not_now(known: KnownPart[Any], remedy: Remedy) -> str:
    if known.answered_at > remedy.planned.time.timestamp():
        return SINCE
    return NEWER if remedy.adopts and remedy.planned.after(known.part.order) is None else ""


def _why_not_address(record: Record, remedy: Remedy, seen: SeenPerson) -> str:
    has = address_in({"email": seen.email}, "email")
    if has == record.email:
        return "Kit has it as it was given"
    if has is None or has != remedy.row.kit:
        return OTHERWISE
    return NEWER if record.placed is not None and remedy.planned.after(record.placed) is None else ""


def _why_not_unsubscribed(record: Record, remedy: Remedy, seen: SeenPerson) -> str:
    if not remedy.adopts:
        return "nobody is resubscribed"
    if seen.state not in NO_MORE_MAIL:
        return "the person gets mail by now"
    return "it is known already" if record.unsubscribed is not None else ""


def _why_not_gone(record: Record, remedy: Remedy, seen: SeenPerson | None) -> str:
    if record.kit_id is None:
        return "the ledger knows of nobody in Kit any more"
    if remedy.row.kind is not DriftKind.DELETED:
        return GONE
    if seen is not None:
        return "Kit has the person"
    if not remedy.adopts:
        return "nobody is created anew"
    return "" if after_all(record, remedy.planned) is not None else NEWER


def first_name_of(record: Record) -> KnownPart[str] | None:
    """Return the first name that Kit was given, or is to be given again; None where there is none."""
    owed = record.owed.first_name
    return record.first_name or (None if owed is None else KnownPart(owed, UNKNOWN))


def after_all(record: Record, planned: OrderKey) -> OrderKey | None:
    """Return the place of what was planned behind all that is known of a person; None where some is newer."""
    order: OrderKey | None = planned
    for each in _orders(record):
        order = None if order is None else order.after(each)
    return order


def _orders(record: Record) -> Iterator[OrderKey]:
    yield record.ensured
    for change in (record.done, record.owed):
        for part in (*change.tags.values(), *change.fields.values(), change.first_name):
            if part is not None:
                yield part.order
    yield from (fact.order for fact in record.facts)
