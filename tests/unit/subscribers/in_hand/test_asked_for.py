"""What people ask for: that Kit be told all again, or that what it has otherwise be taken over."""

from __future__ import annotations

import pytest
from msgspec import structs

from tests.unit.examples import EMAIL, change, event, order
from tests.unit.subscribers.in_hand.desk import ADA, BOB, NEW, THIRD, Desk, Taken, an_item
from worker.events.delivery import Delivery
from worker.events.event import Origin
from worker.subscribers.change import NOTHING, Change
from worker.subscribers.drifted import DriftKind, DriftRow, Remedy
from worker.subscribers.item import Item, Kind, Outcome
from worker.subscribers.move_guard import FEW
from worker.subscribers.parts import Part

# -- what is asked to be sent again -----------------------------------------------------------------------


def again(number: int, email: str = EMAIL) -> Item:
    """What somebody asks for as event `number`: that Kit be told all again, and has the person if need be."""
    asked = structs.replace(event(number), origin=Origin.AGAIN)
    change = Change(again=1.0, creates=Part("active", order(number)))
    return Item(Delivery(b"", ""), asked, email, change=change)


def test_of_somebody_unknown_nothing_is_sent_again() -> None:
    end = Desk().come(again(1))
    assert isinstance(end, Outcome)
    assert end.kind is Kind.SUPERSEDED


def test_all_is_sent_again_once() -> None:
    desk = Desk()
    desk.apply(2)
    taken, copy = desk.takes(again(3)), desk.takes(again(3))
    assert (taken.change.again, copy.change, copy.doubled) == (1.0, NOTHING, True)
    desk.in_hand.applied(taken)
    for item in (taken, copy):
        desk.in_hand.let_go(item)
    late = desk.come(again(3))
    assert isinstance(late, Outcome)
    assert late.kind is Kind.DUPLICATE


def test_to_send_all_again_follows_whoever_moved_meanwhile() -> None:
    desk = Desk()
    desk.apply(1, user=ADA)
    moved = desk.apply(2, NEW, ADA)
    desk.write()
    assert desk.takes(again(3)).subscriber is moved.subscriber


def test_who_was_to_be_created_by_no_event_is_created_by_nobody_who_asks_again() -> None:
    """Given one who is known by what was to be done if Kit had the person, that stays so."""
    desk = Desk()
    taken = desk.takes(structs.replace(an_item(1), change=change(1, add=("VIP",), ensure=False)))
    desk.in_hand.applied(taken)
    desk.in_hand.let_go(taken)
    assert desk.takes(again(2)).change.creates is None


# -- what somebody has seen in Kit ------------------------------------------------------------------------


def adopting(number: int, email: str = EMAIL, kit: str = NEW) -> Item:
    """What somebody asks for as event `number`: that Kit's address of the person is taken over."""
    asked = structs.replace(event(number), origin=Origin.ADOPT)
    remedy = Remedy(DriftRow(DriftKind.ADDRESS, kit=kit), order(number), adopts=True)
    return Item(Delivery(b"", ""), asked, email, change=Change(remedies=frozenset({remedy})))


def test_an_address_that_kit_has_is_followed_as_if_an_event_had_named_it() -> None:
    """Given one that is taken over, what names the old one is about the person, and newer ones may move."""
    desk = Desk()
    desk.apply(1, user=ADA)
    taken = Taken(desk.takes(adopting(2)))
    assert taken.change.address == Part(NEW, order(2))
    desk.finish(taken)
    desk.write()

    subscriber = taken.subscriber
    assert subscriber.record.email == NEW
    stays = structs.replace(an_item(3, EMAIL, ADA), may_move=False)
    assert desk.takes(stays).subscriber is subscriber
    back = desk.take(4, EMAIL, ADA)
    assert (back.subscriber, back.change.address) == (subscriber, Part(EMAIL, order(4)))


def test_many_addresses_that_people_changed_in_kit_are_no_fault_of_the_platform() -> None:
    desk = Desk()
    for number in range(FEW + 1):
        email = f"ada{number}@example.com"
        desk.apply(1, email)
        desk.finish(Taken(desk.takes(adopting(2, email, f"new{number}@example.com"))))
    desk.apply(1, user=ADA)

    assert desk.take(3, NEW, ADA).change.address == Part(NEW, order(3))


def test_an_address_that_is_anybody_elses_is_not_followed() -> None:
    """Given somebody who is known by it, or the newest word of the person's own address, nobody moves."""
    desk = Desk()
    desk.apply(1, user=ADA)
    desk.apply(1, NEW)
    assert desk.takes(adopting(2)).change.address is None
    assert desk.takes(adopting(2, kit=EMAIL)).change.address is None

    desk.apply(1, "bob@example.com", BOB)
    desk.apply(9, THIRD, BOB)
    assert desk.takes(adopting(3, THIRD, "bob.new@example.com")).change.address is None
    known = structs.replace(adopting(2, THIRD, "other@example.com"), by_address=True)
    assert desk.takes(known).change.address is None


@pytest.mark.parametrize(("number", "creates"), [(2, False), (3, False), (4, True)])
def test_whoever_is_out_for_good_is_created_by_a_newer_event_alone(number: int, *, creates: bool) -> None:
    desk = Desk()
    desk.apply(1)
    record = desk.in_hand.directory.at(EMAIL).record
    record.ensured, record.tags_off, record.kit_id = order(3), Part(value=True, order=order(3)), None

    assert (desk.take(number).change.creates is not None) is creates
    assert desk.takes(again(9)).change.creates is None
