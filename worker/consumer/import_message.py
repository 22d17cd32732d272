"""The message of an event that a file has of somebody who was there before."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from worker.broker.publisher import Outgoing
from worker.broker.topology import work_queue
from worker.consumer.due_message import as_kept
from worker.events.event import (
    DUE_AT,
    DUE_ID,
    EVENT_ARRIVAL,
    EVENT_ID,
    EVENT_TIME,
    IMPORTED,
    ORIGIN,
    ORIGINAL_ROUTING_KEY,
    Imported,
    Origin,
)
from worker.events.row import Row
from worker.events.values import time_text
from worker.subscribers.due_effect import DueEffect
from worker.subscribers.item import Item


def imported_message(
    account: str, row: Row, named: str, place: int, imported: Imported, at: float
) -> Outgoing:
    """Return the message by which a row of a file comes in, as it is put into the account's work queue.

    What happens at the same time comes after it, whenever that came: of equal times the row gives way.

    Args:
        account: Its name.
        row: The event.
        named: The id of its timer; the event's own, too, where the row gives none.
        place: Among the events of its time; see `place_of_row`.
        imported: How it is taken.
        at: Now, by the ledger's clock, in seconds since 1970.
    """
    headers = {
        ORIGINAL_ROUTING_KEY: row.routing_key,
        EVENT_ID: row.id or named,
        EVENT_ARRIVAL: str(place),
        ORIGIN: Origin.IMPORT.value,
        IMPORTED: msgspec.json.encode(imported).decode(),
        DUE_AT: time_text(datetime.fromtimestamp(at, UTC)),
        DUE_ID: named,
        **({} if row.as_of is None else {EVENT_TIME: time_text(row.as_of)}),
    }
    form = "application/cloudevents+json" if row.cloud_event else "application/json"
    properties = {"content_type": form, "type": row.kind, "delivery_mode": 2, "headers": headers}
    return Outgoing("", work_queue(account), row.body, properties)


def importing(item: Item, message: Outgoing, at: float) -> DueEffect:
    """Return the timer of a row's message.

    Args:
        item: The same, as it is read.
        message: As `imported_message` returns it.
        at: When it is published.
    """
    event = item.event
    if event is None or event.due is None:
        raise AssertionError("only a row that could be read is imported")
    return DueEffect(
        id=event.due.id,
        at=at,
        email=item.email,
        user_id=item.user_id,
        event_type=event.type,
        event_id=event.id,
        event_time=event.time,
        what=f"{event.type}, from a file",
        message=as_kept(message.body, message.properties),
    )
