"""From an event and an account to what is asked of whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.unit.examples import event
from worker import handlers
from worker.accounts.account import Account
from worker.accounts.interpret import interpret
from worker.errors import HandlerError, InvalidEvent, Reason
from worker.events.event import Event
from worker.handlers.base import Handler
from worker.mapping import EventMapping, FieldTarget, Rule, Template
from worker.subscribers.change import tag_key

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


def test_a_handler_that_crashes_costs_one_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a bug in a handler, then its event has an error that names the bug and no address."""

    def crash(_event: Event) -> Mapping[str, str]:
        raise KeyError("ada@example.com")

    broken = {**handlers.HANDLERS, "user.signed_up": Handler("user.signed_up", "", fallbacks=crash)}
    monkeypatch.setattr(handlers, "HANDLERS", broken)

    with pytest.raises(HandlerError) as caught:
        interpret(event(), ACCOUNT)

    assert str(caught.value) == "user.signed_up: KeyError in its handler; this is a bug"
    assert caught.value.reason is Reason.HANDLER_ERROR
    assert isinstance(caught.value.__cause__, KeyError)
