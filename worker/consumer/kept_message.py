"""The message of an event as the ledger keeps it: all that it came with, and its place among the others."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from worker.dead_letters.letter import with_headers
from worker.events.delivery import Delivery
from worker.events.event import EVENT_ARRIVAL, EVENT_TIME, REPLAY_RUN, Event
from worker.events.values import time_text
from worker.ledger.failures import DamagedRowError


class _Kept(msgspec.Struct, array_like=True):
    body: bytes
    properties: dict[str, Any]


def keep(delivery: Delivery, event: Event, headers: Mapping[str, str]) -> bytes:
    """Return an event as it is kept, with these headers besides."""
    place = {EVENT_TIME: time_text(event.time), EVENT_ARRIVAL: str(event.order.arrival)}
    properties = with_headers(delivery.as_published(), {**place, **headers})
    properties["headers"].pop(REPLAY_RUN, None)  # for that run the event has ended
    return msgspec.msgpack.encode(_Kept(delivery.body, properties))


def unpack(account: str, message: bytes) -> tuple[bytes, dict[str, Any]]:
    """Return the body and the properties of an event that is kept.

    Args:
        account: Whose, for people.
        message: As `keep` has written it.

    Raises:
        LedgerUnavailable: It is none.
    """
    try:
        kept = msgspec.msgpack.decode(message, type=_Kept)
    except msgspec.MsgspecError as error:
        raise DamagedRowError(f"the ledger holds an event of {account} that cannot be read") from error
    return kept.body, kept.properties


def as_delivered(account: str, message: bytes, now: datetime) -> Delivery:
    """Return an event that is kept as it would be delivered again; raises as `unpack` does."""
    body, properties = unpack(account, message)
    headers = properties.pop("headers", {})
    return Delivery(body, "", properties, headers, received_at=now)
