"""Which part of an event goes with its subscription, and which with the person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from tests.unit.examples import EMAIL, NOON, event, order
from worker.accounts.account import Account
from worker.accounts.as_fact import as_fact
from worker.accounts.interpret import interpret
from worker.events.event import Due
from worker.mapping import Asked, EventMapping, FieldTarget, Rule, Template
from worker.subscribers.fact import Fact
from worker.subscribers.mark import fact_mark
from worker.subscribers.parts import TagWish

FIELDS = (
    FieldTarget("mk_subscription_plan", "Plan"),
    FieldTarget("mk_subscription_ends_at", "Ends"),
    FieldTarget("mk_last_name", "Last name"),
)
MEMBER = Rule((Template("Member"),), set_fields={"Source": "app"})
ACCOUNT = Account(
    "sunny",
    events={
        "subscription.started": EventMapping(MEMBER, lifecycle="opens"),
        "subscription.canceled": EventMapping(
            Rule(remove_tags=(Template("Member"),)), lifecycle="closes", at="mk_subscription_ends_at"
        ),
        "order.paid": EventMapping(MEMBER),
        "trial.ended": EventMapping(Rule(skip=True), lifecycle="closes"),
        "trial.began": EventMapping(Rule(skip=True), lifecycle="opens"),
    },
    fields=FIELDS,
)


def asked(type_: str, user: str = "", *, again: bool = False, **subscription: Any) -> Asked:  # noqa: ANN401  # JSON
    """What an event of Ada Lovelace asks for."""
    data = {"user": {"email": EMAIL, "last_name": "Lovelace"}, "subscription": subscription}
    happened = event(1, type_, data)
    plain = interpret(happened, ACCOUNT, NOON)
    assert plain is not None
    return as_fact(happened, ACCOUNT, plain, user, again=again)


def the_fact(asked_for: Asked) -> Fact:
    """Its only fact."""
    (fact,) = asked_for.change.facts
    return fact


def test_tags_constants_and_what_shows_the_subscription_go_with_it() -> None:
    started = asked("subscription.started", "u-1", again=True, id="s-1", plan="Gold")
    fact = the_fact(started)
    assert (fact.opens, fact.user, fact.subscription, fact.again) == (True, "u-1", "s-1", True)
    assert fact.tags == {"member": TagWish("Member", present=True)}
    assert (fact.sets, fact.shows) == ({"Source": "app"}, {"Plan": "Gold"})
    assert not started.change.tags
    assert started.change.fields.keys() == {"Last name"}
    assert started.change.ensure is not None


@pytest.mark.parametrize(("says", "ended"), [({}, ("Ends",)), ({"ends_at": "2027-01-01"}, ())])
def test_an_opening_leaves_empty_what_shows_an_end_unless_it_says_so(
    says: dict[str, Any], ended: tuple[str, ...]
) -> None:
    assert the_fact(asked("subscription.started", **says)).ended == ended
    assert the_fact(asked("subscription.canceled", **says)).ended == ()


def test_an_event_of_no_subscription_has_no_fact() -> None:
    paid = asked("order.paid", id="s-1", plan="Gold")
    assert not paid.change.facts
    assert paid.change.fields.keys() == {"Last name", "Plan", "Source"}


@pytest.mark.parametrize("id_", [0, "", "none", None])
def test_an_id_that_is_none_names_no_subscription(id_: object) -> None:
    assert the_fact(asked("subscription.started", id=id_)).subscription == ""


def test_what_takes_effect_later_leaves_a_fact_that_waits() -> None:
    ends_at = NOON + timedelta(days=3)
    canceled = asked("subscription.canceled", id="s-1", ends_at=ends_at.isoformat())
    fact = the_fact(canceled)
    assert (fact.waits, fact.due, fact.tags) == (True, ends_at, {})
    assert canceled.change.ensure is None


def test_what_took_effect_before_it_happened_takes_effect_with_it() -> None:
    fact = the_fact(asked("subscription.canceled", ends_at=(NOON - timedelta(days=3)).isoformat()))
    assert (fact.waits, fact.due) == (False, None)
    assert fact.tags == {"member": TagWish("Member", present=False)}


def test_a_closing_that_is_skipped_closes_and_asks_for_nothing() -> None:
    ended = asked("trial.ended", id="s-1")
    assert not the_fact(ended).opens
    assert (the_fact(ended).tags, the_fact(ended).shows, ended.change.ensure) == ({}, {}, None)
    assert not asked("trial.began", id="s-1").change


def test_a_fact_is_told_from_another_of_the_same_time_and_not_from_itself_when_it_comes_again() -> None:
    started = event(1, "subscription.started", id=7)
    renewed, of_another_id = structs.replace(started, type="club.joined"), structs.replace(started, id="b")
    again = structs.replace(started, due=Due("timer", NOON), order=order(9))
    marks = [fact_mark(each) for each in (started, renewed, of_another_id)]
    assert len(set(marks)) == len(marks)
    assert fact_mark(again) == fact_mark(started) == the_fact(asked("subscription.started")).event


def test_of_events_without_an_id_each_is_a_fact_of_its_own() -> None:
    one = structs.replace(event(1, "subscription.started"), id=None)
    other = structs.replace(one, order=order(1)._replace(arrival=2))
    again = structs.replace(one, due=Due("timer", NOON))
    assert fact_mark(other) != fact_mark(one) == fact_mark(again)
