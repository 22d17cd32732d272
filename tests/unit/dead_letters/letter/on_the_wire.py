"""Messages, their dead letters, and both as the broker delivers them again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from aiormq import spec
from aiormq.abc import DeliveredMessage
from pamqp import frame
from pamqp.header import ContentHeader

from tests.unit.examples import NOON
from worker.broker import frames
from worker.broker.publisher import Outgoing
from worker.dead_letters.letter import dead_letter, read_dead_letter, replay_message
from worker.errors import EventError, InvalidEvent
from worker.events.decode import decode
from worker.events.delivery import Delivery
from worker.events.event import Event
from worker.subscribers.item import Item, Kind, Outcome

FAILED_AT = NOON + timedelta(minutes=1)
FRAME_MAX = 131_072
"""What RabbitMQ allows; a content header is always one frame."""
BODY = b'{"data": {"user": {"email": "ada@example.com"}}}'


def delivered(
    body: bytes = BODY,
    key: str = "user.signed_up",
    headers: Mapping[str, Any] | None = None,
    **properties: Any,  # noqa: ANN401  # by pamqp's names
) -> Delivery:
    given = spec.Basic.Properties(headers=None if headers is None else dict(headers), **properties)
    deliver = spec.Basic.Deliver("consumer", 7, False, "platform.events", key)  # noqa: FBT003  # pamqp's order
    return received(deliver, ContentHeader(0, len(body), given), body, NOON)


def received(deliver: spec.Basic.Deliver, header: ContentHeader, body: bytes, at: datetime) -> Delivery:
    raw = DeliveredMessage(deliver, header, body, None)  # type: ignore[arg-type]  # no channel
    return frames.read_delivery(raw, received_at=at, since=0.0)


def letter_of(
    delivery: Delivery,
    error: EventError | None = None,
    happened: Event | None = None,
    account: str = "default",
) -> Outgoing:
    """The dead letter of a message that was tried three times."""
    why = error or InvalidEvent("data.user: missing")
    outcome = Outcome(Item(delivery, happened), Kind.DEAD_LETTERED, why, attempts=3)
    return dead_letter(account, outcome, FAILED_AT)


def sent(out: Outgoing) -> Delivery:
    """The message as the broker delivers it again: through the wire's own form, with an id of its own."""
    properties = frames.outgoing(out.body, {"message_id": "letter-1", **out.properties}).properties
    properties.validate()
    as_frame = frame.marshal(ContentHeader(0, len(out.body), properties), 1)
    assert len(as_frame) < FRAME_MAX
    _, _, header = frame.unmarshal(as_frame)
    assert isinstance(header, ContentHeader)
    deliver = spec.Basic.Deliver("consumer", 9, False, out.exchange, out.routing_key)  # noqa: FBT003  # pamqp's order
    return received(deliver, header, out.body, FAILED_AT)


def headers_of(out: Outgoing) -> dict[str, Any]:
    headers = out.properties["headers"]
    assert isinstance(headers, dict)
    return headers


INVALID = b'{"id": "e-1", "type": "order.paid", "time": "2026-06-01T00:00:00Z", "data": 5}'

DEATH = {"x-death": [{
    "reason": "delivery_limit", "queue": "kit.default", "time": NOON, "count": 1, "exchange": "events",
    "routing-keys": ["order.paid.sunny"],
}]}  # fmt: skip

TYPES = ("user.signed_up", "order.paid")


def read(message: Delivery, apps: tuple[str, ...] = (), *, arrival: int = 1) -> Event:
    return decode(message, arrival=arrival, apps=apps, types=TYPES)


def died_and_replayed(message: Delivery, happened: Event | None, account: str = "default") -> Delivery:
    died = sent(letter_of(message, happened=happened, account=account))
    return sent(replay_message(died, read_dead_letter(died, account)))
