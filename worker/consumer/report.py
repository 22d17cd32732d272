"""How the end of an event is told: one log line with a stable name, and the metrics."""

from __future__ import annotations

from collections import Counter as Counts
from functools import cache
from typing import Final

import structlog
from prometheus_client import Counter

from worker.clock import Clock
from worker.errors import MovesHeld
from worker.handlers import HANDLERS
from worker.metrics import Metrics
from worker.outside.texts import mask_email
from worker.subscribers.item import Item, Kind, Outcome

log = structlog.get_logger()

HELD_TOLD_EVERY: Final = 60.0
"""Seconds."""
MOST_TOLD: Final = 10
"""Kinds of events with their tags, in one line."""
ENDED: Final = {
    Kind.APPLIED: "event_applied",
    Kind.SUPERSEDED: "event_superseded",
    Kind.DUPLICATE: "event_duplicate",
    Kind.SCHEDULED: "event_scheduled",
    Kind.IGNORED: "event_ignored",
    Kind.FORGOTTEN: "event_ignored",
}
"""By kind of end, the name of the log line. Dead letters have one of their own."""


class Report:
    """Counts and logs how events of one account end."""

    def __init__(self, account: str, metrics: Metrics, clock: Clock) -> None:
        self._account = account
        self._metrics = metrics
        self._age = cache(metrics.event_age.labels)  # there is no such series before the first event
        self._clock = clock
        self._counters: dict[tuple[str, Kind], Counter] = {}
        self._held: Counts[tuple[str, str]] = Counts()
        self._held_told_at = float("-inf")

    def ended(self, outcome: Outcome) -> None:
        """Tell of an event that is settled."""
        self._count(outcome)
        if (since := outcome.since) is not None:
            age = (self._clock.now() - since).total_seconds()
            self._age(self._account).observe(max(0.0, age))
        if outcome.held:
            self._held.update((_type_label(outcome), tag) for tag in outcome.held)
        self.tell_held()
        if outcome.error is None:
            later = outcome.item.later
            when = {} if later is None else {"later": later.told}
            log.info(ENDED[outcome.kind], **self._facts(outcome.item), **when)
            return
        reason = outcome.error.reason.value
        self._metrics.dead_letters.labels(self._account, reason).inc()
        if isinstance(outcome.error, MovesHeld):
            self._metrics.moves_held.labels(self._account).inc()
            log.error("move_held", **self._facts(outcome.item))
        log.warning(
            "event_dead_lettered", reason=reason, detail=str(outcome.error), **self._facts(outcome.item)
        )

    @property
    def has_untold(self) -> bool:
        """Whether something was held that nobody was told of yet."""
        return bool(self._held)

    def tell_held(self, *, at_once: bool = False) -> None:
        """Say what was held since it was last said, and which events ask for it; once a minute at most.

        Args:
            at_once: Whether that is to be said now, because nobody says it later.
        """
        now = self._clock.monotonic()
        if not self._held or (now - self._held_told_at < HELD_TOLD_EVERY and not at_once):
            return
        asked = [f"{kind}: {tag} ({count})" for (kind, tag), count in self._held.most_common(MOST_TOLD)]
        log.error("taggings_held", account=self._account, count=self._held.total(), asked_by=asked)
        self._held.clear()
        self._held_told_at = now

    def _count(self, outcome: Outcome) -> None:
        key = _type_label(outcome), outcome.kind
        if (counter := self._counters.get(key)) is None:
            told = Kind.IGNORED if outcome.kind is Kind.FORGOTTEN else outcome.kind
            counter = self._counters[key] = self._metrics.events.labels(self._account, key[0], told.value)
        counter.inc()

    def _facts(self, item: Item) -> dict[str, str | None]:
        known = item.known
        return {
            "account": self._account,
            "event_id": known.id,
            "event_type": known.type or None,
            "email": mask_email(known.email) if known.email else None,
        }


def _type_label(outcome: Outcome) -> str:
    """Return the event type as metrics show it; those that no mapping names are one, as they may be many."""
    event = outcome.item.event
    if event is None or (outcome.kind is Kind.IGNORED and event.type not in HANDLERS):
        return "other"
    return event.type
