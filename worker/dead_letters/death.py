"""What RabbitMQ notes in a message that it dead-letters itself: `x-death`, and headers beside it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from worker.events.values import time_text

BROKER_HEADERS: Final = (
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


def first_death(headers: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the latest entry of `x-death`, which stands first; empty where there is none."""
    deaths = headers.get("x-death")
    first = deaths[0] if isinstance(deaths, list) and deaths else {}
    return first if isinstance(first, dict) else {}


def death_time(death: Mapping[str, Any]) -> str:
    """Return when that was, as ISO 8601; empty where it is not noted."""
    time = death.get("time")
    return time_text(time) if isinstance(time, datetime) else ""


def made_up_id(body: bytes, headers: Mapping[str, Any]) -> str:
    """Return the `message_id` under which a letter that has none is moved to another queue."""
    return f"digest-{sha256(body + death_time(first_death(headers)).encode()).hexdigest()[:16]}"


def death_detail(death: Mapping[str, Any]) -> str:
    """Return what happened, in a sentence that a person can act on."""
    queue, reason = death.get("queue", "its queue"), death.get("reason", "no reason given")
    why = _WHY_BROKER.get(str(reason), "no worker settled it")
    return f"RabbitMQ took it out of {queue} ({reason}): {why}"
