"""What tells an event, the timer of one, or what one owes, apart from all others. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b

from worker.errors import EventError, PartlyApplied
from worker.events.event import Event, Origin
from worker.events.values import time_text
from worker.subscribers.due_effect import EventName
from worker.subscribers.identity import id_key, plain


def event_mark(event: Event) -> str | None:
    """Return what tells an event apart from the others of its person; None where its publisher gave no id.

    An id alone would not do: a publisher that sends one id for everything would have all but its first
    event dropped in silence. A true duplicate has the same type and time, too. An event that has come in
    again at its time is another one, and each time of it; one from a file is the one that happened.
    """
    if event.due is not None and event.origin is not Origin.IMPORT:
        return event.due.id
    if event.id is None:
        return None
    time = event.time.isoformat() if event.dated else ""
    return blake2b(f"{event.id}\0{event.type}\0{time}".encode(), digest_size=8).hexdigest()


def fact_mark(event: Event) -> str:
    """Return what tells an event from others about the same subscription at the same time.

    Some publishers' times are whole seconds, and a subscription may be opened and changed in one. Unlike
    `event_mark`, it stays the same when the event comes in again at its time. Where the publisher gave no id,
    each message is an event.
    """
    name = event.order.arrival if event.id is None else event.id
    return blake2b(f"{name}\0{event.type}".encode(), digest_size=8).hexdigest()


def owed_mark(error: EventError | None) -> str:
    """Return what tells the parts that an event owes from others; empty where it owes none."""
    if not isinstance(error, PartlyApplied):
        return ""
    return blake2b(str(error).encode(), digest_size=8).hexdigest()


def event_name(event: Event) -> EventName:
    """Return by what the timers of an event, of whatever time, are told from those of others."""
    id_ = None if event.id is None else id_key(event.id)
    return EventName(plain(event.type), id_, time_text(event.time))


def timer_id(event: Event, at: datetime) -> str:
    """Return the id of the timer for an event that takes effect, or a part of it, later.

    It is the same for each copy of the event, by its id where the publisher gave one, else by its arrival.
    """
    name = event.order.arrival if event.id is None else event.id
    text = f"{name}\0{event.type}\0{event.time.isoformat()}\0{at.astimezone(UTC).isoformat()}"
    return blake2b(text.encode(), digest_size=16).hexdigest()
