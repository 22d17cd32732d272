"""What the rules that match ask of tags and groups, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.examples import NOON, order
from worker.events.values import MISSING, Found
from worker.mapping.owed import Owed
from worker.mapping.rule import Rule
from worker.mapping.template import Template
from worker.mapping.wishes import Wishes
from worker.subscribers.change import Change
from worker.subscribers.parts import group_slot, slot_key

PASSED, AHEAD = NOON - timedelta(seconds=1), NOON + timedelta(days=1)
VALUES: Mapping[str, Found] = {
    "plan": "Gold",
    "products": ("Tea", "Cake"),
    "passed": PASSED.isoformat(),
    "ahead": AHEAD.isoformat(),
    "now": NOON.isoformat(),
    "soon": "soon",
    "null": None,
}


def wished(*rules: Rule, now: datetime = NOON) -> Wishes:
    wishes = Wishes(lambda name: VALUES.get(name, MISSING), order(1), now, UTC, Owed())
    for number, rule in enumerate(rules):
        wishes.carry_out(number, rule, "order.paid")
    return wishes


def on_and_off(wishes: Wishes) -> dict[str, bool]:
    """What becomes of each tag, what its group or entry takes off included."""
    change = Change(tags=wishes.tags, gave=wishes.gave).replacing()
    return {part.value.name: part.value.present for part in change.tags.values()}


def adds(*tags: str, replaces: bool | str = False, until: str = "") -> Rule:
    return Rule(tuple(Template(tag, replaces, until) for tag in tags))


PLAN = group_slot("plan")


def test_a_list_is_one_tag_each_added_or_removed() -> None:
    assert on_and_off(wished(adds("Bought {products}"))) == {"Bought Tea": True, "Bought Cake": True}
    assert on_and_off(wished(Rule(remove_tags=(Template("Wants {products}"),)))) == {
        "Wants Tea": False,
        "Wants Cake": False,
    }


def test_a_group_holds_one_tag_and_the_later_rule_has_its_way() -> None:
    wishes = wished(adds("Plan {plan}", replaces="plan"), adds("Plan VIP", replaces="plan"))

    assert wishes.gave.keys() == {slot_key(PLAN, "Plan VIP")}
    assert on_and_off(wishes) == {"Plan VIP": True}


def test_a_group_that_is_emptied_holds_nothing() -> None:
    """Given an event that gives a tag of a group, a later rule that empties the group has its way."""
    empties = Rule(remove_groups=("plan",))

    emptied = wished(adds("Plan {plan}", replaces="plan"), empties)
    filled = wished(empties, adds("Plan {plan}", replaces="plan"))

    assert (set(emptied.gave), on_and_off(emptied)) == ({slot_key(PLAN, "")}, {})
    assert (set(filled.gave), on_and_off(filled)) == ({slot_key(PLAN, "Plan Gold")}, {"Plan Gold": True})


def test_a_tag_that_another_entry_wishes_for_as_well_stays_though_its_group_moves_on() -> None:
    wishes = wished(adds("Plan A", replaces="plan"), adds("Plan A"), adds("Plan B", replaces="plan"))

    assert on_and_off(wishes) == {"Plan A": True, "Plan B": True}


def test_all_tags_go_off_that_were_given_before_and_those_of_later_rules_stay() -> None:
    wishes = wished(adds("A", "B"), Rule(tags_off=True), adds("B", "C"))

    assert wishes.off
    assert on_and_off(wishes) == {"B": True, "C": True}


@pytest.mark.parametrize(
    ("until", "present", "ends", "ended"),
    [
        ("ahead", True, [AHEAD], 0),
        ("passed", False, [], 1),
        ("now", False, [], 1),
        ("null", True, [], 0),
        ("nothing", True, [], 0),
    ],
)
def test_a_tag_lasts_until_its_end(until: str, *, present: bool, ends: list[datetime], ended: int) -> None:
    """Given an end that has passed, the tag is off; without an end it stays."""
    wishes = wished(adds("Gold", until=until))

    assert on_and_off(wishes) == {"Gold": present}
    assert (wishes.ends, wishes.ended) == (ends, ended)


def test_what_took_the_place_of_others_still_does_once_its_time_is_over() -> None:
    wishes = wished(adds("Plan Gold", replaces="plan", until="passed"))

    (part,) = wishes.gave.values()
    assert (part.value.name, part.value.present) == ("Plan Gold", False)


def test_a_tag_whose_end_is_no_time_is_owed_and_not_given() -> None:
    owed = Owed()
    wishes = Wishes(lambda name: VALUES.get(name, MISSING), order(1), NOON, UTC, owed)
    wishes.carry_out(0, Rule((Template("Gold", until="soon"), Template("Member"))), "order.paid")

    assert on_and_off(wishes) == {"Member": True}
    assert owed == ["soon: is not a time such as 2027-07-01T10:00:00Z or 2027-07-01"]


tags = st.lists(st.sampled_from(["A", "b", "C"]), max_size=2)
slots = st.sampled_from([False, "plan"])
some_rules = st.builds(
    lambda add, remove, replaces, empties, off: Rule(
        tuple(Template(tag, replaces) for tag in add),
        tuple(map(Template, remove)),
        remove_groups=("plan",) if empties else (),
        tags_off=off,
    ),
    tags,
    tags,
    slots,
    st.booleans(),
    st.booleans(),
)


@given(st.lists(some_rules, max_size=5))
def test_of_a_group_one_tag_stands_at_most_that_no_other_entry_gives(rules: list[Rule]) -> None:
    """Whatever the rules, the group holds the last tag that was put there, or nothing."""
    held = ""
    plain: set[str] = set()
    for rule in rules:
        held = "" if rule.tags_off or rule.remove_groups else held
        for template in rule.add_tags:
            held = template.text.lower() if template.replaces else held
            plain |= set() if template.replaces else {template.text.lower()}

    wishes = wished(*rules)

    assert {key.partition("\n")[2] for key in wishes.gave} - {""} == ({held} if held else set())
    on = {name.lower() for name, present in on_and_off(wishes).items() if present}
    assert on <= plain | {held}
