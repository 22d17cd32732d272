"""The platform's fields, row by row of the contract: where each comes from, and what stands in for it."""

from __future__ import annotations

import pytest

from tests.unit.examples import event
from worker.errors import InvalidEvent
from worker.events.values import MISSING, Found
from worker.handlers import HANDLERS, handler_for, mapped_only
from worker.handlers.base import PLATFORM_FIELDS

FULL = {
    "user": {
        "id": 42,
        "email": "ada@example.com",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "signed_up_at": "2026-01-01T00:00:00Z",
        "locale": "de",
    },
    "subscription": {
        "id": "sub-1",
        "plan": "Annual",
        "status": "trialing",
        "started_at": "2026-02-01T00:00:00Z",
        "canceled_at": "2026-03-01T00:00:00Z",
        "ends_at": "2026-04-01T00:00:00Z",
        "cancel_reason": "too dear",
    },
    "access": {
        "level": "Gold",
        "granted_at": "2026-05-01T00:00:00Z",
        "expires_at": "2026-06-01T00:00:00Z",
        "product": "Course",
    },
}
ROWS = {
    "mk_user_id": "42",
    "mk_first_name": "Ada",
    "mk_last_name": "Lovelace",
    "mk_signed_up_at": "2026-01-01T00:00:00Z",
    "mk_subscription_id": "sub-1",
    "mk_subscription_plan": "Annual",
    "mk_subscription_status": "trialing",
    "mk_subscription_started_at": "2026-02-01T00:00:00Z",
    "mk_subscription_canceled_at": "2026-03-01T00:00:00Z",
    "mk_subscription_ends_at": "2026-04-01T00:00:00Z",
    "mk_cancel_reason": "too dear",
    "mk_access_level": "Gold",
    "mk_access_granted_at": "2026-05-01T00:00:00Z",
    "mk_access_expires_at": "2026-06-01T00:00:00Z",
}
EVENT_TIME = "2026-07-01T12:00:01Z"
EMPTY = {"user": {"email": "ada@example.com"}}
TYPES = [*HANDLERS, "order.paid"]

FALLBACKS = {
    "user.signed_up": {"mk_signed_up_at": EVENT_TIME},
    "subscription.started": {"mk_subscription_started_at": EVENT_TIME, "mk_subscription_status": "active"},
    "subscription.canceled": {
        "mk_subscription_canceled_at": EVENT_TIME,
        "mk_subscription_status": "canceled",
    },
    "access.granted": {"mk_access_granted_at": EVENT_TIME},
    "order.paid": {},
}


def found(type_: str, name: str, data: object) -> Found:
    happened = event(1, type_, data)  # type: ignore[arg-type]  # payloads of every shape
    return handler_for(type_).lookup(happened)(name)


def test_the_rows_are_those_of_the_contract() -> None:
    assert PLATFORM_FIELDS.keys() == ROWS.keys()
    assert HANDLERS.keys() == FALLBACKS.keys() - {"order.paid"}


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize(("name", "value"), ROWS.items())
def test_a_value_in_the_payload_is_used_in_every_event(type_: str, name: str, value: str) -> None:
    assert found(type_, name, FULL) == value


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("name", ROWS)
def test_a_missing_value_is_implied_by_its_own_event_or_stays_missing(type_: str, name: str) -> None:
    assert found(type_, name, EMPTY) == FALLBACKS[type_].get(name, MISSING)


@pytest.mark.parametrize("blank", ["", "  ", "\n"])
def test_a_blank_value_counts_as_missing(blank: str) -> None:
    data = {**EMPTY, "subscription": {"status": blank, "plan": blank}}

    assert found("subscription.started", "mk_subscription_status", data) == "active"
    assert found("subscription.started", "mk_subscription_plan", data) is MISSING


def test_an_explicit_null_stays_null_unless_the_event_itself_knows_better() -> None:
    data = {**EMPTY, "subscription": {"ends_at": None, "started_at": None}}

    assert found("subscription.started", "mk_subscription_ends_at", data) is None
    assert found("subscription.started", "mk_subscription_started_at", data) == EVENT_TIME


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("data.user.locale", "de"),
        ("data.access.product", "Course"),
        ("data.user.nothing", MISSING),
        ("data.nobody.locale", MISSING),
        ("data.subscription.status", "trialing"),
    ],
)
def test_any_other_value_is_reached_by_its_path(path: str, value: object) -> None:
    assert found("order.paid", path, FULL) == value


def test_a_path_says_what_the_payload_says_and_nothing_that_the_event_implies() -> None:
    assert found("subscription.started", "data.subscription.status", EMPTY) is MISSING


def test_a_value_that_is_no_text_is_refused_by_its_path() -> None:
    data = {**EMPTY, "user": {"email": "ada@example.com", "locale": ["de"]}}

    with pytest.raises(InvalidEvent, match=r"^data\.user\.locale: a list"):
        found("order.paid", "data.user.locale", data)


def test_any_type_that_only_a_file_knows_has_the_general_handler() -> None:
    assert handler_for("order.paid") is mapped_only.HANDLER
    assert mapped_only.HANDLER.default is None
