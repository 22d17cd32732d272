"""Each rule is shown with what it was held against, whether it matches or not, and what it says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.examples import event
from worker.accounts.account import Account
from worker.accounts.explain import ConditionView, RuleView, explain_rules, told
from worker.events.values import Json
from worker.mapping import Condition, EventMapping, Operator, Rule, Template


def when(name: str, *values: str, operator: str = "is") -> Rule:
    return Rule(add_tags=(Template("Tag"),), when=(Condition(name, values, Operator(operator)),))


def explained(*rules: Rule, **data: Json) -> tuple[RuleView, ...]:
    """The rules, held against an event with this data; the event's own lists come first."""
    account = Account("sunny", events={"order.paid": EventMapping(rules=rules)})
    return explain_rules(event(1, "order.paid", data), account)


def test_rules_that_match_and_rules_that_do_not_are_both_shown_with_their_reason() -> None:
    always, first, second = explained(when("data.total", "5"), when("data.total", "6", "7"), total=5)

    assert (always.matches, first.matches, second.matches) == (True, True, False)
    assert (second.conditions[0].found, second.conditions[0].wanted) == ("5", ("6", "7"))


@pytest.mark.parametrize(
    ("found", "hinted"), [("gold", True), ("GoLd ", True), ("silver", False), (None, False)]
)
def test_a_near_miss_is_pointed_out(found: str | None, *, hinted: bool) -> None:
    _, rule = explained(when("mk_access_level", "Gold"), access={"level": found})

    assert not rule.matches
    assert bool(rule.conditions[0].hint) is hinted


@pytest.mark.parametrize(
    ("operator", "wanted", "found", "hint"),
    [
        ("like", "VIP*", "vip lounge", "it is vip lounge, which differs in case or blanks"),
        ("like", "VIP*", "guest", ""),
        ("above", "40", "forty", "it is forty, which is no number such as 49.5"),
        ("above", "40", "12", ""),
        ("at_most", "40", ["a", "b"], "it is a, b, which is no number"),
        ("at_least", "40", ["a", 12], ""),
        ("not", "de", "de", ""),
        ("above", "40", {"cents": 5}, "data.x: an object cannot become"),
    ],
)
def test_what_stands_in_the_way_of_a_comparison_is_said(
    operator: str, wanted: str, found: Json, hint: str
) -> None:
    _, rule = explained(when("data.x", wanted, operator=operator), x=found)

    assert not rule.matches
    assert rule.conditions[0].hint.startswith(hint)
    assert bool(rule.conditions[0].hint) is bool(hint)


@pytest.mark.parametrize(("wanted", "matches"), [("true", True), ("false", False)])
def test_an_object_is_shown_as_being_there(wanted: str, *, matches: bool) -> None:
    _, rule = explained(when("data.x", wanted, operator="present"), x={"a": 1})

    assert (rule.matches, rule.conditions[0].found, rule.conditions[0].hint) == (matches, "an object", "")


def test_lines_of_unless_stand_after_those_of_when() -> None:
    rule = Rule(when=(Condition("data.x", ("1",)),), unless=(Condition("data.test", ("true",)),))

    _, view = explained(rule, x="1", test=True)

    assert [(each.name, each.holds, each.unless) for each in view.conditions] == [
        ("data.x", True, False),
        ("data.test", True, True),
    ]
    assert not view.matches


@pytest.mark.parametrize(
    ("total", "said"),
    [
        ("20", "unless data.total is above 10 and is below 40: it is 20"),
        ("50", "unless data.total is above 10 and is below 40: no, it is 50"),
    ],
)
def test_a_range_in_unless_is_one_line(total: str, said: str) -> None:
    line = (
        Condition("data.total", ("10",), Operator.ABOVE),
        Condition("data.total", ("40",), Operator.BELOW),
    )

    _, view = explained(Rule(unless=line), total=total)

    assert [told(each) for each in view.conditions] == [said]
    assert view.matches is (total == "50")


def test_a_list_is_shown_as_one_text_and_as_one_tag_each() -> None:
    rule = Rule((Template("Bought {data.products}"),), when=(Condition("data.products", ("Tea",)),))

    _, view = explained(rule, products=["Tea", "Cake"])

    assert (view.matches, view.conditions[0].found) == (True, "Tea, Cake")
    assert view.add_tags == ("Bought Tea", "Bought Cake")


def test_all_that_a_rule_does_besides_is_said_in_words() -> None:
    rule = Rule(
        (Template("Gold", "level", "mk_access_expires_at"), Template("Free", until="data.end")),
        remove_groups=("plan",),
        set_fields={"Source": "app", "Ended": None},
        skip=True,
        create=False,
        subscriber_state="inactive",
        tags_off=True,
        fields_off=True,
        unsubscribe=True,
    )

    _, view = explained(rule, access={"expires_at": "2027-07-01"})

    assert view.replaces == ("Gold",)
    assert view.effects == (
        "skips the event",
        "takes off all tags that this worker gave",
        "clears all custom fields that this worker set",
        "unsubscribes the person",
        "creates nobody",
        "empties the group plan",
        "sets Source to app",
        "clears Ended",
        "creates people as inactive",
        "Gold until 2027-07-01",
        "Free without an end",
    )


def test_an_event_that_is_not_mapped_has_no_rules() -> None:
    assert explain_rules(event(1, "order.paid"), Account("sunny")) == ()


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (("data.x", ("40",), "49", True, "", Operator.ABOVE), "data.x is above 40: it is 49"),
        (
            ("data.x", ("40",), None, False, "", Operator.AT_LEAST),
            "data.x is at least 40: no, there is no value",
        ),
        (("data.x", ("40",), "7", False, "", Operator.BELOW), "data.x is below 40: no, it is 7"),
        (("data.x", ("a", "b"), "c", True, "", Operator.NOT), "data.x is not a or b: it is c"),
        (("data.x", ("a",), None, True, "", Operator.NOT), "data.x is not a: there is no value"),
        (("data.x", ("a*",), "abc", True, "", Operator.LIKE), "data.x is like a*: it is abc"),
        (("data.x", ("true",), "abc", True, "", Operator.PRESENT), "data.x is there: it is abc"),
        (("data.x", ("false",), "abc", False, "", Operator.PRESENT), "data.x is not there: no, it is abc"),
        (("data.x", ("a",), "a", True), "data.x is a"),
        (("data.x", ("49",), "49.0", True), "data.x is 49: it is 49.0"),
        (("data.x", ("a",), "A", False, "it is A, which differs"), "data.x is a: no, it is A, which differs"),
        (("data.x", ("a",), "a", True, "", Operator.IS, True), "unless data.x is a: it is a"),
        (("data.x", ("a",), None, False, "", Operator.IS, True), "unless data.x is a: no, there is no value"),
    ],
)
def test_a_line_is_told_in_words(condition: tuple[Any, ...], said: str) -> None:
    assert told(ConditionView(*condition)) == said
