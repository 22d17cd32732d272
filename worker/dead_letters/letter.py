"""A dead letter: written from a delivery, read back, and turned into the message it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import msgspec

from worker.broker import frames
from worker.broker.publisher import Outgoing
from worker.broker.topology import DEAD_LETTER_EXCHANGE, work_queue
from worker.dead_letters.death import BROKER_HEADERS, death_detail, death_time, first_death, made_up_id
from worker.dead_letters.fitting import fitting
from worker.errors import EventError, Reason
from worker.events.body import plain_body
from worker.events.delivery import Delivery
from worker.events.event import (
    ABOUT_FAILURE,
    DUE_AT,
    DUE_ID,
    EVENT_ARRIVAL,
    EVENT_ID,
    EVENT_TIME,
    IMPORTED,
    ORIGIN,
    ORIGINAL,
    ORIGINAL_ROUTING_KEY,
    OWES,
)
from worker.events.json_body import parse_json
from worker.events.values import time_text
from worker.handlers import HANDLERS
from worker.subscribers.glimpse import Glimpse, glimpse
from worker.subscribers.item import Outcome

MOVED_PROPERTIES: Final = ("user_id", "expiration", "priority")
"""Copied, they would be refused by the broker, make the dead letter vanish, or let it overtake."""
MOVED_HEADERS: Final = ("CC", "BCC")
"""Copied, they would route the dead letter into other queues as well."""
REASONS: Final = tuple(sorted({*Reason, "expired", "maxlen", "rejected"}))
"""Why letters are dead: by us, or by RabbitMQ (`x-death`: https://www.rabbitmq.com/docs/dlx)."""
LONG_AGO: Final = "1970-01-01T00:00:00Z"
"""Stands for the time of an event of which nobody noted when it came: nothing is older."""


def dead_letter(account: str, outcome: Outcome, failed_at: datetime) -> Outgoing:
    """Return the dead letter of an event: its body, properties and headers, and why it failed.

    Args:
        account: Whose dead-letter queue is meant.
        outcome: The event, and its error.
        failed_at: Now, in UTC.
    """
    delivery = outcome.item.delivery.as_published()
    properties = with_headers(delivery, _own_headers(account, outcome, failed_at))
    return Outgoing(DEAD_LETTER_EXCHANGE, account, delivery.body, properties)


def with_headers(delivery: Delivery, added: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties with which a message can be published again, with what it had and these headers.

    A replay of that is the same event, in its place among the others.
    """
    properties, headers = harmless(delivery)
    properties.pop("message_id", None)  # its own comes from the publisher
    # What RabbitMQ or somebody else did to it before would pass for what is done to it now.
    headers = {f"{ORIGINAL}{name}" if name in BROKER_HEADERS else name: headers[name] for name in headers}
    own = {**kept_outside(delivery), **added}
    full = {**properties, "headers": {**fitting(headers), **own}, "delivery_mode": 2}
    # Whatever a publisher sent, its event must not stay here because we cannot send it on.
    return full if frames.can_be_sent(full) else {"headers": own, "delivery_mode": 2}


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


def kept_outside(delivery: Delivery) -> dict[str, Any]:
    """Return what an event had outside its body; of one that came in again, what it had the first time."""
    headers = delivery.headers
    if isinstance(headers.get(ORIGINAL_ROUTING_KEY), str):
        names = (ORIGINAL_ROUTING_KEY, EVENT_ID, ORIGIN, IMPORTED, DUE_AT, DUE_ID, OWES)
        return {name: value for name in names if isinstance(value := headers.get(name), str)}
    message_id = delivery.properties.get("message_id")
    own_id = {EVENT_ID: message_id} if message_id else {}
    # The name of a queue is no routing key: it would pass for one that names another app.
    return {ORIGINAL_ROUTING_KEY: delivery.routing_key if delivery.exchange else "", **own_id}


def _own_headers(account: str, outcome: Outcome, failed_at: datetime) -> dict[str, Any]:
    event, error, known = outcome.item.event, outcome.error, outcome.item.known
    headers = {
        "x-reason": error.reason.value if error is not None else None,
        "x-detail": " ".join(str(error).split())[:1000],
        "x-account": account,
        "x-event-type": known.type or None,
        EVENT_ID: known.id,
        # The time of receipt stands for that of an event that has none.
        EVENT_TIME: time_text(known.time or outcome.item.delivery.received_at),
        EVENT_ARRIVAL: str(event.order.arrival) if event else None,
        "x-attempts": outcome.attempts,
        "x-failed-at": time_text(failed_at),
    }
    return {name: value for name, value in headers.items() if value is not None}


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter as people and programs see it.

    Attributes:
        id: The dead letter's own id, by which commands name it.
        event_id: The event's, as its publisher gave it.
        failed_at: ISO 8601; empty where the broker did not note it.
        is_by_worker: Whether a worker wrote it, not RabbitMQ.
        seen: What can be read of the event in it.
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
    is_by_worker: bool = True
    seen: Glimpse = field(default_factory=Glimpse)

    @property
    def plain_body(self) -> bytes:
        """The body as its event is read: unpacked, and in UTF-8; as it is, where it cannot be read."""
        try:
            return plain_body(Delivery(self.body, self.routing_key, self.properties, self.headers))
        except EventError:
            return self.body

    @property
    def text(self) -> str:
        """The body as text, indented where it is JSON that workers read."""
        try:
            return json.dumps(parse_json(self.plain_body), indent=2, ensure_ascii=False)
        except EventError:
            return self.plain_body.decode("utf-8", "replace")


def read_dead_letter(delivery: Delivery, account: str) -> DeadLetter:
    """Return a dead letter, whether this worker or the broker itself wrote it.

    What neither wrote into its headers is read of the event, as far as it can be.
    """
    death, by_us = first_death(delivery.headers), _is_by_worker(delivery, account)
    came = _as_it_came(delivery, account)
    seen, headers = glimpse(came, types=HANDLERS.keys()), came.headers
    return DeadLetter(
        id=delivery.properties.get("message_id") or f"tag-{delivery.tag}",
        account=account,
        reason=str(headers.get("x-reason") if by_us else death.get("reason", "")),
        detail=str(headers.get("x-detail", "")) if by_us else death_detail(death),
        event_type=str(headers.get("x-event-type") or seen.type),
        event_id=str(headers.get(EVENT_ID) or seen.id or ""),
        event_time=str(headers.get(EVENT_TIME) or (time_text(seen.time) if seen.time else "")),
        failed_at=str(headers.get("x-failed-at") or death_time(death)),
        attempts=attempts if isinstance(attempts := headers.get("x-attempts"), int) else 0,
        routing_key=str(headers.get(ORIGINAL_ROUTING_KEY) or came.routing_key),
        headers=delivery.headers,
        body=delivery.body,
        properties=delivery.properties,
        is_by_worker=by_us,
        seen=seen,
    )


def _is_by_worker(delivery: Delivery, account: str) -> bool:
    """Tell whether a worker wrote a letter. What RabbitMQ took out of the queue may have any header."""
    taken_out = first_death(delivery.headers).get("queue") == work_queue(account)
    return "x-reason" in delivery.headers and not taken_out


def _as_it_came(delivery: Delivery, account: str) -> Delivery:
    """Return the message that a dead letter was, with only those of the worker's headers that are true."""
    if _is_by_worker(delivery, account):
        properties = {name: value for name, value in delivery.properties.items() if name != "message_id"}
        return msgspec.structs.replace(delivery, exchange="", routing_key="", properties=properties)
    death = first_death(delivery.headers)
    keys, exchange = death.get("routing-keys"), death.get("exchange", DEAD_LETTER_EXCHANGE)
    headers = {name: value for name, value in delivery.headers.items() if name not in BROKER_HEADERS}
    key = str(keys[0]) if isinstance(keys, list) and keys else ""
    # What it was moved under is no id of its event.
    made_up = made_up_id(delivery.body, delivery.headers)
    properties = {name: value for name, value in delivery.properties.items() if value != made_up}
    came = msgspec.structs.replace(delivery, exchange=str(exchange), routing_key=key, headers=headers)
    return msgspec.structs.replace(came, properties=properties).as_published()


def replay_message(delivery: Delivery, letter: DeadLetter) -> Outgoing:
    """Return the event that a dead letter was, addressed to its work queue.

    It keeps its id, time and routing key in the headers that `events.decode` reads; the account of its
    failure is taken off. One without a time counts as of when it failed, for it came before that: the time of
    its replay would let it undo what came since. It is persistent, and has no `message_id`: that would be
    taken for the event's.
    """
    came = _as_it_came(delivery, letter.account)
    properties = dict(came.properties)
    headers: dict[str, Any] = {
        name: value
        for name, value in came.headers.items()
        if name not in (*ABOUT_FAILURE, *BROKER_HEADERS) and not name.startswith(ORIGINAL)
    }
    headers |= kept_outside(came)
    headers.setdefault(EVENT_TIME, letter.event_time or letter.failed_at or LONG_AGO)
    for name in (*MOVED_PROPERTIES, "message_id"):
        properties.pop(name, None)
    properties |= {"headers": headers, "delivery_mode": 2}
    return Outgoing("", work_queue(letter.account), delivery.body, properties)
