"""Copies of an event: which place they have, and whether they are news. Pure."""

from __future__ import annotations

from msgspec import structs

from worker.events.event import FIRST, Event
from worker.subscribers.change import NOTHING, Change
from worker.subscribers.desired import is_news, may_be_done
from worker.subscribers.fact import first_place
from worker.subscribers.item import Item
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Subscriber


def in_its_place(item: Item, event: Event, record: Record) -> Item:
    """Return an event in the place of its first copy, where that is known: what came between is newer."""
    # Other facts than its own are heard anew.
    own = [fact for fact in item.change.facts if fact.order == event.order]
    first = min((event.order, *(first_place(record.facts, fact) for fact in own)))
    if first == event.order:
        return item
    return structs.replace(item, event=structs.replace(event, order=first), change=item.change.placed(first))


def in_doubt(subscriber: Subscriber, change: Change) -> bool:
    """Tell whether a copy of an applied event is news: what was done of it may not be known.

    What is not done yet because somebody works on it will be, without the copy.
    """
    record = subscriber.record
    left = not subscriber.events and is_news(record, NOTHING)
    return bool(change.facts) and (may_be_done(record, change) or _is_earlier(record, change) or left)


def _is_earlier(record: Record, change: Change) -> bool:
    """Tell whether facts that are known came earlier than was known, so that less is older than they."""
    known = {fact.key: fact.order for fact in record.facts}
    return any(fact.order < known.get(fact.key, FIRST) for fact in change.facts)
