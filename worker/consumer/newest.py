"""Which event is kept as the newest of its kind, to tell what another mapping would make of it."""

from __future__ import annotations

from typing import Final

from worker.consumer.kept_message import keep
from worker.errors import PartlyApplied
from worker.subscribers.item import Kind, Outcome
from worker.subscribers.known import NewestEvent

LARGEST: Final = 16_384
"""Bytes of a body that is kept; of a larger one it is only known that it came."""
NOTHING_HAPPENED: Final = frozenset({Kind.DUPLICATE, Kind.FORGOTTEN})


def newest_event(outcome: Outcome) -> NewestEvent | None:
    """Return what is kept of an event that has ended; None where that is nothing.

    What is due is kept since it came first, and of what nothing could be applied a replay is kept.
    """
    item, event, subscriber = outcome.item, outcome.item.event, outcome.item.subscriber
    if event is None or subscriber is None or event.again or event.due is not None or item.doubled:
        return None
    refused = outcome.error is not None and not isinstance(outcome.error, PartlyApplied)
    if refused or outcome.kind in NOTHING_HAPPENED:
        return None
    return NewestEvent(
        email=subscriber.record.email,
        user_id=item.user_id or "",
        event_type=event.type,
        subscription=next((fact.subscription for fact in item.change.facts), ""),
        order=event.order,
        message=keep(item.delivery, event, {}) if len(item.delivery.body) <= LARGEST else b"",
    )
