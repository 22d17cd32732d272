"""What can still be read of a message whose event cannot be applied."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.examples import EMAIL, NOON
from worker.events.delivery import Delivery
from worker.subscribers.glimpse import Glimpse, glimpse
from worker.subscribers.identity import id_key

TYPES = ("user.signed_up", "order.paid")
TIME = "2026-07-01T12:00:00Z"
BODY = {
    "id": "e-1",
    "type": "order.paid",
    "time": TIME,
    "data": {"user": {"id": 7, "email": " Ada@example.com"}},
}
ALL = Glimpse("e-1", "order.paid", NOON, EMAIL, "7", "sunny")


def seen(
    body: object,
    key: str = "user.signed_up.sunny",
    headers: dict[str, Any] | None = None,
    *,
    exchange: str = "platform.events",
    **properties: object,
) -> Glimpse:
    as_bytes = body if isinstance(body, bytes) else json.dumps(body).encode()
    return glimpse(Delivery(as_bytes, key, properties, headers or {}, exchange=exchange), ("sunny",), TYPES)


def test_of_an_event_that_can_be_read_all_is_seen() -> None:
    assert seen(BODY) == ALL


@pytest.mark.parametrize(
    ("part", "lost"),
    [
        ("id", {"id": None}),
        ("type", {"type": "user.signed_up"}),
        ("time", {"time": None}),
        ("data", {"email": "", "user_id": None}),
    ],
)
@pytest.mark.parametrize(
    "bad", [None, [], {}, True, 1.5, "", {"user": 5}, {"user": {"email": "no", "id": [1]}}]
)
def test_each_part_is_seen_whatever_the_others_are(part: str, lost: dict[str, object], bad: object) -> None:
    """Given an event with one part that is wrong, then the others are read all the same."""
    found = seen(BODY | {part: bad})

    assert found == Glimpse(**{name: getattr(ALL, name) for name in Glimpse.__struct_fields__} | lost)


def test_of_a_body_that_breaks_off_all_that_comes_before_is_seen() -> None:
    whole = json.dumps(BODY | {"rest": 1}).encode()

    assert seen(whole[: whole.index(b'"rest"') + 2]) == ALL


def test_of_bytes_that_are_nothing_the_properties_are_seen() -> None:
    given_time = NOON - timedelta(hours=1)

    found = seen(b"\x1f\x8b\xff", message_id="m-1", type="order.paid", timestamp=given_time)

    assert found == Glimpse("m-1", "order.paid", given_time, app="sunny")


def test_the_routing_key_stands_for_a_type_less_the_app() -> None:
    assert seen(b"?", "order.paid.sunny").type == "order.paid"
    assert seen(b"?", "order.moved.sunny").type == "order.moved"


def test_the_name_of_a_queue_is_no_type() -> None:
    assert seen(b"?", "kit.sunny", exchange="") == Glimpse()


HEADERS = {"specversion": "1.0", "id": "c-1", "type": "order.paid", "time": TIME}


@pytest.mark.parametrize("prefix", ["cloudEvents:", "cloudEvents_", "ce-", "CE-"])
def test_of_a_binary_cloud_event_the_headers_are_seen(prefix: str) -> None:
    """Given headers in order, and a body that is wrong, then the event is told by its headers."""
    headers = {f"{prefix}{name}": value for name, value in HEADERS.items()}

    assert seen(b"<xml/>", headers=headers, message_id="m-1") == Glimpse(
        "c-1", "order.paid", NOON, app="sunny"
    )
    assert seen({"user": {"email": EMAIL}}, headers=headers).email == EMAIL


def test_of_headers_that_differ_or_are_wrong_the_others_are_seen() -> None:
    """Given an event that is refused for its headers, then it is found by what the first of them say."""
    headers = {
        "ce-specversion": "1.0",
        "ce-time": 5,
        "ce-id": b"c-1",
        "cloudEvents:id": "c-2",
        "ce-type": "a",
    }

    assert seen(b"?", headers=headers) == Glimpse("c-1", "a", None, app="sunny")


def test_of_what_is_packed_all_is_seen() -> None:
    in_base64 = {**BODY, "data": None, "data_base64": b64encode(json.dumps(BODY["data"]).encode()).decode()}

    assert seen(gzip.compress(json.dumps(BODY).encode()), content_encoding="gzip") == ALL
    assert seen(in_base64) == ALL
    assert seen({**in_base64, "data_base64": "?"}) == Glimpse("e-1", "order.paid", NOON, app="sunny")


def test_of_a_replay_that_fails_again_the_first_time_is_seen() -> None:
    headers = {"x-original-routing-key": "order.paid.sunny", "x-event-id": "e-1", "x-event-time": TIME}

    assert seen(b"?", "kit.sunny", headers, exchange="", message_id="m-1") == Glimpse(
        "e-1", "order.paid", NOON, app="sunny"
    )


def test_a_publisher_cannot_pass_for_a_replay() -> None:
    headers = {"x-original-routing-key": "order.paid.rainy", "x-event-id": "forged", "x-event-time": TIME}

    assert seen(b"?", headers=headers, message_id="m-1") == Glimpse("m-1", "user.signed_up", app="sunny")


def test_what_is_seen_is_cut_and_harmless() -> None:
    long, acting = "e" * 5_000, "\x1b]0;x\x07\u202e\x00\ud800"

    found = seen(BODY | {"id": long[:300], "type": f"order\n{acting}{long}"})

    assert found.id == id_key(long[:300])
    assert len(found.type) == 255
    assert found.type.startswith("order \\x1b]0;x\\x07\\u202e\\x00\\ud800e")
    assert len(seen(BODY | {"id": acting + long}).id or "") == 255


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=6) | st.just(TIME),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["user", "email", "id"]), inner, max_size=3)
    ),
    max_leaves=6,
)
names = st.sampled_from(["id", "type", "time", "occurred_at", "data", "data_base64", "specversion"])
stamps = st.sampled_from([None, NOON, datetime.max.replace(tzinfo=UTC), datetime.min])  # noqa: DTZ901  # any


@given(
    st.binary(max_size=40)
    | st.dictionaries(names, json_values, max_size=5).map(lambda body: json.dumps(body).encode()),
    st.dictionaries(
        names.map("cloudEvents:{}".format) | names.map("ce-{}".format) | st.just("x-event-time"),
        json_values | stamps,
        max_size=4,
    ),
    stamps,
    st.text(max_size=8) | st.integers(),
    st.sampled_from(["", "platform.events"]),
)
@settings(max_examples=300)
def test_whatever_comes_it_raises_nothing(
    body: bytes, headers: dict[str, Any], stamp: datetime | None, text: object, exchange: str
) -> None:
    properties = {"timestamp": stamp, "message_id": text, "type": text}

    found = glimpse(Delivery(body, str(text), properties, headers, exchange=exchange), ("sunny",), TYPES)

    assert found.time is None or found.time.tzinfo is not None
    assert len(found.type) <= 255
    assert found.id is None or 0 < len(found.id) <= 255
    f"{found.id}{found.type}{found.email}".encode()
