"""How a person gets another address: from the first event that asks for it until Kit has it. Pure."""

from __future__ import annotations

from worker.events.event import FIRST, OrderKey
from worker.subscribers.directory import Directory
from worker.subscribers.parts import Part
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Subscriber, merged
from worker.subscribers.trails import left_to
from worker.subscribers.unsaved import Unsaved


def is_in_the_way(directory: Directory, subscriber: Subscriber, email: str) -> bool:
    """Tell whether whoever has the new address has events in hand, which must be done before."""
    other = directory.at(email)
    return other is not subscriber and other.events > 0


def begin_move(directory: Directory, subscriber: Subscriber, email: str, order: OrderKey) -> None:
    """Let an address lead to the subscriber who is to get it.

    Args:
        directory: Knows all who had the address.
        subscriber: Who is to get it.
        email: The address.
        order: Of the event that asks for it.
    """
    subscriber.asking[order] = email
    if subscriber.record.moved is not None:
        # What went after those who had this address before must not come after this person by a copy.
        subscriber.record.see(*_seen_by_all_of(directory, subscriber.record.email))
    if (other := directory.at(email)) is not subscriber and other.record.moved is not None:
        # While all who had the address are known. What it brought them must not come again by a copy.
        other.record.see(*_seen_by_all_of(directory, email))
        subscriber.left[email] = left_to(directory, other.record.moved, subscriber)
    directory.join(subscriber, email)


def _seen_by_all_of(directory: Directory, email: str) -> list[str]:
    return [mark for each in directory.all_of(email) for mark in each.record.seen]


def end_move(
    directory: Directory,
    unsaved: Unsaved,
    subscriber: Subscriber,
    address: Part[str],
    kit_id: int | None,
    now: float,
) -> None:
    """Note that a subscriber has a new address.

    Args:
        directory: Where the address leads from now on, and the old one.
        unsaved: What is to be written of it.
        subscriber: Who moved.
        address: The new address, and by which event.
        kit_id: Of the subscriber who has it now. Where that is another one than before, all that was given
            under the old address is owed to this one.
        now: Seconds since 1970.
    """
    old = subscriber.record
    other = subscriber.joined.pop(address.value, None)
    subscriber.record = merged(old, other.record if other else Record(address.value), address, kit_id)
    left = subscriber.left.pop(address.value, None)
    subscriber.record.moved = left and left._replace(order=address.order)
    subscriber.record.placed = max(address.order, (other and other.record.placed) or FIRST)
    if kit_id is None or kit_id != old.kit_id:
        unsaved.is_new(subscriber)
    note = directory.move(subscriber, old.email, address.order, now)
    unsaved.touch(subscriber, note)
    unsaved.moved(old.email, address.value)
