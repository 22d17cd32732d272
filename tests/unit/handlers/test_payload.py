"""Payloads: what is refused, and how the message names the field."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.examples import event
from worker import handlers
from worker.errors import InvalidEvent
from worker.handlers.base import Handler, read_payload

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


def test_two_handlers_for_one_type_are_a_mistake_that_is_seen_at_once() -> None:
    with pytest.raises(ValueError, match=r"two handlers for user\.updated"):
        handlers._register(Handler("user.updated", "one"), Handler("user.updated", "two"))
