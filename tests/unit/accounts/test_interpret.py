"""From an event and an account to what is asked of whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from tests.unit.examples import NOON, event
from worker.accounts.account import Account
from worker.accounts.interpret import interpret as interpret_at
from worker.errors import HandlerError, InvalidEvent, Reason
from worker.events.event import Event
from worker.events.values import Lookup
from worker.mapping import Asked, EventMapping, FieldTarget, Rule, Template
from worker.mapping.template import Filling
from worker.subscribers.parts import tag_key

ACCOUNT = Account(
    "default",
    events={"user.signed_up": EventMapping(Rule((Template("New Member"),))), "order.paid": EventMapping()},
    fields=(FieldTarget("mk_user_id", "mk_user_id"), FieldTarget("mk_first_name", "first_name")),
)


def interpret(happened: Event, account: Account) -> Asked | None:
    return interpret_at(happened, account, NOON)


def test_an_event_asks_for_what_the_mapping_says() -> None:
    asked = interpret(event(email=" ADA@example.com", id=7, first_name="Ada"), ACCOUNT)

    assert asked is not None
    assert asked.change.tags.keys() == {tag_key("New Member")}
    assert asked.change.fields["mk_user_id"].value == "7"
    assert asked.change.first_name is not None


def test_a_type_that_only_the_file_knows_works_too() -> None:
    asked = interpret(event(type_="order.paid", id=7), ACCOUNT)

    assert asked is not None
    assert (asked.change.tags, asked.change.fields["mk_user_id"].value) == ({}, "7")


@pytest.mark.parametrize("data", [None, {}, {"user": {"email": "none"}}])
def test_a_type_that_is_not_mapped_is_ignored_however_broken(data: Mapping[str, object] | None) -> None:
    assert interpret(event(type_="subscription.started", data=data), ACCOUNT) is None


def test_a_mapped_event_without_an_address_is_invalid() -> None:
    with pytest.raises(InvalidEvent, match=r"^data\.user\.email: missing$"):
        interpret(event(data={"user": {}}), ACCOUNT)


def test_a_missing_value_of_a_placeholder_is_owed_and_the_rest_is_asked_for() -> None:
    rule = Rule((Template("{data.order.kind}"), Template("Customer")))
    account = replace(ACCOUNT, events={"order.paid": EventMapping(rule)})

    asked = interpret(event(type_="order.paid", id=7), account)

    assert asked is not None
    assert (set(asked.change.tags), set(asked.change.fields)) == ({"customer"}, {"mk_user_id"})
    assert asked.owed == ("data.order.kind: has no value, but the tag '{data.order.kind}' needs it",)


@pytest.mark.parametrize(
    ("data", "owed"),
    [
        ({"subscription": "gold"}, "data.subscription: must be an object"),
        ({"subscription": {"plan": {"name": "gold"}}}, "data.subscription.plan: an object cannot become"),
        ({"access": ["gold"]}, None),
    ],
)
def test_a_value_of_the_wrong_form_costs_only_what_needs_it(
    data: dict[str, object], owed: str | None
) -> None:
    """Given an odd value beside a person who is known well, the rest of the event is asked for."""
    fields = (*ACCOUNT.fields, FieldTarget("mk_subscription_plan", "Plan"))
    payload = {"user": {"email": "ada@example.com", "id": 7}, **data}

    asked = interpret(event(data=payload), replace(ACCOUNT, fields=fields))

    assert asked is not None
    assert (set(asked.change.tags), set(asked.change.fields)) == ({"new member"}, {"mk_user_id"})
    assert [text.startswith(owed or "") for text in asked.owed] == ([True] if owed else [])


def test_a_type_of_the_files_own_that_opens_a_subscription_says_that_it_is_active() -> None:
    fields = (FieldTarget("mk_subscription_status", "Status"),)
    account = replace(ACCOUNT, events={"gift.started": EventMapping(lifecycle="opens")}, fields=fields)

    asked = interpret(event(type_="gift.started"), account)

    assert asked is not None
    assert asked.change.fields["Status"].value == "active"


@pytest.mark.parametrize(
    "user", [{"email": "x"}, {}, "ada@example.com", {"email": "ada@example.com", "id": []}]
)
def test_an_event_that_does_not_say_whom_it_is_about_is_invalid(user: object) -> None:
    with pytest.raises(InvalidEvent, match=r"^data\.user"):
        interpret(event(data={"user": user}), ACCOUNT)


class Crashing(Template):
    """A tag whose name cannot be made, because of a bug."""

    def fillings(self, lookup: Lookup) -> Iterator[Filling]:
        raise KeyError(lookup("data.user.email"))


def test_a_bug_costs_one_event() -> None:
    """Given a bug in the way of an event, then the event has an error that names the bug and no address."""
    account = replace(ACCOUNT, events={"user.signed_up": EventMapping(Rule((Crashing("New Member"),)))})

    with pytest.raises(HandlerError) as caught:
        interpret(event(), account)

    assert str(caught.value) == "user.signed_up: KeyError in its handler; this is a bug"
    assert caught.value.reason is Reason.HANDLER_ERROR
    assert isinstance(caught.value.__cause__, KeyError)
