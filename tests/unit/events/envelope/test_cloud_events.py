"""Every form in which an event comes, with headers and bodies as the official CloudEvents SDKs write them."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings import amqp, rabbitmq
from cloudevents.core.v1.event import CloudEvent

from tests.unit.events.envelope.sent import BODY, DATA, STRUCTURED, read, refused, sent
from tests.unit.examples import NOON
from worker.errors import EventError, InvalidEvent, UndecodableEvent
from worker.events.delivery import Delivery

# --  -----------------------------------------------------------------------------------------------------

TEN = datetime(2026, 7, 1, 10, tzinfo=UTC)
QUARTER_PAST = TEN.replace(microsecond=250_000)
MILLISECONDS = 1782900000250
"""Since 1970, a quarter of a second past ten."""
ATTRIBUTES = {
    "id": "e-1", "type": "user.signed_up", "source": "/platform", "time": QUARTER_PAST, "sequence": "7",
    "subject": "u-1", "dataschema": "https://platform.example/schema",
}  # fmt: skip


def by_python_amqp(event: CloudEvent) -> Delivery:
    """What the SDK for Python makes for AMQP: a time is milliseconds since 1970."""
    made = amqp.to_binary_event(event)
    return sent(made.application_data, made.application_properties, made.properties.get("content-type", ""))


def by_python_rabbitmq(event: CloudEvent) -> Delivery:
    made = rabbitmq.to_binary_event(event)
    return sent(made.body, made.headers, made.content_type or "")


def by_python_structured(event: CloudEvent) -> Delivery:
    made = rabbitmq.to_structured_event(event)
    return sent(made.body, made.headers, made.content_type or "")


JAVASCRIPT = {
    "content-type": "application/json; charset=utf-8", "ce-id": "e-1", "ce-time": "2026-07-01T10:00:00.250Z",
    "ce-type": "user.signed_up", "ce-source": "/platform", "ce-specversion": "1.0", "ce-subject": "u-1",
    "ce-dataschema": "https://platform.example/schema", "ce-sequence": "7",
}  # fmt: skip
"""`HTTP.binary(event).headers` of the npm package cloudevents 10.0.0."""

GO = {
    "cloudEvents:specversion": "1.0", "cloudEvents:id": "e-1", "cloudEvents:source": "/platform",
    "cloudEvents:type": "user.signed_up", "cloudEvents:subject": "u-1", "cloudEvents:time": TEN,
    "cloudEvents:sequence": 7,
}  # fmt: skip
"""`WriteMessage` of sdk-go's protocol/amqp/v2: times as AMQP timestamps, integers as long."""

JAVA = {
    "cloudEvents:specversion": "1.0", "cloudEvents:id": "e-1", "cloudEvents:source": "/platform",
    "cloudEvents:type": "user.signed_up", "cloudEvents:time": "2026-07-01T10:00:00.25Z", "sequence": "7",
}  # fmt: skip
"""`ProtonAmqpMessageWriter` of sdk-java: all as text, and extensions without a prefix."""

SDKS = {
    "python, amqp": by_python_amqp(CloudEvent({**ATTRIBUTES, "datacontenttype": "application/json"}, DATA)),
    "python, amqp, no content type": by_python_amqp(CloudEvent(ATTRIBUTES, DATA)),
    "python, rabbitmq": by_python_rabbitmq(CloudEvent(ATTRIBUTES, DATA)),
    "python, structured": by_python_structured(CloudEvent(ATTRIBUTES, DATA)),
    "python, structured, of bytes": by_python_structured(CloudEvent(ATTRIBUTES, BODY)),
    "javascript": sent(BODY, JAVASCRIPT),
    "javascript, structured": sent(
        STRUCTURED, {"content-type": "application/cloudevents+json; charset=utf-8"}
    ),
    "go": sent(BODY, GO, "application/json"),
    "java": sent(BODY, JAVA, "application/json"),
    "java, structured": sent(STRUCTURED, {}, "application/cloudevents+json"),
}


@pytest.mark.parametrize("name", SDKS)
def test_what_an_official_sdk_sends_is_taken_with_all_that_it_says(name: str) -> None:
    event = read(SDKS[name])

    assert (event.id, event.type, event.data) == ("e-1", "user.signed_up", DATA)
    assert event.time == (TEN if name == "go" else QUARTER_PAST)  # an AMQP timestamp is in whole seconds
    assert event.order.sequence == "0017"


BINARY = {"ce-specversion": "1.0", "ce-id": "e-1", "ce-type": "user.signed_up"}


@pytest.mark.parametrize("prefix", ["cloudEvents:", "cloudEvents_", "ce-", "CE-", "cloudevents:", "Ce-"])
@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
def test_an_attribute_is_known_in_any_case_and_under_each_prefix(prefix: str, case: Any) -> None:  # noqa: ANN401
    names = {"specversion": "1.0", "id": "e-1", "type": "user.signed_up", "time": "2026-07-01T10:00:00Z"}

    event = read(sent(BODY, {f"{prefix}{case(name)}": value for name, value in names.items()}))

    assert (event.id, event.type, event.time) == ("e-1", "user.signed_up", TEN)


@pytest.mark.parametrize("header", ["cloudEvents_time", "ce-time"])
def test_a_time_in_a_header_may_be_whole_milliseconds(header: str) -> None:
    assert read(sent(BODY, {**BINARY, header: MILLISECONDS})).time == QUARTER_PAST


@pytest.mark.parametrize("value", [1782900000, 0, -1, MILLISECONDS * 1000, 10**30, True, 1.5, ["x"], {}])
def test_any_other_number_is_refused_and_never_taken_for_a_day_in_1970(value: object) -> None:
    assert refused(sent(BODY, {**BINARY, "ce-time": value})).startswith("time: ")


def test_the_time_in_a_body_is_text() -> None:
    body = json.dumps({"specversion": "1.0", "id": "e", "type": "a.b", "time": MILLISECONDS, "data": DATA})

    assert refused(sent(body.encode(), {})).startswith("time: must be an ISO 8601 time")


@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_headers_given_as_bytes_are_text(kind: Any) -> None:  # noqa: ANN401
    headers = {name: kind(value.encode()) for name, value in BINARY.items()}

    assert read(sent(BODY, headers)).id == "e-1"


def test_bytes_that_are_no_text_are_refused_where_they_would_say_something() -> None:
    assert refused(sent(BODY, {**BINARY, "ce-id": b"\xff"})) == "id: its header is not UTF-8"
    assert read(sent(BODY, {**BINARY, "ce-traceparent": b"\xff", "ce-sequence": None})).id == "e-1"


@pytest.mark.parametrize("other", [{"cloudEvents:id": "e-1"}, {"cloudEvents_id": b"e-1"}, {"CE-ID": "e-1"}])
def test_headers_of_two_bindings_that_say_the_same_are_one(other: dict[str, Any]) -> None:
    assert read(sent(BODY, {**BINARY, **other})).id == "e-1"


def test_a_time_said_in_two_ways_is_one() -> None:
    both = {"ce-time": "2026-07-01T12:00:00.250+02:00", "cloudEvents_time": MILLISECONDS}

    assert read(sent(BODY, {**BINARY, **both})).time == QUARTER_PAST


def test_a_number_and_its_digits_are_one() -> None:
    both = {"ce-sequence": 7, "cloudEvents:sequence": "7"}

    assert read(sent(BODY, {**BINARY, **both})).order.sequence == "0017"


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("cloudEvents:id", "e-2"),
        ("cloudEvents_type", "user.deleted"),
        ("cloudEvents:specversion", "0.3"),
        ("CE-Id", "E-1"),
    ],
)
def test_headers_of_two_bindings_that_differ_are_refused_since_nobody_knows_which_is_meant(
    header: str, value: str
) -> None:
    detail = refused(sent(BODY, {**BINARY, header: value}))

    assert detail.endswith("headers of two bindings say different things; send one of them")


def test_what_says_nothing_here_may_differ() -> None:
    assert read(sent(BODY, {**BINARY, "ce-source": "/a", "cloudEvents:source": "/b"})).id == "e-1"


def test_a_structured_event_counts_whatever_its_headers_repeat() -> None:
    """Given headers of a gateway's own beside a structured event, then the event is what its body says."""
    headers = {**BINARY, "ce-id": "hop-9", "ce-type": "gateway.forwarded"}

    for content_type in ("application/cloudevents+json", "application/json", ""):
        event = read(sent(STRUCTURED, headers, content_type))
        assert (event.id, event.type, event.data) == ("e-1", "user.signed_up", DATA)


def test_headers_without_a_specversion_are_no_cloud_event() -> None:
    """Given plain JSON that a tracing library has given a header of its own."""
    body = json.dumps({"id": "p-1", "data": DATA}).encode()

    event = read(sent(body, {"ce-id": "e-1", "ce-time": "noon", "sequence": "9"}))

    assert (event.id, event.time, event.order.sequence) == ("p-1", NOON, "")


def test_a_prefixed_sequence_counts_before_a_bare_one() -> None:
    assert read(sent(BODY, {**BINARY, "ce-sequence": "8", "sequence": "9"})).order.sequence == "0018"
    assert read(sent(BODY, {**BINARY, "sequence": {"a": 1}})).order.sequence == ""


# -- data as base64 ---------------------------------------------------------------------------------------


def packed(packed_data: object, **more: object) -> Delivery:
    event = {"specversion": "1.0", "id": "e-1", "type": "user.signed_up", "data_base64": packed_data, **more}
    return sent(json.dumps(event).encode(), {}, "application/cloudevents+json")


def in_base64(body: bytes) -> str:
    return b64encode(body).decode()


def test_data_may_be_json_in_base64() -> None:
    assert read(packed(in_base64(BODY))).data == read(packed(in_base64(BODY), data=None)).data == DATA


@pytest.mark.parametrize(
    ("received", "kind", "detail"),
    [
        (packed("%%%"), InvalidEvent, "data_base64: is not base64"),
        (packed("é"), InvalidEvent, "data_base64: is not base64"),
        (packed(5), InvalidEvent, "data_base64: is not base64"),
        (packed(in_base64(b"<user/>")), UndecodableEvent, "data_base64: not JSON"),
        (packed(in_base64(b"\xff")), UndecodableEvent, "data_base64: not UTF-8"),
        (packed(in_base64(b"[" * 40 + b"]" * 40)), UndecodableEvent, "data_base64: nested deeper"),
        (packed(in_base64(b'{"a": "\\u0000"}')), InvalidEvent, "a: holds a character that is not text"),
        (packed(in_base64(b"[]")), InvalidEvent, "data: must be an object"),
        (packed(in_base64(BODY), data=DATA), InvalidEvent, "data_base64: stands beside data"),
    ],
    ids=range(9),
)
def test_other_base64_is_refused(received: Delivery, kind: type[EventError], detail: str) -> None:
    assert refused(received, kind).startswith(detail)
