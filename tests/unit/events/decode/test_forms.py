"""An event's three forms, and whether a body is one at all."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.events.decode.reading import CLOUD_EVENT, DATA, message, plain, read, refused
from tests.unit.examples import NOON
from worker.errors import UndecodableEvent
from worker.events.body import MAX_BODY_BYTES

# -- the three forms --------------------------------------------------------------------------------------


def test_a_structured_cloud_event_carries_everything_in_its_body() -> None:
    received = message(
        CLOUD_EVENT, content_type="application/cloudevents+json; charset=utf-8", message_id="amqp"
    )

    event = read(received)

    assert (event.id, event.type, event.data) == ("e-1", "user.signed_up", DATA)
    assert event.time == datetime(2026, 7, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize("prefix", ["cloudEvents:", "cloudEvents_"])
def test_a_binary_cloud_event_carries_its_attributes_in_headers(prefix: str) -> None:
    attributes = {"specversion": "1.0", "id": "e-2", "type": "order.paid", "time": "2026-07-01T10:00:00Z"}
    headers = {f"{prefix}{name}": value for name, value in attributes.items()} | {"other": b"\xff"}

    event = read(message(DATA, "order.paid", headers=headers, content_type="application/json"))

    assert (event.id, event.type, event.data) == ("e-2", "order.paid", DATA)
    assert event.time == datetime(2026, 7, 1, 10, tzinfo=UTC)


def test_a_binary_cloud_event_may_carry_its_time_as_an_amqp_timestamp_and_its_sequence_as_a_number() -> None:
    headers = {
        "cloudEvents:specversion": "1.0", "cloudEvents:id": "e", "cloudEvents:type": "order.paid",
        "cloudEvents:time": NOON - timedelta(hours=1), "cloudEvents:sequence": 7,
    }  # fmt: skip

    event = read(message(DATA, "order.paid", headers=headers))

    assert event.time == NOON - timedelta(hours=1)
    assert (
        event.order.sequence
        == plain(specversion="1.0", id="e", type="user.signed_up", sequence="7").order.sequence
    )


def test_plain_json_may_say_everything_itself() -> None:
    event = plain(id="e-3", type="order.paid", occurred_at="2026-07-01T10:00:00+02:00")

    assert (event.id, event.type, event.time) == ("e-3", "order.paid", datetime(2026, 7, 1, 8, tzinfo=UTC))


def test_plain_json_may_leave_it_to_the_amqp_properties() -> None:
    sent = NOON - timedelta(minutes=1)

    event = read(message(key="anything", message_id="m-1", type="order.paid", timestamp=sent))

    assert (event.id, event.type, event.time) == ("m-1", "order.paid", sent)


def test_the_body_wins_over_the_properties() -> None:
    body = {"id": "body", "type": "order.paid", "time": "2026-07-01T10:00:00Z", "data": DATA}
    properties: dict[str, Any] = {"message_id": "amqp", "type": "user.signed_up", "timestamp": NOON}

    event = read(message(body, "order.paid", **properties))

    assert (event.id, event.type, event.time.hour) == ("body", "order.paid", 10)


def test_an_event_without_an_id_has_none() -> None:
    """Only ids given by the publisher mark duplicates, so none is made up."""
    assert plain().id is None


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({**CLOUD_EVENT, "specversion": "0.3"}, "specversion: only CloudEvents 1.0"),
        ({**CLOUD_EVENT, "specversion": None}, "specversion: only CloudEvents 1.0"),
        ({**CLOUD_EVENT, "id": ""}, "id: missing"),
        ({key: value for key, value in CLOUD_EVENT.items() if key != "id"}, "id: missing"),
        ({**CLOUD_EVENT, "type": None}, "type: missing"),
        ({key: value for key, value in CLOUD_EVENT.items() if key != "specversion"}, "specversion: missing"),
    ],
)
def test_a_cloud_event_needs_what_cloud_events_need(body: object, detail: str) -> None:
    received = message(body, content_type="application/cloudevents+json", message_id="m", type="order.paid")

    assert refused(received).startswith(detail)


# -- bodies that are none ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "body: not JSON"),
        (b"hello", "body: not JSON"),
        (b'{"data": {', "body: not JSON"),
        (b"\xff\xfe", "body: not UTF-8 at byte 0"),
        ('{"data": {"user": {"email": "ada@example.com"}}}'.encode("utf-16"), "body: not UTF-8"),
        (b'{"data": {"x": NaN}}', "body: not JSON: NaN"),
        (b'{"data": {"x": -Infinity}}', "body: not JSON: -Infinity"),
        (b'{"data": {"x": 1e999}}', "body: not JSON: a number is too large"),
        (b'{"data": {"x": -1e999}}', "body: not JSON: a number is too large"),
        (b'{"data": {"x": ' + b"9" * 5000 + b"}}", "body: not JSON: "),
        (b"[]", "body: must be a JSON object"),
        (b'"data"', "body: must be a JSON object"),
        (b"null", "body: must be a JSON object"),
        (b"[" * 40 + b"]" * 40, "body: nested deeper than 32"),
        (b"[" * 100_000 + b"]" * 100_000, "body: nested deeper than 32"),
        (b'{"data":' * 20_000, "body: "),
        (b" " * (MAX_BODY_BYTES + 1), "body: 262145 bytes; at most 262144"),
    ],
    ids=range(17),
)
def test_what_is_not_readable_json_is_undecodable(body: bytes, detail: str) -> None:
    assert refused(message(body), UndecodableEvent).startswith(detail)


def test_a_body_may_be_as_large_and_as_deep_as_the_contract_says() -> None:
    nested: object = "deep"
    for _ in range(30):
        nested = [nested]
    body = json.dumps({"data": {**DATA, "nested": nested}}).encode()

    event = read(message(body.ljust(MAX_BODY_BYTES)))

    assert event.data["nested"] == nested


def test_a_byte_order_mark_does_no_harm() -> None:
    assert read(message(b"\xef\xbb\xbf" + json.dumps({"data": DATA}).encode())).data == DATA


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (rb'{"data": {"user": {"first_name": "A\u0000"}}}', "data.user.first_name: holds a character"),
        (rb'{"data": {"user": {"first_name": "\ud83d"}}}', "data.user.first_name: holds a character"),
        (rb'{"data": {"list": ["fine", "\uDC00"]}}', "data.list.1: holds a character"),
        (rb'{"data": {"\udc00": 1}}', "data: a key holds a character"),
        (rb'{"id": "\u0000", "data": {}}', "id: holds a character"),
    ],
)
def test_text_that_no_utf_8_can_carry_is_refused_and_the_field_named(body: bytes, detail: str) -> None:
    assert refused(message(body)).startswith(detail)


def test_a_whole_surrogate_pair_is_a_character() -> None:
    assert read(message(rb'{"data": {"name": "\ud83d\ude00 \\u0000"}}')).data["name"] == "\U0001f600 \\u0000"


@pytest.mark.parametrize(
    ("data", "detail"), [(None, "data: missing"), ([], "data: must be an object"), ("x", "data: ")]
)
def test_data_must_be_an_object(data: object, detail: str) -> None:
    assert refused(message({"data": data})).startswith(detail)
    binary = {"cloudEvents:specversion": "1.0", "cloudEvents:id": "e", "cloudEvents:type": "order.paid"}
    assert refused(message(json.dumps(data).encode(), headers=binary)).startswith(detail)


def test_properties_that_could_not_be_read_are_named() -> None:
    detail = refused(message(unreadable=("message_id", "timestamp")), UndecodableEvent)

    assert detail.startswith("message_id, timestamp: cannot be read")
