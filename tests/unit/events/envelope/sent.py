"""Events as publishers send them, and what is read of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.unit.examples import NOON
from worker.errors import EventError, InvalidEvent
from worker.events.decode import decode
from worker.events.delivery import Delivery
from worker.events.event import Event

DATA = {"user": {"email": "ada@example.com"}}
BODY = json.dumps(DATA).encode()

STRUCTURED = (
    b'{"id":"e-1","time":"2026-07-01T10:00:00.250Z","type":"user.signed_up","source":"/platform",'
    b'"specversion":"1.0","subject":"u-1","data":{"user":{"email":"ada@example.com"}},"sequence":"7"}'
)


def sent(body: bytes, headers: Mapping[str, Any], content_type: str = "") -> Delivery:
    properties = {"content_type": content_type} if content_type else {}
    return Delivery(body, "user.signed_up", properties, headers, received_at=NOON, exchange="platform.events")


def read(received: Delivery) -> Event:
    return decode(received, arrival=1)


def refused(received: Delivery, kind: type[EventError] = InvalidEvent) -> str:
    with pytest.raises(EventError) as caught:
        read(received)
    assert type(caught.value) is kind
    return str(caught.value)
