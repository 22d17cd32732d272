"""Where addresses lead whose people have left them. Pure.

Whoever leaves an address leaves a note there. It leads to the person until somebody else's event claims the
address; what is older than that event still follows.
"""

from __future__ import annotations

from typing import NamedTuple

from worker.events.event import FIRST, OrderKey
from worker.subscribers.directory import Directory
from worker.subscribers.record_parts import Moved
from worker.subscribers.subscriber import Subscriber


class Trail(NamedTuple):
    """Where an address led, over the notes of those who have left it.

    Attributes:
        order: The newest of the events by which they left; `FIRST` where nobody has.
    """

    email: str
    subscriber: Subscriber
    order: OrderKey = FIRST


def follow(directory: Directory, email: str, order: OrderKey) -> Trail:
    """Return to whom an address leads that somebody may have left.

    It leads to where that person is now, until somebody else's event has claimed it. An event, whose order is
    given, that is older than the claim is not the claimant's.
    """
    trail, seen = Trail(email, directory.at(email)), {email}
    while (moved := trail.subscriber.record.moved) is not None and moved.to not in seen:
        record = trail.subscriber.record
        if record.email != trail.email or not (record.is_left or order < moved.order):
            break
        seen.add(moved.to)
        trail = Trail(moved.to, directory.at(moved.to), max(trail.order, moved.order))
    return trail


def has_led(directory: Directory, email: str, subscriber: Subscriber, order: OrderKey) -> bool:
    """Tell whether a subscriber has an address, or had it and nobody else has claimed it since."""
    return email == subscriber.record.email or follow(directory, email, order).subscriber is subscriber


def left_to(directory: Directory, moved: Moved | None, subscriber: Subscriber) -> Moved | None:
    """Return what stays of the note at an address that a subscriber is given, for older events.

    There is none where whoever left the address was the same subscriber.
    """
    at, seen = moved, set[str]()
    while at is not None and at.to not in seen:
        seen.add(at.to)
        there = next(iter(directory.all_of(at.to)), None)
        if there is None or there is subscriber:
            return None
        at = there.record.moved
    return moved


def is_nobodys(directory: Directory, email: str) -> bool:
    """Tell whether nobody was ever known by an address, and nothing in hand is about it.

    Where the ledger has a record that says nothing, a worker may have been killed that made somebody there.
    """
    subscriber = directory.at(email)
    is_in_use = subscriber.events or subscriber.is_written
    return subscriber.record.email == email and not is_in_use and subscriber.record.is_blank
