"""The message of an event that has to come in again at its time, as the ledger keeps it until then."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import structs

from worker.broker.publisher import Outgoing
from worker.broker.topology import work_queue
from worker.dead_letters.letter import with_headers
from worker.errors import EventError
from worker.events.delivery import Delivery
from worker.events.event import (
    DUE_AT,
    DUE_ID,
    EVENT_ARRIVAL,
    EVENT_TIME,
    ORIGIN,
    OWES,
    REPLAY_RUN,
    Due,
    Event,
    Origin,
)
from worker.events.values import time_text
from worker.ledger.failures import DamagedRowError
from worker.subscribers.due_effect import DueAnew, DueEffect
from worker.subscribers.item import Item, Kind, Outcome
from worker.subscribers.mark import event_name, owed_mark, timer_id
from worker.subscribers.subscriber import Subscriber


class _Kept(msgspec.Struct, array_like=True):
    body: bytes
    properties: dict[str, Any]


def due_effect(item: Item, error: EventError | None = None) -> DueEffect | None:
    """Return what is kept of an event until it has to come in again; None where it need not.

    Args:
        item: The event, and what it asks for later.
        error: Why it is a dead letter, if it is one; the mark of what it owes goes with the timer.
    """
    event, later, subscriber = item.event, item.later, item.subscriber
    if event is None or later is None or subscriber is None:
        return None
    told = event.due.owes if event.due else ""  # by a letter of before, which says it still
    due = Due(timer_id(event, later.at), later.at, owed_mark(error) or told)
    return DueEffect(
        id=due.id,
        at=later.at.timestamp(),
        email=subscriber.record.email,
        user_id=item.user_id,
        event_type=event.type,
        event_id=event.id,
        event_time=event.time,
        what=later.what,
        message=_message(item.delivery.as_published(), event, due),
    )


def due_anew(asked: Iterable[Item | None], subscriber: Subscriber) -> DueAnew:
    """Return what takes effect later by events of one person, in place of what did before.

    Args:
        asked: Each event once, with what it asks for.
        subscriber: The person.
    """
    heard = [structs.replace(item, subscriber=subscriber) for item in asked if item is not None]
    names = frozenset(event_name(item.event) for item in heard if item.event is not None)
    return DueAnew(names, tuple(effect for item in heard if (effect := due_effect(item)) is not None))


def due_of_others(outcome: Outcome) -> tuple[str, DueAnew] | None:
    """Return of whom events were heard anew, and what is due of them; None where none were, in the end."""
    item = outcome.item
    if item.anew is None or item.subscriber is None or outcome.kind not in {Kind.APPLIED, Kind.SUPERSEDED}:
        return None
    return item.subscriber.record.email, item.anew


def _message(delivery: Delivery, event: Event, due: Due) -> bytes:
    """Return all that an event came with, its place among the others, and its timer."""
    headers = {
        EVENT_TIME: time_text(event.time),
        EVENT_ARRIVAL: str(event.order.arrival),
        ORIGIN: Origin.DUE.value,
        DUE_AT: time_text(due.at),
        DUE_ID: due.id,
        **({OWES: due.owes} if due.owes else {}),
    }
    properties = with_headers(delivery, headers)
    properties["headers"].pop(REPLAY_RUN, None)  # for that run the event has ended
    return as_kept(delivery.body, properties)


def as_kept(body: bytes, properties: dict[str, Any]) -> bytes:
    """Return a message as its timer keeps it."""
    return msgspec.msgpack.encode(_Kept(body, properties))


def due_again(account: str, message: bytes) -> Outgoing:
    """Return the message as it is put into the account's work queue.

    Raises:
        LedgerUnavailable: What the ledger holds is no such message.
    """
    try:
        kept = msgspec.msgpack.decode(message, type=_Kept)
    except msgspec.MsgspecError as error:
        raise DamagedRowError(f"the ledger holds a timer of {account} that cannot be read") from error
    return Outgoing("", work_queue(account), kept.body, kept.properties)
