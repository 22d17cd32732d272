"""What somebody should have, where other events speak of what facts speak of, and where all is to be off."""

from __future__ import annotations

from itertools import permutations

from msgspec.structs import replace

from tests.unit.examples import EMAIL, change, order
from worker.subscribers.change import NOTHING, Change
from worker.subscribers.desired import desired, is_news, left
from worker.subscribers.fact import Fact
from worker.subscribers.learning import begin, finish
from worker.subscribers.parts import Part, TagWish, group_slot, slot_key, tag_key
from worker.subscribers.record import Record

NOW = 1_000.0
BETA = {"beta": TagWish("Beta", present=True)}


def applied(*changes: Change) -> Record:
    """The record of somebody for whom these were applied one after the other."""
    record = Record(EMAIL, 7)
    for each in changes:
        begin(record, each)
        todo = left(record, each)
        record.note(todo, NOW, {})
        finish(record, each)
    return record


def fact(number: int, *, opens: bool, add: tuple[str, ...] = (), remove: tuple[str, ...] = ()) -> Change:
    """What event number so many asks for, which opens or closes a subscription."""
    wishes = [TagWish(name, present=True) for name in add] + [TagWish(name, present=False) for name in remove]
    tags = {tag_key(wish.name): wish for wish in wishes}
    return Change(facts=(Fact(order(number), opens, "", "s1", tags),))


def on(record: Record, asked: Change = NOTHING) -> set[str]:
    """The tags that somebody should have."""
    return {key for key, part in desired(record, asked).tags.items() if part.value.present}


def test_of_one_tag_the_newer_of_a_fact_and_another_event_stands() -> None:
    start = fact(5, opens=True, add=("Member",))
    for at, stands in ((4, True), (6, False)):
        ban = change(at, remove=("Member",))
        for one, other in ((start, ban), (ban, start)):
            record = applied(one, other)
            assert record.tags["member"].part.value.present is stands
            assert not left(record, NOTHING).tags


def test_what_another_event_says_stands_again_when_the_fact_asks_no_more() -> None:
    """Given a closing that took off what somebody gave, an older opening of another takes that back."""
    record = applied(change(1, add=("Beta",)), fact(5, opens=False, remove=("Beta",), add=("Gone",)))
    older = Change(facts=(Fact(order(3), opens=True, subscription="s2", tags=BETA),))
    assert on(record, older) == {"beta"}
    assert {key: part.value.present for key, part in left(record, older).tags.items()} == {
        "beta": True,
        "gone": False,
    }


def test_a_tag_that_only_a_fact_gave_ends_with_it() -> None:
    record = applied(fact(5, opens=False, add=("Churned",)))
    older = Change(facts=(Fact(order(3), opens=True, subscription="s2", tags={}),))
    (part,) = left(record, older).tags.values()
    assert (part.value.name, part.value.present) == ("Churned", False)


def test_an_end_that_was_shown_before_there_were_facts_is_cleared_by_an_opening() -> None:
    """Given a record of a version that knew no facts, what it has of an end goes with the next opening."""
    record = applied(change(1, fields={"Ended": "June"}))
    start = Change(facts=(Fact(order(5), opens=True, ended=("Ended",)),))
    assert left(record, start).fields["Ended"].value is None
    assert not left(applied(change(9, fields={"Ended": "June"})), start).fields


def test_an_outdated_record_is_made_sure_of_with_the_next_opening_or_closing() -> None:
    """Given a ledger that does not know of a closing, the next opening clears the end that may be shown."""
    opening = Fact(order(1), True, "", "s1", BETA, ended=("Ended",))  # noqa: FBT003  # opens
    record = applied(Change(facts=(opening,)))
    record.outdate()
    assert not left(record, change(2, add=("VIP",))).tags.keys() - {"vip"}
    todo = left(record, Change(facts=(replace(opening, order=order(3)),)))
    assert todo.tags.keys() == {"beta"}
    assert {name: part.value for name, part in todo.fields.items()} == {"Ended": None}


def test_all_that_was_given_before_goes_off_and_nothing_older_comes_back() -> None:
    now = Part(value=True, order=order(5))
    gone = Change(tags_off=now, fields_off=now)
    record = applied(change(1, add=("VIP",), fields={"Plan": "Gold"}))
    todo = left(record, gone)
    assert {key: part.value.present for key, part in todo.tags.items()} == {"vip": False}
    assert {name: part.value for name, part in todo.fields.items()} == {"Plan": None}
    record = applied(change(1, add=("VIP",), fields={"Plan": "Gold"}), gone)
    late = change(3, add=("Late",), fields={"Plan": "Late"}, ensure=False)
    assert {key: part.value.present for key, part in left(record, late).tags.items()} == {"late": False}
    assert not left(record, late).fields
    begin(record, late)
    record.note(left(record, late), NOW, {})
    assert not is_news(record, late)
    assert on(record, change(7, add=("New",))) == {"new"}


def test_what_is_left_of_a_subscription_goes_with_all_that_was_there_before_also_if_it_is_heard_of_late() -> (
    None
):
    """Given two that showed the same, of which the newer one ended, then that all before it was to be off."""
    said = (
        Change(facts=(Fact(order(3), opens=True, subscription="s1", shows={"Plan": "Gold"}),)),
        Change(facts=(Fact(order(5), opens=True, subscription="s2", shows={"Plan": "Gold"}),)),
        Change(facts=(Fact(order(6), opens=False, subscription="s2"),)),
        Change(fields_off=Part(value=True, order=order(4))),
    )
    ends = [applied(*each).fields["Plan"].part.value for each in permutations(said)]
    assert ends == [None] * len(ends)


def test_any_event_is_news_while_nobody_knows_which_address_kit_has() -> None:
    record = applied(change(5, add=("VIP",)))
    assert not is_news(record, change(1, add=("VIP",)))
    record.moving = True
    assert is_news(record, change(1, add=("VIP",)))


def test_who_has_nothing_needs_no_call_to_have_all_off() -> None:
    gone = Change(tags_off=Part(value=True, order=order(5)))
    assert not left(Record(EMAIL, 7), gone).tags


def test_no_group_falls_to_a_subscription_of_before_all_was_off() -> None:
    """Given somebody who was deleted, and whose two subscriptions end after that: nothing is back."""
    key = {name: slot_key(group_slot("plan"), name) for name in ("Club", "Bakery", "")}

    def plan(number: int, name: str) -> Change:
        wish = {name.lower(): TagWish(name, present=True)}
        fact = Fact(
            order(number), opens=True, subscription=name, tags=wish, gave={key[name]: wish[name.lower()]}
        )
        return Change(facts=(fact,))

    def ended(number: int, name: str) -> Change:
        emptied = {key[""]: TagWish("", present=False)}
        return Change(facts=(Fact(order(number), opens=False, subscription=name, gave=emptied),))

    gone = Change(tags_off=Part(value=True, order=order(3)))
    for deleted in (gone, NOTHING):
        record = applied(plan(1, "Club"), plan(2, "Bakery"), deleted, ended(4, "Bakery"))
        there = {key for key, tag in record.tags.items() if tag.part.value.present}
        assert there == (set() if deleted else {"club"})
    later = applied(plan(1, "Club"), gone, plan(4, "Bakery"), plan(5, "Club"), ended(6, "Club"))
    assert {key for key, tag in later.tags.items() if tag.part.value.present} == {"bakery"}
