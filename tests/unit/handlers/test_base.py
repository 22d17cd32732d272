"""Payloads, and the platform's fields row by row of the contract: what is read, and what is refused."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.examples import event
from tests.unit.handlers.harness import EVENT_TIME
from worker.errors import InvalidEvent
from worker.events.values import MISSING, Found
from worker.handlers import HANDLERS, handler_for
from worker.handlers.base import PLATFORM_FIELDS, read_payload

USER: dict[str, object] = {"email": "ada@example.com"}
SCALAR = "must be text, a number, true, false or null"


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        ({}, "data.user: missing"),
        ({"user": None}, "data.user: must be an object"),
        ({"user": "ada@example.com"}, "data.user: must be an object"),
        ({"user": []}, "data.user: must be an object"),
        ({"user": {}}, "data.user.email: missing"),
        ({"user": {"email": None}}, "data.user.email: must be text"),
        ({"user": {"email": 7}}, "data.user.email: must be text"),
        ({"user": {"email": ""}}, "data.user.email: not an email address"),
        ({"user": {"email": "secret.ada"}}, "data.user.email: not an email address"),
        ({"user": {**USER, "id": []}}, f"data.user.id: {SCALAR}"),
        ({"user": {**USER, "first_name": {"given": "Ada"}}}, f"data.user.first_name: {SCALAR}"),
        ({"user": USER, "subscription": "sub-1"}, "data.subscription: must be an object"),
        ({"user": USER, "subscription": {"plan": ["Annual"]}}, f"data.subscription.plan: {SCALAR}"),
        ({"user": USER, "access": []}, "data.access: must be an object"),
        ({"user": USER, "access": {"level": {}}}, f"data.access.level: {SCALAR}"),
    ],
)
def test_a_bad_payload_names_the_field(data: dict[str, object], detail: str) -> None:
    with pytest.raises(InvalidEvent) as caught:
        read_payload(event(data=data))

    assert str(caught.value) == detail


def test_several_faults_are_named_at_once_without_repeating_any_value() -> None:
    data = {"user": {"email": "secret.ada", "id": []}, "access": 5}

    with pytest.raises(InvalidEvent) as caught:
        read_payload(event(data=data))

    assert set(str(caught.value).split("; ")) == {
        "data.user.email: not an email address",
        f"data.user.id: {SCALAR}",
        "data.access: must be an object",
    }


@pytest.mark.parametrize(
    "data",
    [
        {"user": USER},
        {"user": USER | {"locale": ["de"], "address": {"city": "Bonn"}}, "order": [1]},
        {"user": {**USER, "id": 7, "first_name": True, "last_name": 1.5}},
        {"user": USER, "subscription": None, "access": None},
        {"user": USER, "subscription": {"plan": None}, "access": {}},
    ],
)
def test_unknown_keys_nulls_and_any_scalar_are_welcome(data: dict[str, object]) -> None:
    assert read_payload(event(data=data)).user.email == "ada@example.com"


def test_the_address_is_read_in_its_normal_form() -> None:
    assert read_payload(event(email="  ADA@Example.com ")).user.email == "ada@example.com"


scalars = st.sampled_from([None, True, 0, 1.5, "", "ada@example.com", "x"])
anything = (
    scalars
    | st.lists(scalars, max_size=2)
    | st.dictionaries(st.sampled_from(["email", "id", "plan"]), scalars)
)


@given(st.dictionaries(st.sampled_from(["user", "subscription", "access", "other"]), anything, max_size=4))
@settings(max_examples=60)
def test_any_payload_is_read_or_refused_by_field(data: dict[str, object]) -> None:
    try:
        read_payload(event(data=data))
    except InvalidEvent as error:
        assert all(fault.startswith("data.") for fault in str(error).split("; "))  # noqa: PT017  # either is right


# -- the platform's fields -----------------------------------------------------------------------------

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
EMPTY = {"user": {"email": "ada@example.com"}}
TYPES = [*HANDLERS, "order.paid"]


def found(type_: str, name: str, data: object) -> Found:
    happened = event(1, type_, data)  # type: ignore[arg-type]  # payloads of every shape
    return handler_for(type_).lookup(happened)(name)


def test_the_rows_are_those_of_the_contract() -> None:
    assert PLATFORM_FIELDS.keys() == ROWS.keys()


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize(("name", "value"), ROWS.items())
def test_a_value_in_the_payload_is_used_in_every_event(type_: str, name: str, value: str) -> None:
    assert found(type_, name, FULL) == value


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
    ("kind", "lifecycle", "status"),
    [
        ("subscription.started", None, "active"),
        ("subscription.started", "opens", "active"),
        ("subscription.started", "closes", "canceled"),
        ("subscription.canceled", None, "canceled"),
        ("gift.started", "opens", "active"),
        ("gift.ended", "closes", "canceled"),
        ("gift.started", None, MISSING),
    ],
)
def test_what_opens_or_closes_a_subscription_says_its_status(
    kind: str, lifecycle: Literal["opens", "closes"] | None, status: Found
) -> None:
    find = handler_for(kind).lookup(event(1, kind), lifecycle)
    told = handler_for(kind).lookup(event(1, kind, FULL), lifecycle)

    assert find("mk_subscription_status") == status
    assert told("mk_subscription_status") == "trialing"


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


def test_a_list_is_found_as_its_texts() -> None:
    data = {**EMPTY, "user": {"email": "ada@example.com", "interests": ["tea", 5.0, "cake"]}}

    assert found("order.paid", "data.user.interests", data) == ("tea", "5", "cake")


def test_a_value_that_is_no_text_is_refused_by_its_path() -> None:
    data = {**EMPTY, "user": {"email": "ada@example.com", "locale": {"language": "de"}}}

    with pytest.raises(InvalidEvent, match=r"^data\.user\.locale: an object"):
        found("order.paid", "data.user.locale", data)


@pytest.mark.parametrize("odd", ["gold", ["gold"], 5, True])
def test_what_stands_in_place_of_an_object_is_refused_where_one_of_its_values_is_needed(odd: object) -> None:
    data = {**EMPTY, "subscription": odd}

    with pytest.raises(InvalidEvent, match=r"^data\.subscription: must be an object$"):
        found("subscription.started", "mk_subscription_plan", data)
    assert found("subscription.started", "mk_access_level", data) is MISSING
    assert found("subscription.started", "data.subscription.plan", data) is MISSING
