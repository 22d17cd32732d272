"""Which tags somebody would have if some events had never come."""

from __future__ import annotations

from datetime import datetime

from tests.unit.examples import change, order
from tests.unit.subscribers.test_desired import applied, fact
from worker.events.event import arrival_of
from worker.subscribers.change import Change
from worker.subscribers.fact import Fact
from worker.subscribers.learning import owe
from worker.subscribers.parts import Part, TagWish
from worker.subscribers.without import tags_without

LIVE = arrival_of(int(order(1).time.timestamp() * 1000), 1)
MEMBER = {"member": TagWish("Member", present=True)}


def rows(*numbers: int) -> set[tuple[datetime, int]]:
    return {order(number)[1:] for number in numbers}


def test_what_others_ask_for_is_left() -> None:
    record = applied(change(1, add=("A", "B")), change(2, add=("C",), remove=("B",)), change(3, add=("A",)))
    assert tags_without(record, rows()) == {"a", "c"}
    assert tags_without(record, rows(2)) == {"a"}
    assert tags_without(record, rows(1)) == {"a", "c"}
    assert tags_without(record, rows(1, 2, 3)) == set()


def test_of_a_subscription_it_is_left_what_the_others_say_of_it() -> None:
    """Given two that are open, and one that closes, a tag goes with the last that holds it."""
    first = Change(facts=(Fact(order(1), opens=True, subscription="s1", tags=MEMBER),))
    other = Change(facts=(Fact(order(2), opens=True, subscription="s2", tags=MEMBER),))
    closed = Change(facts=(Fact(order(3), opens=False, subscription="s2", tags={}),))
    record = applied(first, other, closed)
    assert tags_without(record, rows(2)) == {"member"}
    assert tags_without(record, rows(1, 3)) == {"member"}
    assert tags_without(record, rows(1, 2)) == set()


def test_what_the_end_of_one_leaves_of_another_goes_with_that() -> None:
    """Given a closing after which the slot is what an opening gave that was heard of later."""
    gift = {"plan\nbasic": TagWish("Basic", present=True)}
    closing = Fact(order(9), opens=False, subscription="s2", gave={"plan\n": TagWish("", present=False)})
    opening = Fact(
        order(1), opens=True, subscription="s1", tags={"basic": TagWish("Basic", present=True)}, gave=gift
    )
    record = applied(Change(facts=(closing,)), Change(facts=(opening,)))
    assert record.tags["basic"].part.order.time == order(9).time
    assert tags_without(record, rows(1)) == set()
    assert tags_without(record, rows(9)) == {"basic"}


def test_what_closed_for_good_makes_a_closing_the_last_one() -> None:
    """Given a tag of a closing that would not be the last without another one."""
    opening = fact(1, opens=True, add=("Member",))
    gone = Fact(order(5), opens=False, subscription="s2", tags={"gone": TagWish("Gone", present=True)})
    record = applied(opening, Change(facts=(gone,)), fact(3, opens=False, remove=("Member",)))
    assert {key for key, tag in record.tags.items() if tag.part.value.present} == {"gone"}
    assert "gone" not in tags_without(record, rows(3))


def test_what_waits_for_its_person_counts() -> None:
    record = applied(change(1, add=("A",)))
    owe(record, Change(tags={"b": Part(TagWish("B", present=True), order(2))}))
    assert tags_without(record, rows(1)) == {"b"}
    assert tags_without(record, rows(2)) == {"a"}


def test_what_another_event_of_the_same_time_asks_for_is_left() -> None:
    """Given what happens in the second of a row, of which one of them starts a subscription, too."""
    later = order(1)._replace(arrival=LIVE)
    happened = Change(tags={"a": Part(TagWish("A", present=True), later)})
    assert tags_without(applied(change(1, add=("A",)), happened), rows(1)) == {"a"}
    started = Change(facts=(Fact(order(1), opens=True, subscription="s1", tags=MEMBER, event="row"),))
    live = Change(facts=(Fact(later, opens=True, subscription="s1", tags=MEMBER, event="live"),))
    assert tags_without(applied(started, live), rows(1)) == {"member"}
    assert tags_without(applied(live, started), rows(1)) == {"member"}
