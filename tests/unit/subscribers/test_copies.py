"""Which place copies of an event have, and whether they are news."""

from __future__ import annotations

from msgspec import structs

from tests.unit.examples import EMAIL, change, event, order
from worker.events.delivery import Delivery
from worker.events.event import OrderKey
from worker.subscribers.change import Change
from worker.subscribers.copies import in_doubt, in_its_place, known_place, place_earlier, shows_earlier
from worker.subscribers.fact import Fact
from worker.subscribers.item import Item
from worker.subscribers.learning import begin, finish
from worker.subscribers.mark import fact_mark
from worker.subscribers.place import Placing
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Subscriber

AT_ONCE = order(1)._replace(arrival=9)


def opening(at: OrderKey, *others: Fact) -> Item:
    """An opening in a place of its second, which says something of the person beside."""
    fact = Fact(order(1), opens=True, subscription="s-1", event="mark")
    asked = structs.replace(change(1, fields={"Last name": "L"}, first_name="Ada"), facts=(fact, *others))
    placed = structs.replace(event(1), order=at)
    return Item(Delivery(b"", ""), placed, EMAIL, change=Placing(order(1), at).change(asked))


def knowing(item: Item) -> Subscriber:
    """Somebody to whom an event was done."""
    record = Record(EMAIL, 7)
    begin(record, item.change)
    record.note(item.change, 1.0, {})
    finish(record, item.change)
    return Subscriber(record)


def test_a_copy_has_the_place_of_the_first_in_all_that_it_asks_for() -> None:
    first, copy = opening(order(1)), opening(AT_ONCE)
    assert copy.event is not None
    placed = in_its_place(copy, copy.event, knowing(first).record)
    assert (placed.event, placed.change) == (first.event, first.change)


def test_a_copy_of_what_an_older_version_has_known_has_its_place_too() -> None:
    """Given a ledger whose facts do not say of which event they are: the first that it may be is it."""
    first, copy = opening(order(1)), opening(AT_ONCE)
    record = knowing(first).record
    record.facts = tuple(structs.replace(fact, event="") for fact in record.facts)
    assert copy.event is not None
    placed = in_its_place(copy, copy.event, record)
    assert (placed.event, placed.change) == (first.event, first.change)
    begin(record, placed.change)
    assert record.facts == first.change.facts
    another = Fact(AT_ONCE, opens=True, subscription="s-1", event="another")
    begin(record, Change(facts=(another,)))
    assert record.facts == (*first.change.facts, another)


def test_an_event_that_is_kept_has_the_place_of_its_fact() -> None:
    """Given also what an older version has known, whose facts do not say of which event they are."""
    came = structs.replace(event(1), order=AT_ONCE)
    for mark in (fact_mark(came), ""):
        known = Fact(order(1), opens=True, event=mark)
        assert known_place(came, (known, Fact(order(0), opens=True, event=mark))) == order(1)
        own = Fact(AT_ONCE, opens=True, event=mark)
        assert known_place(came, (Fact(order(1), opens=True), own)) == AT_ONCE
    assert known_place(came, (Fact(order(1), opens=True, event="another"),)) == AT_ONCE


def test_what_comes_first_stays_where_it_is() -> None:
    first, copy = opening(order(1)), opening(AT_ONCE)
    assert first.event is not None
    for known in (Record(EMAIL), knowing(first).record, knowing(copy).record):
        assert in_its_place(first, first.event, known) is first


def test_of_events_that_are_heard_anew_none_gives_its_place_to_whoever_asks_for_that() -> None:
    """Given the facts of others beside its own, in the change of the message that asks for it."""
    older = Fact(order(0), opens=True, subscription="s-0", event="older")
    asking = opening(AT_ONCE, older)
    assert asking.event is not None
    assert in_its_place(asking, asking.event, Record(EMAIL, facts=(older,))) is asking


def test_what_is_known_goes_to_where_a_copy_came_first() -> None:
    first, copy = opening(order(1)), opening(AT_ONCE)
    record = knowing(copy).record
    assert not shows_earlier(record, copy.change)
    assert shows_earlier(record, first.change)
    place_earlier(record, first.change)
    assert (record.facts, record.done) == (first.change.facts, knowing(first).record.done)
    assert not shows_earlier(record, copy.change)
    assert not shows_earlier(record, first.change)


def test_a_copy_of_what_was_applied_is_news_only_while_something_is_owed_and_nobody_is_at_it() -> None:
    ada, copy = knowing(opening(order(1))), opening(AT_ONCE)
    assert not in_doubt(ada, copy.change)

    ada.record.owed = change(1, add=("VIP",))

    assert in_doubt(ada, copy.change)
    assert not in_doubt(ada, Change())
    ada.events = 1
    assert not in_doubt(ada, copy.change)
