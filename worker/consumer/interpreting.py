"""What an event on its way asks for under its account's mapping: now, and later. Pure."""

from __future__ import annotations

import msgspec
from msgspec import structs

from worker.accounts.account import Account
from worker.accounts.as_fact import as_fact
from worker.accounts.imported import as_imported, without_tags
from worker.accounts.interpret import interpret
from worker.accounts.later import later_of
from worker.errors import InvalidEvent
from worker.events.decode import with_data
from worker.events.event import Event, Origin
from worker.handlers.base import check_person
from worker.subscribers.change import NOTHING, Change
from worker.subscribers.drifted import DriftKind, DriftRow, Remedy
from worker.subscribers.identity import address_in
from worker.subscribers.item import Item, Kind, Outcome
from worker.subscribers.parts import Part, TagWish, tag_key


def interpreted(item: Item, account: Account) -> Item | Outcome:
    """Return an event with what it asks for, and what of that is owed; or its end where it is ignored.

    Raises:
        EventError: Nothing of it can ever be applied.
    """
    if item.event is None:
        raise AssertionError("a message that could not be read asks for nothing")
    event = with_data(item.event, item.delivery)
    match event.origin:
        case Origin.AGAIN:
            return structs.replace(item, change=_all_again(event, item, account))
        case Origin.ANEW:
            return _heard_anew(event, item, account)
        case Origin.ALLOW:
            return structs.replace(item, change=_allowed(event, account))
        case Origin.UNDO:
            return structs.replace(item, change=_taken_back(event))
        case Origin.REPAIR | Origin.ADOPT:
            return structs.replace(item, change=_put_right(event))
        case _:
            return _mapped(event, item, account)


def _mapped(event: Event, item: Item, account: Account) -> Item | Outcome:
    """Return what an event asks for that happened, now or before."""
    if event.imported is not None and event.imported.fields_only:
        account = without_tags(account, event.type)
    asked = interpret(event, account, event.moment(item.delivery.received_at))
    later = None if asked is None else later_of(event, account, asked)
    if asked is not None:
        asked = as_fact(event, account, asked, item.user_id or "", again=item.delivery.redelivered)
        asked = as_imported(asked, event, account)
    if asked is None or (asked.skipped and not asked.change):
        note = f"skipped: {asked.skipped} of {event.type} says so" if asked else ""
        return Outcome(structs.replace(item, later=None), Kind.IGNORED, note=note)
    return structs.replace(item, change=asked.change, refusal=asked.refusal, later=later)


def _heard_anew(event: Event, item: Item, account: Account) -> Item | Outcome:
    """Return that a person's events are to be heard anew: what they ask for depends on which are kept."""
    check_person(event)
    if (planned := event.data.get("version")) != account.version:
        note = f"it was planned for the version {planned} of the account's file, which is another one now"
        return Outcome(structs.replace(item, later=None), Kind.IGNORED, note=note)
    return structs.replace(item, change=NOTHING)


def _all_again(event: Event, item: Item, account: Account) -> Change:
    """Return that Kit is told once more what should be so of a person, whatever the mapping says by now."""
    check_person(event)
    return Change(
        creates=Part(account.options.subscriber_state, event.order),
        again=item.delivery.received_at.timestamp(),
    )


def _taken_back(event: Event) -> Change:
    """Return that tags of a person go off again which a run put on; what asks for them since stands."""
    check_person(event)
    off = {tag_key(name): TagWish(name, present=False) for name in _tags_in(event)}
    return Change(tags={key: Part(wish, event.order) for key, wish in off.items()})


def _tags_in(event: Event) -> list[str]:
    tags = event.data.get("tags")
    return [each for each in tags if isinstance(each, str)] if isinstance(tags, list) else []


def _allowed(event: Event, account: Account) -> Change:
    """Return that tags of a person are let through which were held; that they should be there is owed."""
    check_person(event)
    names = frozenset(map(tag_key, _tags_in(event)))
    return Change(creates=Part(account.options.subscriber_state, event.order), allows=names)


def _put_right(event: Event) -> Change:
    """Return that what is otherwise in Kit is put right there, or taken over from there."""
    check_person(event)
    try:
        rows = msgspec.convert(event.data.get("differences"), list[DriftRow])
    except msgspec.ValidationError as error:
        raise InvalidEvent(f"data.differences: {error}") from error
    adopts = event.origin is Origin.ADOPT
    return Change(remedies=frozenset(Remedy(_as_known(row), event.order, adopts) for row in rows))


def _as_known(row: DriftRow) -> DriftRow:
    """Return a difference with an address as events name it; with none where no event could."""
    if row.kind is not DriftKind.ADDRESS:
        return row
    return structs.replace(row, kit=address_in({"email": row.kit}, "email"))
