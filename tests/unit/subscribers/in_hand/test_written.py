"""What of the people in hand is written, when, and what is dropped then."""

from __future__ import annotations

import pytest

from tests.unit.examples import EMAIL, order
from tests.unit.subscribers.in_hand.desk import ADA, NEW, Desk, an_item
from worker.ledger.record_json import dump_record
from worker.subscribers.known import Person
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Call

# -- what is kept in memory -------------------------------------------------------------------------------


def test_what_nobody_needs_any_more_is_dropped_once_it_is_written() -> None:
    desk = Desk()
    desk.apply(1, user=ADA)
    busy = desk.take(2, NEW)
    desk.in_hand.drop_idle()  # Ada's record is not written yet
    assert desk.in_hand.directory.unknown([an_item(1, EMAIL, ADA)]) == (set(), set())
    desk.write()
    desk.in_hand.drop_idle()
    assert desk.in_hand.directory.unknown([an_item(1, EMAIL, ADA)]) == ({EMAIL}, {ADA})
    assert desk.in_hand.directory.unknown([an_item(1, NEW)]) == (set(), set())
    assert busy.subscriber.events == 1


def test_what_was_called_is_told_to_the_event_that_asked_for_it() -> None:
    desk = Desk()
    taken = desk.take(1)
    call = Call("POST /v4/tags/{}/subscribers/{}", "tag 'VIP'", 201, (0,))
    desk.in_hand.called(taken.subscriber, call, order(1))
    assert desk.in_hand.let_go(taken.item) == (call,)


def test_only_what_has_changed_is_written() -> None:
    desk = Desk()
    desk.apply(1)
    assert desk.in_hand.unsaved
    assert [record.email for record in desk.in_hand.unsaved.take().records] == [EMAIL]
    assert not desk.in_hand.unsaved
    assert not desk.in_hand.unsaved.take()


# -- who is known to the ledger before anything is done in Kit --------------------------------------------


@pytest.mark.parametrize("user", [ADA, None])
def test_a_newcomer_is_written_as_the_first_event_is_taken_in(user: str | None) -> None:
    """Given an id, the person is, else the address."""
    desk = Desk()
    subscriber = desk.take(1, user=user).subscriber
    assert not subscriber.is_written

    batch = desk.in_hand.unsaved.take()
    assert [(person.user_id, person.email) for person in batch.people] == ([(ADA, EMAIL)] if user else [])
    assert [record.email for record in batch.records] == ([] if user else [EMAIL])

    assert not subscriber.is_written
    desk.in_hand.unsaved.saved()
    assert subscriber.is_written


def test_of_whose_id_the_ledger_knows_it_knows_after_a_restart() -> None:
    desk = Desk(people={ADA: Person(ADA, EMAIL)})
    assert desk.take(1, user=ADA).subscriber.is_written


def test_who_is_known_by_a_new_id_is_not_written_before_that_is() -> None:
    """Given somebody known by address, whom an event during a write names by an id, another write follows."""
    desk = Desk()
    subscriber = desk.take(1).subscriber
    desk.in_hand.unsaved.take()
    desk.take(2, user=ADA)
    desk.in_hand.unsaved.saved()
    assert not subscriber.is_written

    desk.in_hand.unsaved.take()
    desk.in_hand.unsaved.saved()
    assert subscriber.is_written


def test_a_new_id_of_somebody_who_is_written_is_to_be_written_too() -> None:
    desk = Desk(records={EMAIL: Record(EMAIL, 7)})
    subscriber = desk.take(1).subscriber
    assert subscriber.is_written
    desk.take(2, user=ADA)
    assert not subscriber.is_written
    assert desk.in_hand.unsaved.take().people


def test_what_is_written_is_as_it_was_taken() -> None:
    """Given a write that takes a while, nothing of what happens meanwhile is in it."""
    desk = Desk()
    taken = desk.take(1, user=ADA)
    desk.in_hand.touch(taken.subscriber)
    (written,) = desk.in_hand.unsaved.take().records
    before = dump_record(written)
    desk.finish(taken)
    desk.take(2, user="u-2")
    assert dump_record(written) == before


def test_somebody_is_busy_until_all_that_was_taken_in_is_written() -> None:
    desk = Desk()
    taken = desk.take(1)
    assert desk.in_hand.is_busy_with(EMAIL)
    desk.finish(taken)
    assert desk.in_hand.is_busy_with(EMAIL)
    desk.write()
    assert desk.in_hand.is_busy_with(EMAIL), "it is being written"
    desk.in_hand.unsaved.saved()
    assert not desk.in_hand.is_busy_with(EMAIL)
