"""Each rule is shown with what it was held against, whether it matches or not."""

from __future__ import annotations

import pytest

from tests.unit.examples import event
from worker.accounts.account import Account
from worker.accounts.explain import RuleView, explain_rules
from worker.events.values import Json
from worker.mapping import Condition, EventMapping, Rule, Template


def when(name: str, *values: str) -> Rule:
    return Rule(add_tags=(Template("Tag"),), when=(Condition(name, values),))


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


def test_an_event_that_is_not_mapped_has_no_rules() -> None:
    assert explain_rules(event(1, "order.paid"), Account("sunny")) == ()
