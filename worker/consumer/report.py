"""How the end of an event is reported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import structlog
from prometheus_client import Counter

from worker.consumer.flood import FloodAlarm
from worker.errors import EventError
from worker.events.delivery import Delivery
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

    def ended(self, event: Event | None, label: str, outcome: str) -> None:
        """Report an end without a fault.

        Args:
            event: What has ended.
            label: Its event type, as metrics show it.
            outcome: `applied`: all that it asked for is true in Kit; `superseded`: newer events had said
                otherwise; `duplicate`: it was applied before; `ignored`: nobody maps it, or the person was
                forgotten.
        """
        if outcome == "applied" and event is not None:
            age = (self.now() - event.time).total_seconds()
            self.metrics.event_age.labels(self.account).observe(max(0.0, age))
        self._count(label, outcome)
        log.info(ENDED[outcome], **self._facts(event))

    def dead_lettered(self, event: Event | None, label: str, error: EventError) -> None:
        """Report that the event is safe in the dead-letter queue."""
        self._count(label, "dead_lettered")
        self.metrics.dead_letters.labels(self.account, error.reason.value).inc()
        log.warning("event_dead_lettered", reason=error.reason.value, detail=str(error), **self._facts(event))

    def _count(self, label: str, outcome: str) -> None:
        key = label, outcome
        if (counter := self._counters.get(key)) is None:
            counter = self._counters[key] = self.metrics.events.labels(self.account, *key)
        counter.inc()
        self.flood.note(dead_lettered=outcome == "dead_lettered")

    def _facts(self, event: Event | None) -> dict[str, str | None]:
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
