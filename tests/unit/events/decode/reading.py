"""Messages, as RabbitMQ delivers them, and what is read of them."""

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

TYPES = frozenset({"user.signed_up", "subscription.started", "order.paid", "order.paid.late"})
DATA = {"user": {"email": "ada@example.com"}}
CLOUD_EVENT = {
    "specversion": "1.0", "id": "e-1", "source": "/platform", "type": "user.signed_up",
    "time": "2026-07-01T10:00:00Z", "datacontenttype": "application/json", "data": DATA,
}  # fmt: skip


def message(
    body: object = None,
    key: str = "user.signed_up",
    *,
    headers: Mapping[str, Any] | None = None,
    unreadable: tuple[str, ...] = (),
    exchange: str = "",
    **properties: Any,  # noqa: ANN401  # as AMQP has them
) -> Delivery:
    """A message; a body that is no bytes is sent as JSON. Properties that are empty are not set."""
    given_body = {"data": DATA} if body is None else body
    as_bytes = given_body if isinstance(given_body, bytes) else json.dumps(given_body).encode()
    set_properties = {name: value for name, value in properties.items() if value not in {None, ""}}
    return Delivery(
        as_bytes, key, set_properties, headers or {}, unreadable, received_at=NOON, exchange=exchange
    )


def read(received: Delivery, *, apps: tuple[str, ...] = (), arrival: int = 1) -> Event:
    return decode(received, arrival=arrival, apps=apps, types=TYPES)


def plain(**attributes: object) -> Event:
    return read(message({"data": DATA, **attributes}))


def refused(received: Delivery, kind: type[EventError] = InvalidEvent, **options: Any) -> str:  # noqa: ANN401
    """Why a message is refused."""
    with pytest.raises(kind) as caught:
        read(received, **options)
    assert type(caught.value) is kind
    assert "ada@example.com" not in str(caught.value)
    return str(caught.value)
