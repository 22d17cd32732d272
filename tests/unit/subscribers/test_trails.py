"""Where addresses lead whose people have left them, until somebody else claims them."""

from __future__ import annotations

import pytest

from tests.unit.examples import EMAIL, order
from worker.events.event import FIRST
from worker.subscribers.directory import Directory
from worker.subscribers.known import Known
from worker.subscribers.record import Record
from worker.subscribers.record_parts import Moved
from worker.subscribers.trails import follow, has_led, is_nobodys, left_to

NEW, THIRD = "ada.new@example.com", "ada.third@example.com"
MOVED_AT = 5


def directory(*records: Record) -> Directory:
    """A directory that has learned of these."""
    made = Directory()
    made.learn((), (), Known({record.email: record for record in records}, {}, {}))
    return made


def moved(email: str, to: str) -> Record:
    """What is left at an address whose person has moved."""
    return Record(email, moved=Moved(to, order(MOVED_AT)))


@pytest.mark.parametrize("number", [MOVED_AT - 1, MOVED_AT + 1])
def test_an_address_that_was_left_leads_to_the_person_older_or_newer(number: int) -> None:
    of = directory(moved(EMAIL, NEW), moved(NEW, THIRD), Record(THIRD))
    trail = follow(of, EMAIL, order(number))
    assert (trail.email, trail.subscriber, trail.order) == (THIRD, of.at(THIRD), order(MOVED_AT))
    assert has_led(of, EMAIL, of.at(THIRD), order(number))


@pytest.mark.parametrize(("number", "found"), [(7, NEW), (8, EMAIL), (9, EMAIL)])
def test_once_it_is_claimed_what_is_older_still_follows(number: int, found: str) -> None:
    """Given Bob's first event at the address, number 8, what is older is that person's who left."""
    of = directory(moved(EMAIL, NEW), Record(NEW))
    of.note_user("u-bob", order(8), of.at(EMAIL), FIRST)
    assert follow(of, EMAIL, order(number)).email == found


def test_an_older_event_of_who_claimed_it_moves_the_claim() -> None:
    of = directory(moved(EMAIL, NEW), Record(NEW))
    for number in (8, 6, 7):
        of.note_user("u-bob", order(number), of.at(EMAIL), FIRST)
    assert [follow(of, EMAIL, order(number)).email for number in (5, 6)] == [NEW, EMAIL]


def test_who_claims_it_remembers_what_the_address_has_brought_before() -> None:
    """Given an event that followed to Ada, a copy of it is known to Bob, who has the address now."""
    of = directory(moved(EMAIL, NEW), Record(NEW, seen={"mark": None}))
    of.note_user("u-bob", order(8), of.at(EMAIL), FIRST)
    assert "mark" in of.at(EMAIL).record.seen


def test_moves_in_a_circle_lead_to_an_end() -> None:
    """Given notes that lead from one address to the other and back, an event finds one of them."""
    assert follow(directory(moved(EMAIL, NEW), moved(NEW, EMAIL)), EMAIL, order(1)).email in {EMAIL, NEW}


def test_whoever_gets_an_address_keeps_the_note_of_another_one_only() -> None:
    of = directory(moved(EMAIL, NEW), Record(NEW), Record(THIRD))
    note = Moved(NEW, order(MOVED_AT))
    assert left_to(of, note, of.at(THIRD)) == note
    assert left_to(of, note, of.at(NEW)) is None
    assert left_to(of, None, of.at(NEW)) is None


def test_an_address_is_nobodys_as_long_as_nothing_is_known_of_it() -> None:
    of = directory(Record(NEW, seen={"mark": None}), moved(THIRD, NEW))
    of.learn({EMAIL}, (), Known({}, {}, {}))
    assert [is_nobodys(of, email) for email in (EMAIL, NEW, THIRD)] == [True, False, False]
    of.hold(of.at(EMAIL))
    assert not is_nobodys(of, EMAIL)


def test_where_a_worker_was_about_to_make_somebody_an_address_is_somebodys() -> None:
    """Given a record of which nothing is known, it was written before Kit was called."""
    assert not is_nobodys(directory(Record(EMAIL)), EMAIL)
