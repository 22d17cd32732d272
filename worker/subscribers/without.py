"""Which tags somebody would have if events of some times had never come. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from worker.events.event import Moment
from worker.subscribers.change import Change
from worker.subscribers.desired import desired
from worker.subscribers.record import Record
from worker.subscribers.spoken import spoken_of


def tags_without(record: Record, times: Collection[datetime]) -> Collection[str]:
    """Return the tags, by `tag_key`, that somebody has by other events than those of these times.

    Of subscriptions what the others say of them is left.
    """
    moments, facts = _moments(record, times), spoken_of(record.facts, record.gave).tags
    others = record.copied()
    others.unlearn(moments)
    # What somebody has by a fact is worked out anew, from the other facts.
    known = {
        key: tag.part
        for key, tag in record.tags.items()
        if tag.part.order.moment not in moments and not facts.comes_by_fact(key, tag.part.order)
    }
    stand = {**known, **desired(others, Change(anew=moments)).tags}
    return {key for key, part in stand.items() if part.value.present}


def _moments(record: Record, times: Collection[datetime]) -> frozenset[Moment]:
    """Return the moments of these times of which something is known of tags."""
    parts = [*record.gave.values(), *record.base.tags.values(), *record.owed.tags.values()]
    orders = [part.order for part in (*parts, *(tag.part for tag in record.tags.values()))]
    orders += [fact.order for fact in record.facts]
    orders += [] if record.tags_off is None else [record.tags_off.order]
    return frozenset(order.moment for order in orders if order.time in times)
