"""Rules of lint about the events that came last."""

from __future__ import annotations

import pytest

from tests.pace import takes_less
from tests.unit.accounts.harness import KIT, parse
from tests.unit.accounts.lint.cases import findings, last_events, paid, places
from worker.accounts.impact import Came
from worker.accounts.lint.by_events import FEWEST_OF_KIND
from worker.accounts.lint.facts import AccountText, Facts
from worker.accounts.lint.last_events import FEWEST, LastEvents
from worker.accounts.lint.lint import lint

RULES = ("event-never-came", "event-not-mapped", "value-not-matched", "rule-never-matched")
PAID = "events:\n  order.paid: {add_tags: [Customer]}\n"


# -- types -------------------------------------------------------------------------------------------------


def test_an_event_that_never_came_is_named_once_enough_others_did() -> None:
    (found,) = findings(PAID, events=last_events())

    assert (found.rule, found.spot.line) == ("event-never-came", 3)
    assert f"the history has no order.paid, and {FEWEST} other events that came last" in found.text
    assert places(PAID, events=last_events(others=FEWEST - 1)) == []
    assert places(PAID, events=last_events(kinds=["order.paid"])) == []  # earlier than the last ones


def test_a_type_that_is_nearly_one_that_came_is_probably_meant_so() -> None:
    never, unmapped = findings(PAID, events=last_events(kinds=["orders.paid"]))[::-1]

    assert never.sentence.endswith("Did you mean orders.paid, which came?")
    assert unmapped.sentence.endswith("Did you mean it by order.paid?")


def test_a_default_that_never_came_is_not_looked_at() -> None:
    assert places("events: {}\n", events=last_events(others=FEWEST)) == []


def test_an_event_that_came_and_is_not_mapped_is_named() -> None:
    came = [Came("order.sent", "ignored")] * 3

    (found,) = findings("events: {}\n", events=last_events(*came))

    assert found.rule == "event-not-mapped"
    assert found.text.startswith(f"3 of the last {3 + FEWEST} events were order.sent, which this file")
    assert places("events: {order.sent: null}\n", events=last_events(*came)) == []
    assert places("events: {order.sent: {}}\n", events=last_events(*came)) == []


def test_of_many_types_that_are_not_mapped_ten_are_named() -> None:
    found = findings("events: {}\n", events=last_events(kinds=[f"thing.number_{at}" for at in range(30)]))

    assert len(found) == 11
    assert "20 more event types" in " ".join(each.text for each in found)


# -- values ------------------------------------------------------------------------------------------------

PLANS = """\
events:
  order.paid:
    rules:
      - when: {mk_subscription_plan: Annual}
        add_tags: [Annual]
      - when: {mk_subscription_plan: Monthly}
        add_tags: [Monthly]
"""


def values(text: str, *came: Came) -> list[tuple[str, int]]:
    return [each for each in places(text, events=last_events(*came)) if each[0] == "value-not-matched"]


def of_plan(plan: str, count: int = 1) -> list[Came]:
    return paid(count, mk_subscription_plan=plan)


def test_a_value_that_no_rule_is_about_is_named_with_how_often_it_came() -> None:
    came = [*of_plan("Lifetime", 6), *of_plan("Annual"), *of_plan("Weekly", 2)]

    (found,) = findings(PLANS, events=last_events(*came))

    assert (found.rule, found.spot.line) == ("value-not-matched", 5)
    assert 'no rule of order.paid is about "Lifetime" (6), "Weekly" (2), which' in found.text


def test_a_value_in_another_spelling_is_named_with_that_of_the_file() -> None:
    (found,) = findings(PLANS, events=last_events(*of_plan("monthly", 3)))

    assert (found.rule, found.spot.line) == ("value-not-matched", 7)
    assert 'was "monthly" in 3 of the last order.paid, and the file has "Monthly"' in found.text


@pytest.mark.parametrize(
    ("text", "came"),
    [
        (PLANS, of_plan("Annual")),
        (PLANS.replace("Monthly}", "[Monthly, Lifetime]}"), of_plan("Lifetime")),
        (PLANS.replace("{mk_subscription_plan: Monthly}", "{mk_subscription_plan: {not: X}}"), of_plan("Y")),
        (PLANS.replace("mk_subscription_plan: Monthly", "data.order.shop: 7"), of_plan("Lifetime")),
        (PLANS, [Came("order.sent", "applied", values={"mk_subscription_plan": "Lifetime"})]),
        (PLANS, [each for at in range(31) for each in of_plan(f"Some other plan {at}")]),
    ],
    ids=["matched", "in a list", "all others", "a single value is an exception", "other type", "free text"],
)
def test_a_value_that_is_meant_or_no_choice_of_a_few_is_not_named(text: str, came: list[Came]) -> None:
    assert values(text, *came) == []


def test_what_tells_people_apart_is_never_named() -> None:
    text = PLANS.replace("mk_subscription_plan", "mk_last_name")

    assert values(text, *paid(3, mk_last_name="Lovelace")) == []


# -- rules -------------------------------------------------------------------------------------------------


def never(text: str, *came: Came) -> list[int]:
    found = places(text, events=last_events(*came))
    return [line for rule, line in found if rule == "rule-never-matched"]


def test_a_rule_that_matched_none_of_the_values_that_came_is_named() -> None:
    assert never(PLANS, *of_plan("Annual", FEWEST_OF_KIND)) == [6]
    assert never(PLANS, *of_plan("Annual", FEWEST_OF_KIND), *of_plan("Monthly")) == []
    assert never(PLANS, *of_plan("Annual", FEWEST_OF_KIND - 1)) == []


def test_a_rule_that_led_to_no_call_may_have_matched_people_who_had_its_tags() -> None:
    """Given that nobody knows the events' values, the rules that led to calls tell, and no more."""
    (found,) = findings(PLANS, events=last_events(*paid(FEWEST_OF_KIND, rules=[1])))

    assert (found.rule, found.spot.line) == ("rule-never-matched", 7)
    assert "or only people who had its tags" in found.text
    assert never(PLANS, *paid(FEWEST_OF_KIND), *paid(1, rules=[1, 2])) == []


def test_rules_of_an_earlier_file_have_other_numbers() -> None:
    came = (*paid(FEWEST_OF_KIND, rules=[1]), *[Came("user.signed_up", "applied")] * FEWEST)
    events = LastEvents(came, (), frozenset({"order.paid", "user.signed_up"}))

    assert places(PLANS, events=events) == []


def test_a_thousand_rules_beside_many_events_take_less_than_a_second() -> None:
    rules = "".join(
        f"      - {{when: {{mk_subscription_plan: Plan {at}}}, add_tags: [Tag {at}]}}\n" for at in range(1000)
    )
    text = f"{KIT}events:\n  order.paid:\n    rules:\n{rules}"
    came = last_events(*(each for at in range(500) for each in of_plan(f"Plan {at}")))
    facts = Facts(AccountText(parse(text), text), events=came)

    assert takes_less(lambda: lint(facts), 1.0)
