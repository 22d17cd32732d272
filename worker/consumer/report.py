"""A message in hand, and how its end is reported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import structlog
from aiormq.abc import DeliveredMessage
from prometheus_client import Counter

from worker.consumer.flood import FloodAlarm
from worker.errors import EventError
from worker.events.event import Event
from worker.metrics import Metrics
from worker.subscribers.identity import mask_email
from worker.subscribers.subscriber import Subscriber

log = structlog.get_logger()

ENDED: Final = {
    "applied": "event_applied",
    "superseded": "event_superseded",
    "duplicate": "event_duplicate",
    "ignored": "event_ignored",
}
"""By outcome, the name of the log line. Dead letters have one of their own."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message in hand.

    Attributes:
        received_at: The time of day of its receipt.
        since: Seconds, at its receipt.
        event: What it says; None while that is not known, or cannot be.
    """

    message: DeliveredMessage
    received_at: datetime
    since: float
    event: Event | None = None

    @property
    def tag(self) -> int:
        """The channel's number for it."""
        return int(self.message.delivery_tag or 0)

    @property
    def count(self) -> int:
        """How often it was delivered before, as far as the broker says."""
        count = (self.message.header.properties.headers or {}).get("x-delivery-count")
        return count if isinstance(count, int) else 0


@dataclass(frozen=True, slots=True)
class Handed:
    """What is needed to settle an event in hand."""

    delivery: Delivery
    subscriber: Subscriber


@dataclass(frozen=True, slots=True)
class Reporter:
    """Counts and logs how events of one account end."""

    account: str
    metrics: Metrics
    now: Callable[[], datetime]
    flood: FloodAlarm
    _counters: dict[tuple[str, str], Counter] = field(default_factory=dict)

    def ended(self, delivery: Delivery, label: str, outcome: str) -> None:
        """Report an end without a fault.

        Args:
            delivery: What has ended.
            label: Its event type, as metrics show it.
            outcome: `applied`: all that it asked for is true in Kit; `superseded`: newer events had said
                otherwise; `duplicate`: it was applied before; `ignored`: nobody maps it, or the person was
                forgotten.
        """
        if outcome == "applied" and delivery.event is not None:
            age = (self.now() - delivery.event.time).total_seconds()
            self.metrics.event_age.labels(self.account).observe(max(0.0, age))
        self._count(label, outcome)
        log.info(ENDED[outcome], **self._facts(delivery))

    def dead_lettered(self, delivery: Delivery, label: str, error: EventError) -> None:
        """Report that the event is safe in the dead-letter queue."""
        self._count(label, "dead_lettered")
        self.metrics.dead_letters.labels(self.account, error.reason.value).inc()
        log.warning(
            "event_dead_lettered", reason=error.reason.value, detail=str(error), **self._facts(delivery)
        )

    def _count(self, label: str, outcome: str) -> None:
        key = label, outcome
        if (counter := self._counters.get(key)) is None:
            counter = self._counters[key] = self.metrics.events.labels(self.account, *key)
        counter.inc()
        self.flood.note(dead_lettered=outcome == "dead_lettered")

    def _facts(self, delivery: Delivery) -> dict[str, str | None]:
        event = delivery.event
        return {
            "account": self.account,
            "event_id": event.id if event else None,
            "event_type": event.type if event else None,
            "email": _masked(event),
        }


def _masked(event: Event | None) -> str | None:
    user = event.data.get("user") if event else None
    email = user.get("email") if isinstance(user, dict) else None
    return mask_email(email.strip()) if isinstance(email, str) else None
