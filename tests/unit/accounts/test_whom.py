"""Whom an event names under an account's options, and whether it may change an address."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from tests.unit.examples import EMAIL, event
from worker.accounts.account import Account
from worker.accounts.whom import naming_whom, told_by
from worker.events.delivery import Delivery
from worker.mapping.options import ANY, NEVER, Options
from worker.subscribers.item import Item

OLD = "ada.old@example.com"


def named(options: Options, type_: str = "order.paid", app: str = "bakery", **user: Any) -> Item:  # noqa: ANN401
    """What an event says of its person, in an account whose home is another app."""
    data = {"user": {"email": EMAIL, "id": 7, **user}}
    happened = structs.replace(event(1, type_, data), app=app)
    return naming_whom(Item(Delivery(b"", "")), happened, options, "kitchen")


def test_a_person_is_named_by_id_within_the_app_and_by_address() -> None:
    item = named(Options(), email=" ADA@example.com")
    assert (item.email, item.user_id, item.by_address) == (EMAIL, "bakery\n7", False)
    assert named(Options(), app="kitchen").user_id == "7"


def test_by_address_ids_and_what_may_change_an_address_count_for_nothing() -> None:
    item = named(Options(identity="email"), "user.updated", previous_email=OLD)
    assert (item.email, item.user_id, item.previous, item.may_move) == (EMAIL, None, "", False)
    assert item.by_address


@pytest.mark.parametrize(
    ("types", "type_", "may"),
    [
        (Options().address_changes, "user.updated", True),
        (Options().address_changes, "user.email_changed", True),
        (Options().address_changes, "order.paid", False),
        (("order.paid",), "order.paid", True),
        (("order.paid",), "user.updated", False),
        ((ANY,), "order.paid", True),
        ((NEVER,), "user.updated", False),
    ],
)
def test_the_account_says_which_events_may_change_an_address(
    types: tuple[str, ...], type_: str, *, may: bool
) -> None:
    assert named(Options(address_changes=types), type_).may_move is may


@pytest.mark.parametrize(
    ("types", "given", "previous"),
    [
        (("order.paid",), f" {OLD.upper()}", OLD),
        (("order.paid",), "none", ""),
        (("order.paid",), 5, ""),
        (("order.paid",), EMAIL, ""),  # it is no other one
        ((NEVER,), OLD, ""),
    ],
)
def test_the_address_before_is_read_where_it_may_count(
    types: tuple[str, ...], given: object, previous: str
) -> None:
    assert named(Options(address_changes=types), previous_email=given).previous == previous


@pytest.mark.parametrize(
    ("options", "type_", "user_id", "told"),
    [
        (Options(), "order.paid", 7, "the id 7"),
        (Options(), "user.updated", 7, "the id 7, whose address it may change"),
        (Options(), "order.paid", "guest", "the address, for the id is none"),
        (Options(), "order.paid", None, "the address"),
        (Options(), "order.paid", [7], "the address, for the id is none"),
        (Options(identity="email"), "user.updated", 7, "the address alone (options.identity: email)"),
    ],
)
def test_people_are_told_by_what_a_person_is_known(
    options: Options, type_: str, user_id: object, told: str
) -> None:
    happened = event(1, type_, {"user": {"email": EMAIL, "id": user_id}})
    assert told_by(happened, Account("main", options=options)) == told
