"""Which tags somebody would have if rows of a file had never come. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TypeAlias

from worker.events.event import OrderKey
from worker.events.row import row_at
from worker.subscribers.change import Change
from worker.subscribers.desired import desired
from worker.subscribers.record import Record
from worker.subscribers.spoken import spoken_of

RowMarks: TypeAlias = Collection[tuple[datetime, int]]
"""The time of each row, and what tells it from others of that time: `mark_of_row`."""


def tags_without(record: Record, rows: RowMarks) -> Collection[str]:
    """Return the tags, by `tag_key`, that somebody has by other events than those of these rows.

    Of subscriptions what the others say of them is left.
    """
    events, facts = _orders_of(record, rows), spoken_of(record.facts, record.gave).tags
    others = record.copied()
    others.unlearn(events)
    # What somebody has by a fact is worked out anew, from the other facts.
    known = {
        key: tag.part
        for key, tag in record.tags.items()
        if tag.part.order not in events and not facts.comes_by_fact(key, tag.part.order)
    }
    stand = {**known, **desired(others, Change(anew=events)).tags}
    return {key for key, part in stand.items() if part.value.present}


def _orders_of(record: Record, rows: RowMarks) -> frozenset[OrderKey]:
    """Return the order keys of rows, as far as something is known by them of tags."""
    parts = [*record.gave.values(), *record.base.tags.values(), *record.owed.tags.values()]
    orders = [part.order for part in (*parts, *(tag.part for tag in record.tags.values()))]
    orders += [fact.order for fact in record.facts]
    orders += [] if record.tags_off is None else [record.tags_off.order]
    return frozenset(order for order in orders if is_of(rows, order))


def is_of(rows: RowMarks, order: OrderKey) -> bool:
    """Tell whether an event's place is that of a row."""
    return (order.time, row_at(order.arrival)) in rows
