"""The message of an event that has to come in again at its time, as the ledger keeps it until then."""

from __future__ import annotations

from worker.broker.publisher import Outgoing
from worker.broker.topology import work_queue
from worker.consumer.kept_message import keep, unpack
from worker.events.delivery import Delivery
from worker.events.event import DUE, DUE_AT, DUE_ID, ORIGIN, Due, Event
from worker.events.values import time_text
from worker.subscribers.item import Item
from worker.subscribers.known import DueEffect
from worker.subscribers.mark import timer_id


def due_effect(item: Item) -> DueEffect | None:
    """Return what is kept of an event until it has to come in again; None where it need not."""
    event, later, subscriber = item.event, item.later, item.subscriber
    if event is None or later is None or subscriber is None:
        return None
    timer = timer_id(event, later.at)
    return DueEffect(
        id=timer,
        at=later.at.timestamp(),
        email=subscriber.record.email,
        user_id=item.user_id,
        event_type=event.type,
        event_id=event.id,
        event_time=event.time,
        what=later.what,
        message=_message(item.delivery.as_published(), event, Due(timer, later.at)),
    )


def _message(delivery: Delivery, event: Event, due: Due) -> bytes:
    """Return all that an event came with, its place among the others, and its timer."""
    return keep(delivery, event, {ORIGIN: DUE, DUE_AT: time_text(due.at), DUE_ID: due.id})


def due_again(account: str, message: bytes) -> Outgoing:
    """Return the message as it is put into the account's work queue.

    Raises:
        LedgerUnavailable: What the ledger holds is no such message.
    """
    body, properties = unpack(account, message)
    return Outgoing("", work_queue(account), body, properties)
