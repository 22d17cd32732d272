"""Notes an event as applied, as if Kit had taken all that it asks for. Pure.

So whoever only tries events judges the next one of the same person as it would be judged then.
"""

from __future__ import annotations

from typing import Final

from msgspec import structs

from worker.events.event import FIRST
from worker.subscribers.desired import left
from worker.subscribers.in_hand import InHand
from worker.subscribers.item import Item
from worker.subscribers.learning import begin, finish
from worker.subscribers.subscriber import Subscriber

NEW: Final = 0
"""Stands for Kit's id of somebody whom Kit would have made by then."""


def as_if_applied(in_hand: InHand, item: Item, now: float) -> None:
    """Note in what is in hand that all of an event was done which is not refused, and let it go.

    Args:
        in_hand: Has taken the event in, and has nothing else of its person.
        item: The event, as it was taken in.
        now: Seconds since 1970.
    """
    subscriber, change = item.subscriber, item.change
    if subscriber is None:
        raise AssertionError("an event that was taken in has a person")
    _move(in_hand, item, subscriber, now)
    record = subscriber.record
    begin(record, change)
    record.note(structs.replace(left(record, change), address=None), now, {})
    finish(record, change)
    if record.kit_id is None and change.creates is not None:
        record.kit_id = NEW
    if item.refusal is None:
        in_hand.applied(item)
    in_hand.let_go(item)


def _move(in_hand: InHand, item: Item, subscriber: Subscriber, now: float) -> None:
    """Give a person the address that an event says; whoever Kit has there is that person then."""
    address, record = item.change.address, subscriber.record
    if address is None or address.value == record.email or address.order <= (record.placed or FIRST):
        return
    there = subscriber.joined.get(address.value)
    taken = None if there is None else there.record.kit_id
    in_hand.moved(subscriber, address, record.kit_id if taken is None else taken, now)
