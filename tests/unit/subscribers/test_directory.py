"""Whom an address or a user id leads to, of which the ledger is asked, and how long that is kept."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from tests.unit.examples import EMAIL, event, order
from worker.events.delivery import Delivery
from worker.events.event import FIRST
from worker.subscribers.directory import Directory
from worker.subscribers.item import Item
from worker.subscribers.known import Known, Person
from worker.subscribers.record import Record
from worker.subscribers.record_parts import Moved
from worker.subscribers.subscriber import Subscriber
from worker.subscribers.trails import follow

NEW, THIRD = "ada.new@example.com", "ada.third@example.com"
ADA = "u-ada"
MOVED_AT = 5


def an_item(email: str = EMAIL, user_id: str | None = None) -> Item:
    return Item(Delivery(b"", ""), event(1), email, user_id)


def directory(*records: Record, people: Iterable[Person] = ()) -> Directory:
    """A directory that has learned of these."""
    made = Directory()
    by_id = {person.user_id: person for person in people}
    made.learn((), by_id, Known({record.email: record for record in records}, by_id, {}))
    return made


def moved(email: str, to: str) -> Record:
    """What is left at an address whose person has moved."""
    return Record(email, moved=Moved(to, order(MOVED_AT)))


def joined() -> tuple[Directory, Subscriber, Subscriber]:
    """Ada, who is to get the new address, and whose that is still."""
    of = directory(Record(EMAIL), Record(NEW))
    ada, owner = of.at(EMAIL), of.at(NEW)
    of.hold(ada)
    of.join(ada, NEW)
    return of, ada, owner


# -- what the ledger is asked -------------------------------------------------------------------------------


def test_the_ledger_is_asked_once_whether_it_knows_the_person_or_not() -> None:
    of, item = Directory(), an_item(user_id=ADA)
    assert of.unknown([item]) == ({EMAIL}, {ADA})

    of.learn([EMAIL], [ADA], Known({}, {}, {}))

    assert of.unknown([item]) == (set(), set())
    assert of.person(ADA) is None


def test_an_id_by_which_nobody_is_known_is_asked_for_again() -> None:
    """Given an event that taught nothing about its id, the next one that brings the id has it looked up."""
    of = Directory()
    of.learn([EMAIL], [ADA], Known({}, {}, {}))

    of.ask_again(ADA)

    assert of.unknown([an_item(user_id=ADA)]) == ({EMAIL}, {ADA})


def test_of_whoever_has_moved_to_an_unknown_address_the_ledger_is_asked() -> None:
    """Given a note that leads nowhere yet, it is asked who is there, whom the ledger may not know, either."""
    of = directory(moved(EMAIL, NEW))
    assert of.unknown([an_item()]) == ({NEW}, set())

    of.learn([NEW], [], Known({}, {}, {}))

    assert of.unknown([an_item()]) == (set(), set())
    assert follow(of, EMAIL, order(MOVED_AT)).email == NEW


def test_what_is_in_hand_is_newer_than_what_the_ledger_says() -> None:
    of = directory(Record(EMAIL))
    subscriber = of.at(EMAIL)
    of.note_user(ADA, order(1), subscriber, FIRST)

    of.learn([EMAIL], [ADA], Known({EMAIL: Record(EMAIL, 8)}, {ADA: Person(ADA, NEW)}, {}))

    assert of.leads_to(EMAIL, subscriber)
    assert of.person(ADA) == Person(ADA, EMAIL)


# -- who it is ----------------------------------------------------------------------------------------------


def test_of_an_address_that_an_event_says_was_the_persons_before_the_ledger_is_asked_too() -> None:
    item = replace(an_item(), previous=NEW)
    assert Directory().unknown([item]) == ({EMAIL, NEW}, set())


def test_over_several_notes_it_is_asked_where_they_end() -> None:
    of = directory(moved(EMAIL, NEW), moved(NEW, THIRD))
    assert of.unknown([an_item()]) == ({THIRD}, set())


def test_who_has_an_address_and_who_had_it_are_found() -> None:
    of = directory(moved(EMAIL, NEW), moved(NEW, THIRD), Record(THIRD))
    assert [each.record.email for each in of.all_of(EMAIL)] == [EMAIL, NEW, THIRD]
    assert [each.record.email for each in directory(moved(EMAIL, NEW), moved(NEW, EMAIL)).all_of(EMAIL)] == [
        EMAIL,
        NEW,
    ]


def test_a_move_is_found_by_id_and_leaves_a_note() -> None:
    of = directory(Record(EMAIL))
    ada = of.at(EMAIL)
    of.note_user(ADA, order(1), ada, FIRST)
    of.take_new_people()
    ada.record = Record(NEW, users=ada.record.users)

    note = of.move(ada, EMAIL, order(MOVED_AT), now=9.0)

    assert of.leads_to(NEW, ada)
    assert of.at(EMAIL) is note
    assert note.record.moved == Moved(NEW, order(MOVED_AT))
    assert of.take_new_people() == [Person(ADA, NEW, 9.0)]
    assert not of.has_new_people


def test_whose_addresses_were_joined_are_two_again_once_they_part() -> None:
    of, ada, owner = joined()
    assert of.leads_to(NEW, ada)

    of.part(ada, NEW)

    assert (of.at(EMAIL), of.at(NEW)) == (ada, owner)
    assert (ada.addresses, owner.addresses) == ({EMAIL}, {NEW})


# -- how long they are kept ---------------------------------------------------------------------------------


def test_whom_no_event_in_hand_is_about_is_dropped_with_all_that_leads_there() -> None:
    of = directory(Record(EMAIL, users={ADA: order(1)}), people=[Person(ADA, EMAIL)])
    ada = of.at(EMAIL)
    of.hold(ada)
    of.drop_idle(keep=())
    assert of.leads_to(EMAIL, ada)

    of.release(ada)
    of.drop_idle(keep={ada})
    assert of.leads_to(EMAIL, ada)
    of.drop_idle(keep=())

    assert of.unknown([an_item(user_id=ADA)]) == ({EMAIL}, {ADA})


def test_an_address_that_was_joined_leads_back_to_its_owner_though_nobody_was_kept_meanwhile() -> None:
    """Given an owner with nothing in hand, who is not found while the two are joined, parting finds it."""
    of, ada, owner = joined()
    of.drop_idle(keep=())

    of.part(ada, NEW)

    assert of.leads_to(NEW, owner)
    of.drop_idle(keep=())
    assert of.unknown([an_item(NEW)]) == ({NEW}, set())
    assert of.leads_to(EMAIL, ada)
