"""The AsyncAPI document is what the code does: its examples are read by the worker itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from tests.node_packages import node_packages
from tests.unit.examples import NOON
from worker.contract.asyncapi import asyncapi_document
from worker.contract.examples import RULES
from worker.dead_letters.fitting import MAX_HEADER_BYTES
from worker.dead_letters.letter import dead_letter
from worker.errors import EventError, InvalidEvent, Reason
from worker.events.decode import decode
from worker.events.delivery import Delivery
from worker.events.event import Event
from worker.events.times import MOST_MILLISECONDS
from worker.handlers import HANDLERS
from worker.handlers.base import PLATFORM_FIELDS, read_payload
from worker.subscribers.identity import NO_IDS, normalize_email
from worker.subscribers.item import Item, Kind, Outcome

DOCUMENT = asyncapi_document("my.events")
MESSAGES = DOCUMENT["components"]["messages"]
EXAMPLES = [
    (name, message["contentType"], shown)
    for name, message in MESSAGES.items()
    for shown in message.get("examples", ())
]
LATER = datetime(2100, 1, 1, tzinfo=UTC)
"""When no time that a schema takes lies ahead, which no schema could say."""


def validator(name: str, part: str = "payload") -> Draft7Validator:
    """What checks the payload or the headers of one message; references reach the whole document."""
    return Draft7Validator({**MESSAGES[name][part], "components": DOCUMENT["components"]})


def references(value: Any) -> Iterator[str]:  # noqa: ANN401  # any JSON
    if isinstance(value, dict):
        yield from (ref for ref in [value.get("$ref")] if isinstance(ref, str))
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def delivery(body: object, key: str, headers: Mapping[str, Any] | None = None, **properties: str) -> Delivery:
    return Delivery(json.dumps(body).encode(), key, properties, headers or {}, received_at=LATER)


def is_taken(body: object, headers: Mapping[str, Any] | None = None) -> bool:
    """Whether the worker takes an event."""
    try:
        read_payload(decode(delivery(body, "user.signed_up", headers), arrival=0))
    except EventError:
        return False
    return True


# -- the document -------------------------------------------------------------------------------------------


def test_it_is_what_asyncapi_calls_a_document() -> None:
    """Given AsyncAPI's own schema, then the document fits it, bindings included, and a wrong one does not."""
    text = (node_packages() / "@asyncapi/specs/schemas/3.0.0.json").read_text(encoding="utf-8")
    official = Draft7Validator(json.loads(text))
    document = json.loads(json.dumps(DOCUMENT))

    assert [error.message for error in official.iter_errors(document)] == []
    document["channels"]["events"]["bindings"]["amqp"]["is"] = "queueing"
    assert list(official.iter_errors(document))


def test_every_reference_leads_somewhere() -> None:
    found = set(references(DOCUMENT))

    assert found
    for reference in found:
        target: Any = DOCUMENT
        for key in reference.removeprefix("#/").split("/"):
            target = target[key]


def test_there_is_a_message_for_each_type_in_each_form() -> None:
    names = [message["name"] for message in MESSAGES.values()]

    assert sorted(names) == sorted([*[kind for kind in HANDLERS for _ in range(3)], "deadLetter"])
    assert DOCUMENT["operations"]["applyEvent"]["action"] == "receive"
    assert len(DOCUMENT["operations"]["applyEvent"]["messages"]) == 3 * len(HANDLERS)


def test_the_exchange_is_the_one_that_is_set() -> None:
    exchange = DOCUMENT["channels"]["events"]["bindings"]["amqp"]["exchange"]

    assert (exchange["name"], exchange["type"], exchange["durable"]) == ("my.events", "topic", True)


def test_every_platform_field_is_named_where_it_comes_from() -> None:
    text = json.dumps(DOCUMENT["components"]["schemas"])

    assert all(f"`{name}`" in text for name in PLATFORM_FIELDS)


# -- examples -----------------------------------------------------------------------------------------------


def test_every_message_of_an_event_has_an_example() -> None:
    assert {name for name, _, _ in EXAMPLES} == MESSAGES.keys() - {"deadLetter"}
    assert len(EXAMPLES) == 5 * len(HANDLERS)  # one for each prefix of the binary form


@pytest.mark.parametrize(("name", "content_type", "shown"), EXAMPLES)
def test_each_example_fits_its_schema_and_the_worker_reads_it(
    name: str, content_type: str, shown: dict[str, Any]
) -> None:
    payload, headers = shown["payload"], shown.get("headers", {})
    validator(name).validate(payload)
    if headers:
        validator(name, "headers").validate(headers)

    event = decode(delivery(payload, "any.key", headers, content_type=content_type), arrival=0)

    assert event.type == MESSAGES[name]["name"]
    assert (event.id, event.time) == ("evt-1", NOON.replace(hour=10))
    assert bool(event.order.sequence) is ("CloudEvent" in name)
    assert read_payload(event).user.email == "ada@example.com"


# -- what the schemas take, the worker takes ----------------------------------------------------------------

PLAIN = MESSAGES["userSignedUp"]["examples"][0]["payload"]
STRUCTURED = MESSAGES["userSignedUpCloudEvent"]["examples"][0]["payload"]
BINARY = MESSAGES["userSignedUpBinaryCloudEvent"]["examples"][0]

PATHS = [
    ("id",), ("type",), ("time",), ("occurred_at",), ("sequence",), ("specversion",), ("source",), ("data",),
    ("data", "user"), ("data", "user", "email"), ("data", "user", "id"), ("data", "user", "first_name"),
    ("data", "subscription"), ("data", "subscription", "plan"), ("data", "access"),
    ("data", "access", "level"), ("data", "other"),
]  # fmt: skip
letters = st.characters(min_codepoint=32, max_codepoint=126)
texts = st.text(letters, max_size=6) | st.sampled_from([
    "", " ", "ada@example.com", "Ada@Example.test", " ada@example.com", "ada@example", "ada@localhost",
    "2026-07-01T10:00:00Z", "2026-02-29T10:00:00Z", "2026-07-01", "1.0", "0.3", "x" * 255, "x" * 256,
    "user.signed_up", "order.paid",
])  # fmt: skip
numbers = st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | texts
values = (
    scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.sampled_from(["user", "email"]), scalars)
)
changes = st.lists(st.tuples(st.sampled_from(PATHS), values | st.just(...)), min_size=1, max_size=3)


def changed(event: Mapping[str, Any], to: list[tuple[tuple[str, ...], Any]]) -> dict[str, Any]:
    """An event with other values at some paths; without them where the value is an ellipsis."""
    made: dict[str, Any] = deepcopy(dict(event))
    for path, value in to:
        place: Any = made
        for key in path[:-1]:
            place = place.get(key) if isinstance(place, dict) else None
        if isinstance(place, dict):
            place.pop(path[-1], None)
            if value is not ...:
                place[path[-1]] = value
    return made


@given(st.sampled_from([("userSignedUp", PLAIN), ("userSignedUpCloudEvent", STRUCTURED)]), changes)
@example(("userSignedUpCloudEvent", STRUCTURED), [(("time",), ...), (("occurred_at",), False)])
@settings(max_examples=400)
def test_what_a_schema_takes_the_worker_takes(message: tuple[str, Any], to: list[Any]) -> None:
    """Given any change of an example, then what the worker refuses, its schema refuses as well."""
    name, event = message[0], changed(message[1], to)

    assert is_taken(event) or not validator(name).is_valid(event)


header_values = values | st.integers(0, 2 * MOST_MILLISECONDS)


@given(
    st.sampled_from(["cloudEvents:", "cloudEvents_", "ce-"]),
    st.dictionaries(
        st.sampled_from(["id", "type", "time", "sequence", "specversion", "x"]), header_values, max_size=3
    ),
)
@settings(max_examples=300)
def test_what_the_schema_of_headers_takes_the_worker_takes(prefix: str, other: dict[str, Any]) -> None:
    headers = BINARY["headers"] | {f"{prefix}{name}": value for name, value in other.items()}
    if prefix != "cloudEvents:":  # one event in one binding: what two say is no matter of a schema
        headers = {f"{prefix}{name.removeprefix('cloudEvents:')}": value for name, value in headers.items()}
        headers |= {f"{prefix}{name}": value for name, value in other.items()}

    valid = validator("userSignedUpBinaryCloudEvent", "headers").is_valid(headers)
    assert is_taken(BINARY["payload"], headers) or not valid


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"user": {}},
        {"user": {"email": 5}},
        {"user": {"email": "ada at example.com"}},
        {"user": {"email": "ada@example.com", "id": [1]}},
        {"user": {"email": "ada@example.com"}, "subscription": "Annual"},
        {"user": {"email": "ada@example.com"}, "access": {"level": {}}},
    ],
)
@pytest.mark.parametrize("name", ["userSignedUp", "userSignedUpCloudEvent"])
def test_what_the_worker_refuses_the_schema_refuses_too(data: dict[str, Any], name: str) -> None:
    event = {**(PLAIN if name == "userSignedUp" else STRUCTURED), "data": data}

    assert not validator(name).is_valid(event)
    assert not is_taken(event)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"id": ...},
        {"time": ...},
        {"time": "2026-07-01T12:00:00.123456789+02:00"},
        {"time": ..., "occurred_at": "2026-07-01T10:00:00Z"},
        {"data": {"user": {"email": "zoë@bücher.example", "locale": "de", "first_name": None, "id": 7}}},
        {
            "data": {
                "user": {"email": "ada@example.com"},
                "order": {"total": 5, "items": [{}]},
                "access": None,
            }
        },
        {"more": {"of": "yours"}},
    ],
)
def test_what_a_platform_sends_is_taken_by_both(change: dict[str, Any]) -> None:
    """Given ordinary events, then the schemas are no stricter than the worker."""
    event = changed(PLAIN, [((name,), value) for name, value in change.items()])

    assert is_taken(event)
    validator("userSignedUp").validate(event)


def test_data_may_be_base64_and_only_one_of_the_two() -> None:
    packed = {**STRUCTURED, "data_base64": "eyJ1c2VyIjp7ImVtYWlsIjoiYWRhQGV4YW1wbGUuY29tIn19"}
    alone = {name: value for name, value in packed.items() if name != "data"}
    schema = validator("userSignedUpCloudEvent")

    assert (is_taken(alone), schema.is_valid(alone)) == (True, True)
    assert (is_taken(packed), schema.is_valid(packed)) == (False, False)
    assert not schema.is_valid({**alone, "data_base64": "?"})


# -- what it says in words ----------------------------------------------------------------------------------


def read(time: datetime | None = None, sequence: str = "", **more: Any) -> Event:  # noqa: ANN401
    event = {**STRUCTURED, **more} | ({"time": time.isoformat()} if time else {})
    event |= {"sequence": sequence} if sequence else {}
    return decode(delivery(event, "user.signed_up"), arrival=0)


def test_the_rules_say_what_the_code_does() -> None:
    """Given the sentences that a platform builds on, each stands in the document, and is so."""
    words = " ".join(RULES.split())

    assert "Known by `data.user.id` where an event has one" in words
    assert "trimmed, composed (NFC), in lower case, its domain as IDNA writes it" in words
    assert normalize_email(" ADE\u0301@BÜCHER.example ") == "adé@xn--bcher-kva.example"
    for none in NO_IDS - {""}:
        assert none in words
    assert "more than 5 minutes ahead" in words
    assert read(LATER + timedelta(minutes=5))
    with pytest.raises(InvalidEvent):
        read(LATER + timedelta(minutes=5, seconds=1))
    assert "`sequence` where there is one, then time, then arrival" in words
    assert read(NOON, "10").order > read(NOON + timedelta(1), "9").order
    assert "send each event as a message of its own" in words
    assert not is_taken([STRUCTURED])
    assert "`time` may also be called `occurred_at`" in words


# -- dead letters -------------------------------------------------------------------------------------------


def test_every_reason_of_a_dead_letter_is_listed() -> None:
    reasons = MESSAGES["deadLetter"]["headers"]["properties"]["x-reason"]["enum"]

    assert reasons == [reason.value for reason in Reason]


def test_every_header_that_a_dead_letter_gains_is_described_and_no_other() -> None:
    """Given the fullest of messages, then what is added to it is what the document lists."""
    described = MESSAGES["deadLetter"]["headers"]["properties"]
    full = replace_in(delivery(PLAIN, "user.signed_up"), headers={"CC": ["a"], "BCC": ["b"]})
    event = decode(full, arrival=7)
    large = replace_in(full, headers={"trace": "x" * (MAX_HEADER_BYTES + 1)})

    again = {"x-origin": "due", "x-due-at": "2026-08-01T00:00:00Z", "x-due-id": "d-1", "x-replay-run": "7"}
    again["x-import"] = "{}"
    due = Delivery(full.body, "kit.main", {}, {**again, "x-original-routing-key": "user.signed_up"})

    headers = letter_headers(full, event) | letter_headers(large, event) | letter_headers(due, event)

    assert headers.keys() == described.keys()
    for name, value in headers.items():
        Draft7Validator(described[name]).validate(value)


def replace_in(received: Delivery, headers: Mapping[str, Any]) -> Delivery:
    properties = {"user_id": "guest", "expiration": "60000", "priority": 5, "message_id": "m-1"}
    return Delivery(received.body, received.routing_key, properties, headers, received_at=NOON, exchange="x")


def letter_headers(received: Delivery, event: Event) -> dict[str, Any]:
    out = dead_letter(
        "sunny", Outcome(Item(received, event), Kind.DEAD_LETTERED, InvalidEvent("no"), attempts=1), NOON
    )
    headers = out.properties["headers"]
    assert isinstance(headers, dict)
    return headers
