"""What a worker would say of an event before it knows any mapping: the contract, tried. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from worker.contract.samples import Sample, refusal
from worker.errors import EventError, InvalidEvent

MAX_ROUTING_KEY: Final = 255
"""Bytes (AMQP 0-9-1, 4.2.5.3)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What would become of an event.

    Attributes:
        routing_key: Under which it would go out; empty where it has no type.
        error: Why it would become a dead letter; None where it would be taken.
    """

    sample: Sample
    routing_key: str
    error: EventError | None


def verdict(sample: Sample, routing_key: str, app: str, now: datetime) -> Verdict:
    """Return what would become of an event.

    Args:
        sample: The event.
        routing_key: Its own; empty where it names no type, and none is given for it.
        app: Whose event it is.
        now: When it is received.
    """
    if len(routing_key.encode()) > MAX_ROUTING_KEY:
        return Verdict(sample, routing_key, InvalidEvent(f"routing key: longer than {MAX_ROUTING_KEY} bytes"))
    return Verdict(sample, routing_key, refusal(sample, routing_key, app, now))
