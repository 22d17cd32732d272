"""Puts right, or takes over, what Kit has otherwise than it was given, if nothing is against it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from worker.events.event import OrderKey
from worker.subscribers.change import NOTHING, Change
from worker.subscribers.drifted import DriftKind, DriftRow, Remedy, in_order
from worker.subscribers.learning import learn
from worker.subscribers.parts import Part, newer, tag_key
from worker.subscribers.record import Record
from worker.subscribers.remedies import SeenPerson, after_all, first_name_of, why_not
from worker.subscribers.subscriber import Subscriber

NOT_NAMED: Final = "options.first_name: only people whom this worker creates are named"


def redress(
    change: Change, subscriber: Subscriber, seen: SeenPerson | None, now: float, *, names_all: bool = True
) -> Change:
    """Return what of a change is left to do once a person was looked at in Kit; why not all, they say.

    What is taken over is noted, and needs nothing more. What is to be put right has become a part like any
    other. An address is left to the caller: of the remedies that are left, those about one, too.

    Args:
        change: What is asked, differences among it.
        subscriber: Of whom.
        seen: What Kit has of them; None where it has nobody of that id.
        now: Seconds since 1970.
        names_all: Whether the account's file gives a first name to others than those whom it creates.
    """
    rest = replace(change, remedies=frozenset())
    for remedy in in_order(change.remedies):
        record, row = subscriber.record, remedy.row
        why = why_not(record, remedy, seen)
        if row.kind is DriftKind.FIRST_NAME and not (remedy.adopts or names_all or record.created):
            why = why or NOT_NAMED
        if why or row.kind is not DriftKind.ADDRESS:
            tell(subscriber, remedy, why)
        if not why and remedy.adopts and row.kind is not DriftKind.ADDRESS:
            take_over(record, remedy, seen, now)
        elif not why:
            asked = to_give_again(record, row)
            rest = rest.merge(replace(asked, remedies=frozenset({remedy})))
    return rest


def tell(subscriber: Subscriber, remedy: Remedy, why: str) -> None:
    """Note why nothing is done, or empty; what an earlier try has done stays done."""
    if subscriber.looked_at.get(remedy) != "":
        subscriber.looked_at[remedy] = why


# -- put right ----------------------------------------------------------------------------------------------


def to_give_again(record: Record, row: DriftRow) -> Change:
    """Return what Kit is to be told again, and note that it may not have it.

    It goes on being of the event that set it, so that it comes before nothing newer.
    """
    match row.kind:
        case DriftKind.TAG_MISSING | DriftKind.TAG_BACK:
            key = tag_key(row.name)
            record.doubt_known([key], ())
            return Change(tags={key: record.tags[key].part})
        case DriftKind.FIELD:
            record.doubt_known((), [row.name])
            return Change(fields={row.name: record.fields[row.name].part})
        case DriftKind.FIRST_NAME if (known := first_name_of(record)) is not None:
            # One that is known is not told again; what is owed is.
            record.owed = record.owed.merge(Change(first_name=known.part))
            record.first_name = None
            return Change(first_name=known.part)
    return NOTHING


# -- taken over ---------------------------------------------------------------------------------------------


def take_over(record: Record, remedy: Remedy, seen: SeenPerson | None, now: float) -> None:
    """Note in a record what Kit has, as if an event of the time of the plan had said so.

    So it stands against all that was said before, also where that is worked out anew, and newer events stand
    against it. An address is no part of it: whoever has another one is known by another record then.

    Args:
        record: Of the person.
        remedy: What somebody asks for, and nothing is against.
        seen: What Kit has of them; None where it has nobody.
        now: Seconds since 1970.
    """
    row, planned, kit_ids = remedy.row, remedy.planned, seen.kit_ids if seen else {}
    match row.kind:
        case DriftKind.TAG_MISSING | DriftKind.TAG_BACK:
            key = tag_key(row.name)
            part = record.tags[key].part
            wish = replace(part.value, present=row.kind is DriftKind.TAG_BACK)
            _note(record, Change(tags={key: Part(wish, _as_of(planned, part))}), now, kit_ids)
        case DriftKind.FIELD:
            part_of = record.fields[row.name].part
            value = Part(row.kit or None, _as_of(planned, part_of))
            _note(record, Change(fields={row.name: value}), now, kit_ids)
        case DriftKind.FIRST_NAME if (name := first_name_of(record)) is not None:
            first_name = Part(row.kit or "", _as_of(planned, name.part))
            _note(record, Change(first_name=first_name), now, kit_ids)
        case DriftKind.UNSUBSCRIBED:
            record.unsubscribed = newer(record.unsubscribed, Part(value=True, order=planned))
        case DriftKind.DELETED if (order := after_all(record, planned)) is not None:
            _let_go(record, order, now)


def _note(record: Record, has: Change, now: float, kit_ids: Mapping[str, int]) -> None:
    record.note(has, now, kit_ids)
    learn(record, has)


def _let_go(record: Record, order: OrderKey, now: float) -> None:
    """Note that Kit has nobody: all that was ever given is off.

    Nobody is created but by an event that is newer, and for what that one asks. What is known of the person's
    subscriptions stays: it is the platform's word.
    """
    off, said = Part(value=True, order=order), record.tags.items()
    tags = {key: Part(replace(tag.part.value, present=False), order) for key, tag in said}
    fields: dict[str, Part[str | None]] = {name: Part(None, order) for name in record.fields}
    _note(record, Change(tags=tags, fields=fields, tags_off=off, fields_off=off), now, {})
    record.kit_id, record.first_name, record.created, record.asked = None, None, False, False
    record.owed, record.held, record.settled, record.ensured = NOTHING, {}, True, order


def _as_of(planned: OrderKey, part: Part[Any]) -> OrderKey:
    return planned.after(part.order) or planned
