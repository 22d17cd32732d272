"""An event that comes in again at its time is the event that it was, in its place among the others."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from tests.unit.consumer.due_message.messages import ARRIVAL, AT, MESSAGES, PLAIN, again, kept, read
from tests.unit.dead_letters.letter.on_the_wire import delivered
from tests.unit.examples import EMAIL, NOON
from worker.consumer.due_message import due_again, due_anew, due_effect, due_of_others
from worker.consumer.newest import as_delivered, newest_event
from worker.events.delivery import Delivery
from worker.events.event import Origin
from worker.subscribers.change import NOTHING
from worker.subscribers.due_effect import DueAnew, DueEffect
from worker.subscribers.item import Item, Kind, Later, Outcome
from worker.subscribers.mark import event_mark, event_name
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Subscriber

# --  -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
def test_it_is_the_event_that_it_was(message: Delivery) -> None:
    """Given any event, what comes in at its time is that event, with its own place, and says why it came."""
    before = read(message, ARRIVAL)
    effect = kept(message)

    after = read(again(effect), ARRIVAL + 1000)

    assert after.due is not None
    assert (after.due.id, after.due.at) == (effect.id, AT)
    assert after.origin is Origin.DUE
    assert msgspec.structs.replace(after, origin=None, due=None, dated=before.dated) == before
    assert after.order == before.order


def test_it_waits_in_its_accounts_queue_like_any_event() -> None:
    message = due_again("main", kept(MESSAGES["odd headers"]).message)

    assert (message.exchange, message.routing_key) == ("", "kit.main")
    assert message.properties["delivery_mode"] == 2
    assert not message.properties.keys() & {"priority", "expiration", "message_id"}


def test_the_ledger_is_told_what_people_ask_for() -> None:
    """Given an event whose person has moved, the timer is under the address of now."""
    effect = kept(MESSAGES["plain"])

    shown = replace(effect, id="", message=b"")
    assert shown == DueEffect(
        "", AT.timestamp(), "ada@new.example", "u-1", "order.paid", "e-1",
        NOON - timedelta(minutes=59, seconds=59.5), "tag 'Late'", b"",
    )  # fmt: skip


def test_an_event_without_a_later_leaves_nothing() -> None:
    item = Item(MESSAGES["plain"], read(MESSAGES["plain"]), EMAIL, subscriber=Subscriber(Record(EMAIL)))

    assert due_effect(item) is None
    assert due_effect(Item(MESSAGES["plain"], later=Later(AT, ""))) is None


# -- which timer ------------------------------------------------------------------------------------------


def test_a_copy_of_an_event_has_the_same_timer_and_each_time_its_own() -> None:
    first, copy = kept(MESSAGES["plain"]), kept(msgspec.structs.replace(MESSAGES["plain"], tag=9))
    other_time = kept(MESSAGES["plain"], later=Later(AT + timedelta(seconds=1), ""))
    other_event = kept(delivered(json.dumps({**PLAIN, "id": "e-2"}).encode(), "order.paid.sunny"))

    assert first.id == copy.id
    assert len({first.id, other_time.id, other_event.id}) == 3


def test_its_mark_is_not_the_events_so_that_only_its_own_copies_are_duplicates() -> None:
    message = MESSAGES["plain"]
    effect = kept(message)
    due, copy = read(again(effect)), read(again(effect), 2)

    assert event_mark(due) == event_mark(copy) == effect.id
    assert event_mark(due) != event_mark(read(message))


def test_one_that_has_to_wait_once_more_keeps_what_it_was() -> None:
    """Given a mapping that puts its time off, it comes again as what it was at first, under a new timer."""
    message = MESSAGES["id and type outside"]
    first = kept(message)
    later = AT + timedelta(days=1)

    second = kept(again(first), later=Later(later, ""))

    after = read(again(second))
    assert after.due is not None
    assert (after.due.id, after.due.at) == (second.id, later)
    assert msgspec.structs.replace(after, due=None) == msgspec.structs.replace(read(again(first)), due=None)
    assert first.id != second.id


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
def test_what_is_due_of_an_event_that_is_kept_is_what_it_was_when_it_came(message: Delivery) -> None:
    """Given any event that is heard anew, its timer is the one that was set, or would have been."""
    came = Item(
        message, read(message, ARRIVAL), EMAIL, "u-1", later=Later(AT, "tag 'Late'"),
        subscriber=Subscriber(Record(EMAIL)),
    )  # fmt: skip
    newest = newest_event(Outcome(came, Kind.SCHEDULED))
    if newest is None or not newest.message:
        return  # it is too large to be kept
    heard = as_delivered("main", newest.message, AT - timedelta(days=1))
    item = msgspec.structs.replace(came, delivery=heard, event=read(heard))

    anew = due_anew([item, None], Subscriber(Record("ada@new.example")))

    (effect,), before = anew.effects, due_effect(came)
    assert before is not None
    assert replace(effect, email=EMAIL, message=b"") == replace(before, message=b"")
    assert read(again(effect), 99) == read(again(before), 99)
    assert anew.events == {event_name(came.event)} if came.event else None


def test_what_was_due_of_an_event_that_is_due_no_more_is_named_as_well() -> None:
    item = Item(MESSAGES["plain"], read(MESSAGES["plain"]), EMAIL, change=NOTHING)
    assert due_anew([item], Subscriber(Record(EMAIL))) == DueAnew(
        frozenset({event_name(read(MESSAGES["plain"]))}), ()
    )


@pytest.mark.parametrize("kind", Kind)
def test_timers_are_set_anew_only_where_the_events_were_heard(kind: Kind) -> None:
    """Given a message that was refused, or for another file, all stays as it was until it is replayed."""
    anew = DueAnew(frozenset(), ())
    item = Item(MESSAGES["plain"], anew=anew, subscriber=Subscriber(Record(EMAIL)))
    heard = kind in {Kind.APPLIED, Kind.SUPERSEDED}
    assert due_of_others(Outcome(item, kind)) == ((EMAIL, anew) if heard else None)
