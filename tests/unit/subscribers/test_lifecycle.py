"""What subscriptions mean together: those that are open hold their tags; the last to close takes them off."""

from __future__ import annotations

from datetime import timedelta
from functools import reduce
from itertools import permutations

import pytest
from msgspec.structs import replace

from tests.unit.examples import NOON, order
from worker.events.event import OrderKey
from worker.subscribers.change import Change
from worker.subscribers.fact import NO_FACTS, Fact, Facts, learn_facts, merge_facts
from worker.subscribers.in_effect import in_effect
from worker.subscribers.lifecycle import SubscriptionId as Id
from worker.subscribers.lifecycle import closes, derive, still_open
from worker.subscribers.parts import Part, TagWish, group_slot, slot_key, tag_key

SHOWN = {"Plan", "Status", "Ended"}


def tags(*names: str) -> dict[str, TagWish]:
    """Wishes by the names of tags: `-Name` takes it off."""
    wishes = [TagWish(name.removeprefix("-"), present=not name.startswith("-")) for name in names]
    return {tag_key(wish.name): wish for wish in wishes}


def started(number: int, which: str = "", plan: str = "", *, user: str = "", gives: str = "") -> Fact:
    """The opening number so many, which gives the tag of its plan in a group if told."""
    given = {slot_key(group_slot("plan"), gives): TagWish(gives, present=True)} if gives else {}
    shows = {"Status": "active", **({"Plan": plan} if plan else {})}
    asked = tags("Member", "-Cancelled", *([gives] if gives else []))
    return Fact(order(number), True, user, which, asked, gave=given, shows=shows)  # noqa: FBT003  # opens


def canceled(number: int, which: str = "", *, user: str = "", empties: bool = False) -> Fact:
    """The closing number so many, which also gives a tag that no opening takes off."""
    given = {slot_key(group_slot("plan"), ""): TagWish("", present=False)} if empties else {}
    shows = {"Status": "canceled", "Ended": str(number)}
    asked = tags("-Member", "Cancelled", "Churned")
    return Fact(order(number), False, user, which, asked, gave=given, shows=shows)  # noqa: FBT003  # closes


def together(*facts: Fact) -> Facts:
    """The facts as a record keeps them, whatever the order in which they become known."""
    ways = [reduce(learn_facts, ((fact,) for fact in way), NO_FACTS) for way in permutations(facts)]
    assert all(way == ways[0] for way in ways)
    return ways[0]


def on(*facts: Fact) -> set[str]:
    """The tags that are on."""
    wishes = [part.value for part in meant(*facts).replacing().tags.values()]
    return {wish.name for wish in wishes if wish.present}


def shown(*facts: Fact) -> dict[str, str | None]:
    """The fields that show a subscription."""
    return {name: part.value for name, part in meant(*facts).fields.items() if name in SHOWN}


def meant(*facts: Fact) -> Change:
    """What they ask for."""
    return derive(together(*facts)).change


def test_who_has_two_and_cancels_one_is_still_a_member() -> None:
    facts = started(1, "s1", "Club"), started(2, "s2", "Bakery"), canceled(3, "s1")
    assert on(*facts) == {"Member"}
    assert shown(*facts) == {"Plan": "Bakery", "Status": "active"}


def test_when_the_newest_ends_the_one_before_is_shown_again() -> None:
    facts = started(1, "s1", "Club"), started(2, "s2", "Bakery"), canceled(3, "s2")
    assert shown(*facts) == {"Plan": "Club", "Status": "active"}


def test_the_last_one_that_closes_takes_all_off() -> None:
    facts = started(1, "s1", "Club"), started(2, "s2", "Bakery"), canceled(3, "s1"), canceled(4, "s2")
    assert on(*facts) == {"Cancelled", "Churned"}
    assert shown(*facts) == {"Plan": "Bakery", "Status": "canceled", "Ended": "4"}


def test_an_opening_takes_back_what_the_closing_before_it_said() -> None:
    facts = started(1, "s1", "Club"), canceled(2, "s1"), started(3, "s1", "Club")
    assert on(*facts) == {"Member", "Churned"}  # which no opening takes off
    assert shown(*facts) == {"Plan": "Club", "Status": "active"}


def test_of_a_constant_and_what_shows_the_subscription_the_newer_stands() -> None:
    """Given an opening that sets a field, which the closing after it shows something in."""
    start = replace(started(1, "s1"), sets={"Ended": None})
    assert shown(start, canceled(3, "s1"))["Ended"] == "3"
    assert shown(replace(start, order=order(5)), canceled(3, "s1"))["Ended"] is None


def test_an_opening_empties_what_shows_an_end_until_it_ends_itself() -> None:
    start = replace(started(3, "s1"), ended=("Ended",))
    assert derive(together(start)).emptied == {"Ended": order(3)}
    assert derive(together(start, canceled(4, "s1"))).emptied == {}


def test_what_a_closing_gave_is_taken_back_by_an_older_opening_of_another() -> None:
    """Given a closing that seemed to be the last one, an opening that becomes known later holds the tags."""
    facts = canceled(3, "s1"), started(1, "s2", "Bakery")
    assert on(*facts) == {"Member"}


@pytest.mark.parametrize("seconds", [0, 2])
def test_at_one_time_an_opening_wins_over_the_closing_of_another(seconds: int) -> None:
    moment = order(5).time
    annual = started(5, "a", "Annual")
    at = OrderKey("", moment + timedelta(seconds=seconds), 9)
    monthly = started(1, "m", "Monthly")
    end = Fact(at, False, "", "m", tags("-Member", "Cancelled"), shows={"Status": "canceled"})  # noqa: FBT003
    assert on(monthly, annual, end) == {"Member"}
    assert shown(monthly, annual, end) == {"Plan": "Annual", "Status": "active"}


def test_at_one_time_a_closing_wins_over_the_opening_of_the_same() -> None:
    end = canceled(5, "s1")
    same_time = Fact(OrderKey("", end.order.time, 99), True, "", "s1", tags("Member"))  # noqa: FBT003
    assert "Member" not in on(end, same_time)


def test_at_one_time_two_events_of_one_subscription_each_give_their_tags() -> None:
    """Given times of whole seconds, what opens a subscription and what changes it are two events."""
    start = replace(started(5, "s1"), event="started")
    changed = replace(start, tags=tags("Yearly"), order=start.order._replace(arrival=99), event="changed")
    assert on(start, changed) == {"Member", "Yearly"}


def test_of_two_copies_the_first_has_the_place_and_the_later_one_is_what_is_asked_for() -> None:
    start, end = started(5, "s1"), replace(started(5, "s2", "Yearly"), order=order(5)._replace(arrival=7))
    copy = replace(started(5, "s1", "Member"), order=order(5)._replace(arrival=9))
    assert learn_facts(learn_facts((), together(start, end)), (copy,)) == together(
        replace(copy, order=start.order), end
    )


def test_at_one_time_a_closing_empties_what_the_opening_of_the_same_gave() -> None:
    """Given that the opening comes last, its place is before the closing all the same."""
    end = canceled(5, "s1", empties=True)
    start = replace(started(5, "s1", gives="Plan Club"), order=end.order._replace(arrival=99))
    assert "Plan Club" not in on(end, start)


def test_two_people_at_one_address_hold_its_tags_together() -> None:
    facts = started(1, user="a"), started(2, user="b"), canceled(3, user="a")
    assert on(*facts) == {"Member"}


@pytest.mark.parametrize(
    ("closing", "subscription", "closed"),
    [
        (canceled(1, "s1"), Id("", "s1"), True),
        (canceled(1, "s1"), Id("", "s2"), False),
        (canceled(1, "s1"), Id("", ""), True),
        (canceled(1), Id("", "s2"), True),
        (canceled(1), Id("", ""), True),
        (canceled(1, "s1", user="a"), Id("b", "s1"), False),
        (canceled(1, user="a"), Id("b", "s1"), False),
        (canceled(1, user="a"), Id("", "s1"), True),
        (canceled(1, "s1"), Id("b", "s1"), True),
    ],
)
def test_what_a_closing_closes(closing: Fact, subscription: Id, *, closed: bool) -> None:
    assert closes(closing, subscription) is closed


def test_what_is_known_of_one_without_an_id_holds_for_the_one_whose_closing_names_it() -> None:
    facts = started(1, plan="Club"), canceled(2, "s1")
    assert shown(*facts) == {"Plan": "Club", "Status": "canceled", "Ended": "2"}


def test_an_emptied_group_falls_to_the_newest_that_is_open() -> None:
    facts = started(1, "s1", gives="Plan Club"), started(2, "s2", gives="Plan Bakery")
    assert on(*facts) == {"Member", "Plan Bakery"}
    assert on(*facts, canceled(3, "s2", empties=True)) == {"Member", "Plan Club"}
    both = canceled(3, "s2", empties=True), canceled(4, "s1", empties=True)
    assert on(*facts, *both) == {"Cancelled", "Churned"}


# -- what takes effect later ------------------------------------------------------------------------------


def later(fact: Fact, seconds: int, *, passed: bool) -> Fact:
    """The same, to take effect so many seconds after noon."""
    return replace(fact, due=NOON + timedelta(seconds=seconds), phase=int(passed))


def test_until_it_takes_effect_a_closing_does_nothing() -> None:
    assert on(started(1, "s1"), later(canceled(2, "s1"), 50, passed=False)) == {"Member"}
    assert on(started(1, "s1"), later(canceled(2, "s1"), 50, passed=True)) == {"Cancelled", "Churned"}


@pytest.mark.parametrize("newer", [started(3, "s1"), later(canceled(3, "s1"), 99, passed=False)])
def test_anything_newer_of_the_same_subscription_takes_it_back(newer: Fact) -> None:
    assert on(started(1, "s1"), later(canceled(2, "s1"), 50, passed=True), newer) == {"Member"}


def test_it_is_read_at_the_time_at_which_it_takes_effect() -> None:
    """Given another that closed meanwhile, the one that takes effect now is the last."""
    facts = started(1, "s1"), started(2, "s2"), later(canceled(3, "s1"), 50, passed=True), canceled(40, "s2")
    assert on(*facts) == {"Cancelled", "Churned"}
    assert [fact.order.arrival for fact in in_effect(together(*facts))] == [1, 2, 40, 3]


def test_a_later_interpretation_of_an_event_stands() -> None:
    waiting, due = (later(canceled(2, "s1"), 50, passed=passed) for passed in (False, True))
    assert merge_facts((waiting,), (due,)) == merge_facts((due,), (waiting,)) == (due,)
    assert learn_facts((due,), (waiting,)) == (due,)


def test_what_stays_of_old_facts_is_what_is_open_and_what_waits() -> None:
    """Given what an older opening said of the same subscription, the newer one says it, too."""
    waiting = later(canceled(4, "s1"), 50, passed=False)
    facts = started(1, "s1", "Club"), started(2, "s2"), canceled(3, "s2"), waiting, started(5, "s1")
    stay = still_open(together(*facts))
    assert [fact.order.arrival for fact in stay] == [4, 5]
    assert stay[1].shows == {"Status": "active", "Plan": "Club"}


def without_tags(fact: Fact) -> Fact:
    """The same, from a file of which nothing of tags follows."""
    return replace(fact, tags={}, gave={}, fields_only=True)


@pytest.mark.parametrize(
    ("lived", "row"),
    [
        ([started(1, "a"), started(2, "b"), canceled(10, "b")], started(5, "a", "Gold")),
        ([started(1, "a"), canceled(10, "a")], started(5, "b", "Gold")),
        ([started(1, "a"), started(2, "b"), canceled(10, "a")], canceled(5, "b")),
        ([started(9, "a", gives="Gold"), started(8, "b", gives="Silver")], canceled(12, "a", empties=True)),
    ],
    ids=["an opening again", "an opening", "a closing", "a closing in a group"],
)
def test_of_what_only_says_fields_nothing_follows_for_tags(lived: list[Fact], row: Fact) -> None:
    assert on(*lived, without_tags(row)) == on(*lived)
    assert shown(*lived, without_tags(row)) == shown(*lived, row)


def test_the_last_one_of_which_tags_follow_is_the_last_whatever_else_is_open_by_its_fields() -> None:
    """Given a closing that takes all off, and ends the mail, beside an opening that only says fields."""
    last = replace(canceled(10, "a"), tags_off=True, unsubscribe=True)
    for facts in (
        together(started(1, "a"), last),
        together(started(1, "a"), without_tags(started(5, "b")), last),
    ):
        meant = derive(facts).change
        assert (meant.tags_off, meant.unsubscribe) == (Part(value=True, order=order(10)),) * 2


def test_what_stays_of_old_facts_holds_its_tags_also_where_something_newer_only_says_fields() -> None:
    facts = together(started(1, "a"), without_tags(started(5, "a", "Gold")))
    assert on(*still_open(facts), canceled(9, "b")) == {"Member"}
    assert shown(*still_open(facts)) == shown(*facts)
