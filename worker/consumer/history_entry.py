"""The line of the history about an event that has ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from worker.events.event import ORIGINAL_ROUTING_KEY
from worker.subscribers.item import Kind, Outcome
from worker.subscribers.known import HistoryEntry
from worker.subscribers.subscriber import Call


def history_entry(outcome: Outcome, at: float) -> HistoryEntry | None:
    """Return the line of the history about an event; None where no line may name its person."""
    item, known = outcome.item, outcome.item.known
    if outcome.kind is Kind.FORGOTTEN:
        return None
    read = known.email if item.event is None else ""
    return HistoryEntry(
        email=read if item.subscriber is None else item.subscriber.record.email,
        event_id=known.id,
        event_type=known.type,
        event_time=known.time or item.delivery.received_at,
        at=at,
        outcome=outcome.kind.value,
        detail=outcome.detail,
        calls=tuple(map(_call_as_kept, outcome.calls)),
        version=item.version,
        age=_age(outcome, at),
    )


def _age(outcome: Outcome, at: float) -> float | None:
    """Return how old an event was when it was applied; a replay's waited for a person, which counts not."""
    since = outcome.since
    if since is None or ORIGINAL_ROUTING_KEY in outcome.item.delivery.headers:
        return None
    return max(0.0, at - since.timestamp())


def _call_as_kept(call: Call) -> Mapping[str, Any]:
    return {"call": call.endpoint, "what": call.what, "status": call.status, "rules": call.rules}
