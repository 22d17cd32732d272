"""Which event is kept as the newest of its kind, to tell what another mapping would make of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from worker.dead_letters.letter import kept_outside
from worker.errors import PartlyApplied
from worker.events.delivery import Delivery
from worker.events.event import EVENT_ARRIVAL, EVENT_TIME, Event, Origin
from worker.events.values import time_text
from worker.ledger.failures import DamagedRowError
from worker.subscribers.item import Kind, Outcome
from worker.subscribers.known import NewestEvent

LARGEST: Final = 16_384
"""Bytes of a message that is kept; of a larger one it is only known that it came, as of one that mentions
somebody who was forgotten since (`ledger.kept_mentions`)."""
HAPPENED: Final = frozenset({None, Origin.IMPORT})
NOTHING_HAPPENED: Final = frozenset({Kind.DUPLICATE, Kind.FORGOTTEN})


class _KeptEvent(msgspec.Struct, array_like=True):
    body: bytes
    properties: Mapping[str, Any]
    headers: Mapping[str, Any]


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_KeptEvent)


def newest_event(outcome: Outcome) -> NewestEvent | None:
    """Return what is kept of an event that has ended; None where that is nothing.

    What is due is kept since it came first, and of what nothing could be applied a replay is kept.
    """
    item, event, subscriber = outcome.item, outcome.item.event, outcome.item.subscriber
    if event is None or subscriber is None or event.origin not in HAPPENED or item.doubled:
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
        message=_keep(item.delivery.as_published(), event),
    )


def _keep(delivery: Delivery, event: Event) -> bytes:
    """Return all that an event came with, and its place among the others; nothing where that is too large."""
    place = {EVENT_TIME: time_text(event.time), EVENT_ARRIVAL: str(event.order.arrival)}
    headers = {**delivery.headers, **kept_outside(delivery), **place}
    message = _ENCODER.encode(_KeptEvent(delivery.body, delivery.properties, headers))
    return message if len(message) <= LARGEST else b""


def as_delivered(account: str, message: bytes, now: datetime) -> Delivery:
    """Return an event that is kept as it would be delivered again.

    Args:
        account: Whose, for people.
        message: What is kept of it, which is not nothing.
        now: When it is delivered.

    Raises:
        LedgerUnavailable: The message is none.
    """
    try:
        kept = _DECODER.decode(message)
    except msgspec.MsgspecError as error:
        raise DamagedRowError(f"the ledger holds an event of {account} that cannot be read") from error
    return Delivery(kept.body, "", kept.properties, kept.headers, received_at=now)
