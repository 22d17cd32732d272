"""Copies of an event: which place they have, and whether they are news. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from worker.events.event import Event, OrderKey
from worker.subscribers.change import NOTHING, Change
from worker.subscribers.desired import is_news, may_be_done
from worker.subscribers.fact import Facts, first_place, marked, may_know
from worker.subscribers.item import Item
from worker.subscribers.mark import fact_mark
from worker.subscribers.place import Placing, place_anew
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Subscriber


def in_its_place(item: Item, event: Event, record: Record) -> Item:
    """Return an event in the place of its first copy, where that is known: what came between is newer."""
    # Other facts than its own are heard anew.
    own = [fact for fact in item.change.facts if fact.order == event.order]
    first = min((event.order, *(first_place(record.facts, fact) for fact in own)))
    if first == event.order:
        return item
    return replace(
        item, event=replace(event, order=first), change=Placing(event.order, first).change(item.change)
    )


def known_place(event: Event, facts: Facts) -> OrderKey:
    """Return the place that an event has by now: a copy may have shown that it came earlier."""
    of_then = [fact for fact in facts if fact.order.moment == event.order.moment]
    marks = {fact_mark(event)}
    if all(fact.order != event.order for fact in of_then):
        marks.add("")  # in the ledger of an older version it may be any of these
    return min((event.order, *(fact.order for fact in of_then if fact.event in marks)))


def in_doubt(subscriber: Subscriber, change: Change) -> bool:
    """Tell whether a copy of an applied event is news: what was done of it may not be known.

    What is not done yet because somebody works on it will be, without the copy.
    """
    record = subscriber.record
    left = not subscriber.events and is_news(record, NOTHING)
    return bool(change.facts) and (may_be_done(record, change) or left)


def shows_earlier(record: Record, change: Change) -> bool:
    """Tell whether a copy shows that facts that are known have earlier places."""
    if not any(may_know(record.facts, fact) for fact in change.facts):
        return False
    came = {fact.key: fact.order for fact in change.facts}
    return any(fact.order > came.get(fact.key, fact.order) for fact in marked(record.facts, change.facts))


def place_earlier(record: Record, change: Change) -> None:
    """Give facts that are known the places that a copy shows, where these are earlier."""
    came = {fact.key: fact.order for fact in change.facts}
    known = marked(record.facts, change.facts)
    facts = [replace(fact, order=min(fact.order, came.get(fact.key, fact.order))) for fact in known]
    place_anew(record, tuple(sorted(facts, key=lambda fact: fact.place)))
