"""One event as the official CloudEvents SDKs send it, each in its own way."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import aio_pika
from cloudevents.core.bindings import amqp, rabbitmq
from cloudevents.core.v1.event import CloudEvent

TIME = datetime(2026, 7, 1, 10, 0, 0, 250_000, tzinfo=UTC)


def data_of(name: str) -> dict[str, Any]:
    return {
        "user": {"email": f"{name}@example.com", "first_name": "Zoë"},
        "subscription": {"plan": "Annual"},
    }


def event_of(name: str, **more: object) -> CloudEvent:
    attributes = {"id": f"e-{name}", "source": "/platform", "type": "subscription.started", "time": TIME}
    return CloudEvent({**attributes, "subject": name, **more}, data_of(name))


def in_amqp(name: str) -> aio_pika.Message:
    """A message as the SDK for Python makes it for AMQP 1.0."""
    made = amqp.to_binary_event(event_of(name, datacontenttype="application/json"))
    return aio_pika.Message(
        made.application_data,
        headers=made.application_properties,
        content_type=made.properties["content-type"],
    )


def in_rabbitmq(name: str) -> aio_pika.Message:
    made = rabbitmq.to_binary_event(event_of(name))
    return aio_pika.Message(made.body, headers=dict(made.headers), content_type=made.content_type)


def structured(name: str) -> aio_pika.Message:
    made = rabbitmq.to_structured_event(event_of(name))
    return aio_pika.Message(made.body, headers=dict(made.headers), content_type=made.content_type)


def of_bytes(name: str) -> aio_pika.Message:
    body = json.dumps(data_of(name)).encode()
    made = rabbitmq.to_structured_event(CloudEvent(event_of(name).get_attributes(), body))
    assert b"data_base64" in made.body
    return aio_pika.Message(made.body, content_type=made.content_type)


def by_headers(name: str, headers: Mapping[str, Any], **properties: Any) -> aio_pika.Message:  # noqa: ANN401
    return aio_pika.Message(json.dumps(data_of(name)).encode(), headers=dict(headers), **properties)


def javascript(name: str) -> aio_pika.Message:
    """`HTTP.binary` of the npm package cloudevents, its headers as the message's."""
    headers = {
        "content-type": "application/json; charset=utf-8", "ce-id": f"e-{name}", "ce-source": "/platform",
        "ce-time": "2026-07-01T10:00:00.250Z", "ce-type": "subscription.started", "ce-specversion": "1.0",
    }  # fmt: skip
    return by_headers(name, headers)


def go(name: str) -> aio_pika.Message:
    """`amqp.WriteMessage` of sdk-go, as RabbitMQ hands over what came by AMQP 1.0: times in whole seconds."""
    headers = {
        "cloudEvents:specversion": "1.0", "cloudEvents:id": f"e-{name}", "cloudEvents:source": "/platform",
        "cloudEvents:type": "subscription.started", "cloudEvents:time": TIME.replace(microsecond=0),
    }  # fmt: skip
    return by_headers(name, headers, content_type="application/json")


def java(name: str) -> aio_pika.Message:
    """`ProtonAmqpMessageWriter` of sdk-java, whose extensions have no prefix."""
    headers = {
        "cloudEvents:specversion": "1.0", "cloudEvents:id": f"e-{name}", "cloudEvents:source": "/platform",
        "cloudEvents:type": "subscription.started", "cloudEvents:time": "2026-07-01T10:00:00.25Z",
        "sequence": "7",
    }  # fmt: skip
    return by_headers(name, headers, content_type="application/json")


def as_bytes(name: str) -> aio_pika.Message:
    headers = {
        "CE-SpecVersion": bytearray(b"1.0"), "CE-Id": bytearray(f"e-{name}".encode()),
        "CE-Type": "subscription.started", "CE-Time": int(TIME.timestamp() * 1000),
    }  # fmt: skip
    return by_headers(name, headers)


def plain(name: str) -> bytes:
    event = {
        "id": f"e-{name}",
        "type": "subscription.started",
        "time": TIME.isoformat(),
        "data": data_of(name),
    }
    return json.dumps(event, ensure_ascii=False).encode()


MESSAGES = {
    "amqp": in_amqp("amqp"),
    "rabbitmq": in_rabbitmq("rabbitmq"),
    "structured": structured("structured"),
    "bytes": of_bytes("bytes"),
    "javascript": javascript("javascript"),
    "go": go("go"),
    "java": java("java"),
    "upper": as_bytes("upper"),
    "gzip": aio_pika.Message(gzip.compress(plain("gzip")), content_encoding="gzip"),
    "ascii": aio_pika.Message(plain("ascii"), content_encoding="us-ascii"),
    "binary": aio_pika.Message(plain("binary"), content_encoding=" BINARY "),
    "quoted": aio_pika.Message(plain("quoted"), content_type='application/json;charset="utf8"'),
    "latin": aio_pika.Message(
        plain("latin").decode().encode("latin-1"), content_type="application/json; charset=ISO-8859-1"
    ),
}
