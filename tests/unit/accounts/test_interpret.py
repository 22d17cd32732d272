"""From an event and an account to what is asked of whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.unit.examples import event
from worker.accounts.account import Account
from worker.accounts.interpret import interpret
from worker.errors import HandlerError, InvalidEvent, Reason
from worker.mapping import EventMapping, FieldTarget, Lookup, Rule, Template
from worker.subscribers.parts import tag_key

ACCOUNT = Account(
    "default",
    events={"user.signed_up": EventMapping(Rule((Template("New Member"),))), "order.paid": EventMapping()},
    fields=(FieldTarget("mk_user_id", "mk_user_id"), FieldTarget("mk_first_name", "first_name")),
)


def test_an_event_asks_for_what_the_mapping_says() -> None:
    asked = interpret(event(email=" ADA@example.com", id=7, first_name="Ada"), ACCOUNT)

    assert asked is not None
    assert asked.tags.keys() == {tag_key("New Member")}
    assert asked.fields["mk_user_id"].value == "7"
    assert asked.first_name is not None


def test_a_type_that_only_the_file_knows_works_too() -> None:
    asked = interpret(event(type_="order.paid", id=7), ACCOUNT)

    assert asked is not None
    assert (asked.tags, asked.fields["mk_user_id"].value) == ({}, "7")


@pytest.mark.parametrize("data", [None, {}, {"user": {"email": "none"}}])
def test_a_type_that_is_not_mapped_is_ignored_however_broken(data: Mapping[str, object] | None) -> None:
    assert interpret(event(type_="subscription.started", data=data), ACCOUNT) is None


def test_a_mapped_event_without_an_address_is_invalid() -> None:
    with pytest.raises(InvalidEvent, match=r"^data\.user\.email: missing$"):
        interpret(event(data={"user": {}}), ACCOUNT)


def test_a_missing_value_of_a_placeholder_is_invalid() -> None:
    account = replace(ACCOUNT, events={"order.paid": EventMapping(Rule((Template("{data.order.kind}"),)))})

    with pytest.raises(InvalidEvent, match=r"^data\.order\.kind: has no value"):
        interpret(event(type_="order.paid"), account)


class Crashing(Template):
    """A tag whose name cannot be made, because of a bug."""

    def render(self, lookup: Lookup) -> str:
        raise KeyError(lookup("data.user.email"))


def test_a_bug_costs_one_event() -> None:
    """Given a bug in the way of an event, then the event has an error that names the bug and no address."""
    account = replace(ACCOUNT, events={"user.signed_up": EventMapping(Rule((Crashing("New Member"),)))})

    with pytest.raises(HandlerError) as caught:
        interpret(event(), account)

    assert str(caught.value) == "user.signed_up: KeyError in its handler; this is a bug"
    assert caught.value.reason is Reason.HANDLER_ERROR
    assert isinstance(caught.value.__cause__, KeyError)
