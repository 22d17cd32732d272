"""The AsyncAPI document is what the code does: its examples are read by the worker itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from jsonschema import Draft7Validator

from tests.node_packages import node_packages
from tests.unit.contract.asyncapi.document import (
    DOCUMENT,
    LATER,
    MESSAGES,
    PLAIN,
    STRUCTURED,
    delivery,
    is_taken,
    validator,
)
from tests.unit.examples import NOON
from worker.contract.examples import RULES
from worker.dead_letters.fitting import MAX_HEADER_BYTES
from worker.dead_letters.letter import dead_letter
from worker.errors import InvalidEvent, Reason
from worker.events.decode import decode
from worker.events.delivery import Delivery
from worker.events.event import Event
from worker.handlers import HANDLERS
from worker.handlers.base import PLATFORM_FIELDS, read_payload
from worker.subscribers.identity import NO_IDS, normalize_email
from worker.subscribers.item import Item, Kind, Outcome

EXAMPLES = [
    (name, message["contentType"], shown)
    for name, message in MESSAGES.items()
    for shown in message.get("examples", ())
]


def references(value: Any) -> Iterator[str]:  # noqa: ANN401  # any JSON
    if isinstance(value, dict):
        yield from (ref for ref in [value.get("$ref")] if isinstance(ref, str))
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


# -- the document -----------------------------------------------------------------------------------------


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


# -- examples ---------------------------------------------------------------------------------------------


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


# -- what it says in words --------------------------------------------------------------------------------


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


# -- dead letters -----------------------------------------------------------------------------------------


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
    again |= {"x-import": "{}", "x-owes": "1a2b"}
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
