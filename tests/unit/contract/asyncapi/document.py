"""The AsyncAPI document, what checks an event by it, and whether the worker takes one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from jsonschema import Draft7Validator

from worker.contract.asyncapi import asyncapi_document
from worker.errors import EventError
from worker.events.decode import decode
from worker.events.delivery import Delivery
from worker.handlers.base import read_payload

DOCUMENT = asyncapi_document("my.events")
MESSAGES = DOCUMENT["components"]["messages"]

LATER = datetime(2300, 1, 1, tzinfo=UTC)
"""When no time that a schema takes lies ahead, which no schema could say."""


def validator(name: str, part: str = "payload") -> Draft7Validator:
    """What checks the payload or the headers of one message; references reach the whole document."""
    return Draft7Validator({**MESSAGES[name][part], "components": DOCUMENT["components"]})


def delivery(body: object, key: str, headers: Mapping[str, Any] | None = None, **properties: str) -> Delivery:
    return Delivery(json.dumps(body).encode(), key, properties, headers or {}, received_at=LATER)


def is_taken(body: object, headers: Mapping[str, Any] | None = None) -> bool:
    """Whether the worker takes an event."""
    try:
        read_payload(decode(delivery(body, "user.signed_up", headers), arrival=0))
    except EventError:
        return False
    return True


PLAIN = MESSAGES["userSignedUp"]["examples"][0]["payload"]
STRUCTURED = MESSAGES["userSignedUpCloudEvent"]["examples"][0]["payload"]
