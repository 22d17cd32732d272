"""Which subscribers of an account have which tag, or were added to which form or sequence, and since when."""

from __future__ import annotations

import itertools
from dataclasses import replace

from worker.sandbox.catalog import Tags
from worker.sandbox.records import Added, EmailSequence, Form, Subscriber, timestamp
from worker.sandbox.tables import Table


class Memberships:
    """Tags and untags the subscribers of one account, and adds them to forms and sequences."""

    def __init__(self, subscribers: Table[Subscriber], tags: Tags) -> None:
        self._subscribers = subscribers
        self._tags = tags
        self._numbers = itertools.count(1)

    def tag(self, tag_id: int, subscriber: Subscriber, now: float) -> tuple[Subscriber, bool]:
        """Tag a subscriber; says whether the tag is new to them.

        Raises:
            NotFoundError: there is no such tag.
        """
        self._tags.get(tag_id)
        if tag_id in subscriber.tags:
            return subscriber, False
        tagged = replace(subscriber, tags={**subscriber.tags, tag_id: self._added(now)})
        return self._subscribers.put(tagged, now), True

    def untag(self, tag_id: int, subscriber: Subscriber, now: float) -> None:
        """Take a tag off a subscriber, who may lack it already.

        Raises:
            NotFoundError: there is no such tag.
        """
        self._tags.get(tag_id)
        if tag_id in subscriber.tags:
            tags = {tag: tagging for tag, tagging in subscriber.tags.items() if tag != tag_id}
            self._subscribers.put(replace(subscriber, tags=tags), now)

    def delete_tag(self, tag_id: int, now: float) -> None:
        """Delete a tag and take it off everybody.

        Raises:
            NotFoundError: there is no such tag.
        """
        self._tags.get(tag_id)
        for subscriber in list(self._subscribers.rows.values()):
            self.untag(tag_id, subscriber, now)
        self._tags.delete(tag_id, now)

    def add(
        self, group: Form | EmailSequence, subscriber: Subscriber, now: float, referrer: str | None = None
    ) -> tuple[Subscriber, bool]:
        """Add a subscriber to a form or a sequence; says whether that is new.

        Who was added before keeps the time and the referrer of then (assumed).
        """
        if group.id in subscriber.added:
            return subscriber, False
        added = replace(subscriber, added={**subscriber.added, group.id: self._added(now, referrer)})
        return self._subscribers.put(added, now), True

    def _added(self, now: float, referrer: str | None = None) -> Added:
        return Added(timestamp(now), next(self._numbers), referrer)
