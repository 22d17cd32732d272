"""A new mapping reaches what waits at once, and what is taken when it comes back."""

from __future__ import annotations

import json

from msgspec import structs

from tests.unit.consumer.backlog.people import People, maps
from tests.unit.examples import change, event, order
from worker.accounts.account import Account
from worker.consumer.backlog import interpret_again
from worker.errors import InvalidEvent, PartlyApplied
from worker.events.delivery import Delivery
from worker.mapping import EventMapping, Rule, Template
from worker.subscribers.item import Item
from worker.subscribers.parts import Part


def test_a_new_mapping_reaches_what_waits_at_once_and_what_is_taken_when_it_comes_back() -> None:
    """Given Ada is taken and Bob waits, when the mapping changes, then Bob changes now and Ada on return."""
    people = People()
    people.add("ada", 1, change(1, add=("Old",)))
    people.add("bob", 2, change(2, add=("Old",)))
    ada = people.take()

    people.refold(maps("user.signed_up"))

    assert ada.change.tags.keys() == {"old"}
    assert people.take().change.tags.keys() == {"new"}
    people.backlog.put_back(ada)
    assert people.take().change.tags.keys() == {"new"}


def test_a_new_mapping_keeps_the_address_that_was_found_out_for_an_event() -> None:
    people = People()
    address = Part("ada.new@example.com", order(1))
    people.add("ada", 1, structs.replace(change(1), address=address))
    people.refold(maps("user.signed_up"))
    assert people.take().change.address == address


def test_a_new_mapping_says_anew_what_is_owed() -> None:
    """Given an event of which a tag was owed, a mapping with another tag owes that one, or nothing."""
    people = People()
    people.add("ada", 1, refusal=PartlyApplied("data.user.plan: has no value"))
    for tag, owed in (("{data.user.level}", "data.user.level: has no value"), ("New", None)):
        people.refold(maps("user.signed_up", tag=tag, version=tag))
        (item,) = people.backlog.items()
        assert str(item.refusal).startswith(owed) if owed else item.refusal is None


def test_a_new_mapping_does_not_change_why_an_address_stays() -> None:
    people = People()
    people.add("ada", 1, refusal=InvalidEvent("data.user.email: the address stays"))
    people.refold(maps("user.signed_up"))
    (item,) = people.backlog.items()
    assert str(item.refusal) == "data.user.email: the address stays"


def test_events_that_the_new_mapping_does_not_name_end() -> None:
    people = People()
    for number, name, kind in ((1, "ada", "off"), (2, "bob", "off"), (3, "bob", "on"), (4, "cyd", "on")):
        people.add(name, number, kind=kind)
    ada = people.take()

    people.refold(maps("on"))
    assert people.ends.numbers == [2]
    people.backlog.put_back(ada)

    assert people.ends.numbers == [2, 1]
    assert people.waiting == [3, 4]
    assert people.backlog.taken == 0


def test_an_event_ends_once_though_its_change_is_put_back_again_and_again() -> None:
    people = People()
    people.add("ada", 1, kind="off")
    people.add("ada", 2, kind="on")
    ada = people.take()
    people.refold(maps("on"))
    people.add("ada", 3, kind="on")
    people.backlog.put_back(ada)
    people.backlog.put_back(people.take())

    assert people.ends.numbers == [1]
    assert people.waiting == [2, 3]


def test_a_new_mapping_reads_the_data_of_what_waits_from_its_message() -> None:
    """Given an event whose data was let go, when the file changes, then the new mapping sees its values."""
    by_locale = Rule((Template("Speaks {data.user.locale}"),))
    account = Account("main", events={"user.signed_up": EventMapping(by_locale)}, version="2")
    body = json.dumps({"data": {"user": {"email": "ada@example.com", "locale": "de"}}}).encode()
    item = Item(Delivery(body, "user.signed_up"), event(1).without_data(), "ada@example.com", version="1")

    again = interpret_again(item, account)

    assert isinstance(again, Item)
    assert list(again.change.tags) == ["speaks de"]
    assert again.event is not None
    assert again.event.data == {}
