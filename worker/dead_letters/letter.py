"""A dead letter: written from a delivery, read back, and turned into the message it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from worker.broker import frames
from worker.broker.publisher import Outgoing
from worker.broker.topology import DEAD_LETTER_EXCHANGE, work_queue
from worker.events.delivery import Delivery
from worker.events.event import EVENT_ARRIVAL, EVENT_ID, EVENT_TIME, ORIGINAL_ROUTING_KEY
from worker.events.values import time_text
from worker.subscribers.item import Outcome

MAX_HEADER_BYTES: Final = 64 * 1024
"""RabbitMQ closes the connection on a header frame near 131 kB; ours need room beside the original ones."""

MOVED_PROPERTIES: Final = ("user_id", "expiration", "priority")
"""Copied, they would be refused by the broker, make the dead letter vanish, or let it overtake."""
MOVED_HEADERS: Final = ("CC", "BCC")
"""Copied, they would route the dead letter into other queues as well."""
ORIGINAL: Final = "x-original-"

_OWN_HEADERS: Final = (
    "x-reason", "x-detail", "x-account", "x-event-type", "x-attempts", "x-failed-at",
)  # fmt: skip
_BROKER_HEADERS: Final = (
    "x-death", "x-first-death-exchange", "x-first-death-queue", "x-first-death-reason",
    "x-last-death-exchange", "x-last-death-queue", "x-last-death-reason", "x-delivery-count",
)  # fmt: skip

_WHY_BROKER: Final = {
    "delivery_limit": "no worker settled it, delivery after delivery",
    "expired": "its time to live ran out before a worker settled it. No queue of the worker's sets one: "
    "look for a policy with message-ttl, or an expiration that the publisher set",
    "maxlen": "the queue was full. No queue of the worker's sets a limit: look for a policy with max-length "
    "or max-length-bytes",
    "rejected": "somebody who is no worker consumed it, and rejected it",
}
"""What each reason in `x-death` says (RabbitMQ documentation, "Dead letter exchanges")."""


def dead_letter(account: str, outcome: Outcome, failed_at: datetime) -> Outgoing:
    """Return the dead letter of an event: its body, properties and headers, and why it failed.

    Args:
        account: Whose dead-letter queue is meant.
        outcome: The event, and its error.
        failed_at: Now, in UTC.
    """
    delivery, event = outcome.item.delivery, outcome.item.event
    properties, headers = harmless(delivery)
    message_id = properties.pop("message_id", None)  # its own comes from the publisher
    own = _own_headers(account, outcome, failed_at) | _kept(headers, message_id, delivery)
    if event is not None and event.id is not None:
        own[EVENT_ID] = event.id
    full = {**properties, "headers": {**_fitting(headers), **own}, "delivery_mode": 2}
    # Whatever a publisher sent, its event must not stay here because we cannot send it on.
    sendable = full if frames.can_be_sent(full) else {"headers": own, "delivery_mode": 2}
    return Outgoing(DEAD_LETTER_EXCHANGE, account, delivery.body, sendable)


def harmless(delivery: Delivery) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return properties and headers with which a message can be published again without doing any harm."""
    properties, headers = dict(delivery.properties), dict(delivery.headers)
    for name in MOVED_PROPERTIES:
        if name in properties:
            headers[f"{ORIGINAL}{name.replace('_', '-')}"] = str(properties.pop(name))
    for name in MOVED_HEADERS:
        if name in headers:
            headers[f"{ORIGINAL}{name.lower()}"] = headers.pop(name)
    return properties, headers


def _kept(headers: Mapping[str, Any], message_id: str | None, delivery: Delivery) -> dict[str, Any]:
    """Return what the event had outside its body; of a replayed one, what it had the first time."""
    if isinstance(headers.get(ORIGINAL_ROUTING_KEY), str) and not delivery.exchange:
        names = (ORIGINAL_ROUTING_KEY, EVENT_ID)
        return {name: value for name in names if isinstance(value := headers.get(name), str)}
    own_id = {EVENT_ID: message_id} if message_id else {}
    return {ORIGINAL_ROUTING_KEY: delivery.routing_key, **own_id}


def _own_headers(account: str, outcome: Outcome, failed_at: datetime) -> dict[str, Any]:
    event, error = outcome.item.event, outcome.error
    headers = {
        "x-reason": error.reason.value if error is not None else None,
        "x-detail": " ".join(str(error).split())[:1000],
        "x-account": account,
        "x-event-type": event.type if event else None,
        # The time of receipt stands for that of an event that has none.
        EVENT_TIME: time_text(event.time if event else outcome.item.delivery.received_at),
        EVENT_ARRIVAL: str(event.order.arrival) if event else None,
        "x-attempts": outcome.attempts,
        "x-failed-at": time_text(failed_at),
    }
    return {name: value for name, value in headers.items() if value is not None}


def _fitting(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the headers that can be sent again; where they are too large, a note instead."""
    kept: dict[str, Any] = {}
    size = 0
    for name, value in headers.items():
        value_size = frames.encoded_size(value)
        if value_size is None:
            kept[name] = frames.readable(repr(value))[:1000]
        else:
            size += len(name.encode()) + value_size
            kept[name] = value
    if size > MAX_HEADER_BYTES:
        note = f"{len(headers)} headers of {size} bytes left out; at most {MAX_HEADER_BYTES} are kept"
        return {f"{ORIGINAL}headers": note}
    return kept


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter as people and programs see it.

    Attributes:
        id: The dead letter's own id, by which commands name it.
        event_id: The event's, as its publisher gave it.
        failed_at: ISO 8601; empty where the broker did not note it.
    """

    id: str
    account: str
    reason: str
    detail: str
    event_type: str
    event_id: str
    event_time: str
    failed_at: str
    attempts: int
    routing_key: str
    headers: Mapping[str, Any]
    body: bytes
    properties: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_by_worker(self) -> bool:
        """Whether a worker wrote it, not RabbitMQ."""
        return "x-reason" in self.headers

    @property
    def text(self) -> str:
        """The body as text, indented where it is JSON."""
        try:
            return json.dumps(json.loads(self.body), indent=2, ensure_ascii=False)
        except ValueError:
            return self.body.decode("utf-8", "replace")


def read_dead_letter(delivery: Delivery, account: str) -> DeadLetter:
    """Return a dead letter, whether this worker or the broker itself wrote it."""
    headers = delivery.headers
    message_id, kind = (delivery.properties.get(name, "") for name in ("message_id", "type"))
    death = _death(headers)
    by_us = "x-reason" in headers
    return DeadLetter(
        id=message_id or f"tag-{delivery.tag}",
        account=account,
        reason=str(headers.get("x-reason") or death.get("reason", "")),
        detail=str(headers.get("x-detail", "")) if by_us else _broker_detail(death),
        event_type=str(headers.get("x-event-type") or kind),
        event_id=str(headers.get(EVENT_ID) or ("" if by_us else message_id)),
        event_time=str(headers.get(EVENT_TIME) or ""),
        failed_at=str(headers.get("x-failed-at") or _death_time(death)),
        attempts=attempts if isinstance(attempts := headers.get("x-attempts"), int) else 0,
        routing_key=_routing_key(headers, death),
        headers=headers,
        body=delivery.body,
        properties=delivery.properties,
    )


def _death(headers: Mapping[str, Any]) -> Mapping[str, Any]:
    deaths = headers.get("x-death")
    first = deaths[0] if isinstance(deaths, list) and deaths else {}
    return first if isinstance(first, dict) else {}


def _death_time(death: Mapping[str, Any]) -> str:
    time = death.get("time")
    return time_text(time) if isinstance(time, datetime) else ""


def _broker_detail(death: Mapping[str, Any]) -> str:
    queue, reason = death.get("queue", "its queue"), death.get("reason", "no reason given")
    why = _WHY_BROKER.get(str(reason), "no worker settled it")
    return f"RabbitMQ took it out of {queue} ({reason}): {why}"


def _routing_key(headers: Mapping[str, Any], death: Mapping[str, Any]) -> str:
    keys = death.get("routing-keys")
    first = keys[0] if isinstance(keys, list) and keys else ""
    return str(headers.get(ORIGINAL_ROUTING_KEY) or first)


def replay_message(delivery: Delivery, letter: DeadLetter) -> Outgoing:
    """Return the event that a dead letter was, addressed to its work queue.

    It keeps its id, time and routing key in the headers that `events.decode` reads; the account of its
    failure is taken off. It is persistent, and has no `message_id`: that would be taken for the event's.
    """
    properties = dict(delivery.properties)
    headers: dict[str, Any] = {
        name: value
        for name, value in delivery.headers.items()
        if name not in _OWN_HEADERS and name not in _BROKER_HEADERS and not name.startswith(ORIGINAL)
    }
    headers[ORIGINAL_ROUTING_KEY] = letter.routing_key
    if letter.event_id:
        headers[EVENT_ID] = letter.event_id
    for name in (*MOVED_PROPERTIES, "message_id"):
        properties.pop(name, None)
    properties |= {"headers": headers, "delivery_mode": 2}
    return Outgoing("", work_queue(letter.account), delivery.body, properties)
