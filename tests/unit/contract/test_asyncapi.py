"""The AsyncAPI document is what the code does: its examples are read by the worker itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from jsonschema import Draft7Validator

from tests.unit.examples import NOON
from worker.contract.asyncapi import asyncapi_document
from worker.errors import EventError, Reason
from worker.events.decode import decode
from worker.events.delivery import Delivery
from worker.handlers import HANDLERS
from worker.handlers.base import PLATFORM_FIELDS, read_payload

DOCUMENT = asyncapi_document("my.events")
MESSAGES = DOCUMENT["components"]["messages"]
EXAMPLES = [
    (name, message["contentType"], example["payload"])
    for name, message in MESSAGES.items()
    for example in message.get("examples", ())
]


def validator(name: str) -> Draft7Validator:
    """What checks the payload of one message; references reach the whole document."""
    return Draft7Validator({**MESSAGES[name]["payload"], "components": DOCUMENT["components"]})


def references(value: Any) -> Iterator[str]:  # noqa: ANN401  # any JSON
    if isinstance(value, dict):
        yield from (ref for ref in [value.get("$ref")] if isinstance(ref, str))
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


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


def delivery(body: object, key: str, headers: Mapping[str, Any] | None = None, **properties: str) -> Delivery:
    return Delivery(json.dumps(body).encode(), key, properties, headers or {}, received_at=NOON)


@pytest.mark.parametrize(("name", "content_type", "payload"), EXAMPLES)
def test_each_example_fits_its_schema_and_the_worker_reads_it(
    name: str, content_type: str, payload: dict[str, Any]
) -> None:
    validator(name).validate(payload)

    event = decode(delivery(payload, payload["type"], content_type=content_type), arrival=0)
    assert event.type == MESSAGES[name]["name"]
    assert read_payload(event).user.email == "ada@example.com"


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"user": {}},
        {"user": {"email": 5}},
        {"user": {"email": "ada@example.com", "id": [1]}},
        {"user": {"email": "ada@example.com"}, "subscription": "Annual"},
        {"user": {"email": "ada@example.com"}, "access": {"level": {}}},
    ],
)
def test_what_the_schema_refuses_the_worker_refuses_too(data: dict[str, Any]) -> None:
    event = {"id": "e-1", "type": "user.signed_up", "data": data}

    assert not validator("userSignedUp").is_valid(event)
    with pytest.raises(EventError):
        read_payload(decode(delivery(event, "user.signed_up"), arrival=0))


def test_unknown_keys_and_nulls_are_allowed() -> None:
    data = {"user": {"email": "ada@example.com", "locale": "de", "first_name": None}, "order": {"total": 5}}

    validator("userSignedUp").validate({"type": "user.signed_up", "data": data})


def test_the_example_of_a_binary_cloud_event_is_read_from_its_headers() -> None:
    headers = {
        "cloudEvents:specversion": "1.0",
        "cloudEvents:id": "e-1",
        "cloudEvents:type": "access.granted",
    }
    schema = MESSAGES["accessGrantedBinaryCloudEvent"]["headers"]
    body = MESSAGES["accessGranted"]["examples"][0]["payload"]["data"]

    Draft7Validator(schema).validate(headers)
    event = decode(delivery(body, "access.granted", headers=headers), arrival=0)

    assert (event.id, event.data) == ("e-1", body)


def test_every_platform_field_is_named_where_it_comes_from() -> None:
    text = json.dumps(DOCUMENT["components"]["schemas"])

    assert all(f"`{name}`" in text for name in PLATFORM_FIELDS)


def test_every_reason_of_a_dead_letter_is_listed() -> None:
    reasons = MESSAGES["deadLetter"]["headers"]["properties"]["x-reason"]["enum"]

    assert reasons == [reason.value for reason in Reason]
