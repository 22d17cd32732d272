"""What is no event of ours, or came by AMQP 1.0 as RabbitMQ hands it over: refused with what to send."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.unit.events.envelope.sent import BODY, DATA, STRUCTURED, read, refused, sent
from tests.unit.examples import NOON
from worker.errors import UndecodableEvent
from worker.events.delivery import Delivery

# -- what is no event of ours -----------------------------------------------------------------------------


def test_a_batch_is_refused_with_what_to_send() -> None:
    batch = b"[" + STRUCTURED + b"]"

    labelled = refused(sent(batch, {}, "application/cloudevents-batch+json; charset=utf-8"), UndecodableEvent)
    bare = refused(sent(batch, {}), UndecodableEvent)

    assert labelled == "content_type: a batch of CloudEvents; send each event as a message of its own"
    assert bare == "body: must be a JSON object, not a list; send each event as a message of its own"


def test_text_in_place_of_an_object_is_refused_with_what_to_send() -> None:
    """Given `data=json.dumps(…)` in place of an object, which the SDKs pass on as text."""
    event = {"specversion": "1.0", "id": "e-1", "type": "user.signed_up", "data": json.dumps(DATA)}

    assert refused(sent(json.dumps(event).encode(), {})) == "data: must be an object, not text"


# -- by AMQP 1.0, as RabbitMQ hands it over ---------------------------------------------------------------


def by_amqp_1(body: bytes, headers: Mapping[str, Any], kind: str, key: str = "user.signed_up") -> Delivery:
    properties = {"content_type": "application/json", "type": kind}
    return Delivery(body, key, properties, headers, received_at=NOON, exchange="platform.events")


HIDDEN = {"x-amqp-1.0-app-properties": b"\x00St\xd1\x00\x00\x00\x11\x00\x00\x00\x02\xa1\x0ecloudEvents:id"}
"""As 3.10 writes it."""


@pytest.mark.parametrize("kind", ["binary", "amqp-1.0", " "])
def test_the_type_that_rabbitmq_sets_is_none(kind: str) -> None:
    """Given an event that leaves its type to its routing key, then it is that, and not "binary"."""
    body = json.dumps({"data": DATA}).encode()

    assert read(by_amqp_1(body, {}, kind)).type == "user.signed_up"
    assert read(by_amqp_1(STRUCTURED, HIDDEN, kind)).id == "e-1"


def test_properties_that_rabbitmq_hides_are_missed_with_what_to_send() -> None:
    """Given a binary CloudEvent by AMQP 1.0 through RabbitMQ 3, then the sentence says what arrives."""
    assert refused(by_amqp_1(BODY, HIDDEN, "binary")) == (
        "data: missing; RabbitMQ before 4.0 hides the properties of AMQP 1.0: send structured CloudEvents"
    )


def test_a_value_of_amqp_1_is_refused_with_what_to_send() -> None:
    """Given JSON as a text value, as JMS sends it, then RabbitMQ passes it on in AMQP 1.0's own form."""
    body = b"\x00Sw\xa1" + bytes([len(STRUCTURED) % 256]) + STRUCTURED

    assert refused(by_amqp_1(body, {}, "amqp-1.0"), UndecodableEvent) == (
        "body: is a value of AMQP 1.0; send the JSON as data, which is bytes"
    )
