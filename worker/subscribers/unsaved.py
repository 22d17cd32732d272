"""What was noted of the people in hand, and is not in the ledger yet. Pure."""

from __future__ import annotations

from collections.abc import Collection

from worker.subscribers.directory import Directory
from worker.subscribers.known import Batch
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Subscriber


class Unsaved:
    """What was noted, and is not in the ledger yet.

    Args:
        directory: Knows which people are new.
    """

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._touched: set[Subscriber] = set()
        self._moves: list[tuple[str, str]] = []
        self._new: set[Subscriber] = set()
        self._being_saved: set[Subscriber] = set()
        self._being_written: set[Subscriber] = set()

    def __bool__(self) -> bool:
        """Tell whether there is anything."""
        return bool(self._touched or self._moves or self._directory.has_new_people)

    @property
    def subscribers(self) -> Collection[Subscriber]:
        """Whose records are to be written."""
        return self._touched

    def has(self, subscriber: Subscriber) -> bool:
        """Tell whether a record is to be written, or is being."""
        return subscriber in self._touched or subscriber in self._being_written

    def touch(self, *subscribers: Subscriber) -> None:
        """Have records written."""
        self._touched.update(subscribers)

    def met(self, subscriber: Subscriber) -> None:
        """Note a subscriber of whom an event is in hand; the ledger may know of that one already."""
        if not subscriber.is_written:
            self.is_new(subscriber)

    def is_new(self, subscriber: Subscriber) -> None:
        """Note that the ledger does not know of a subscriber, or not who it is, or not where Kit has it.

        Whose id it is to know, it knows by the person; of all others it needs the record.
        """
        subscriber.is_written = False
        self._new.add(subscriber)
        if not subscriber.record.users:
            self._touched.add(subscriber)

    def moved(self, old: str, new: str) -> None:
        """Note that a person has another address."""
        self._moves.append((old, new))

    def take(self) -> Batch:
        """Return all of it as it is now, to be written; `saved` follows.

        What happens meanwhile belongs to the next batch, with all else that it is a part of.
        """
        records: dict[str, Record] = {}
        for subscriber in self._touched:
            email = subscriber.record.email
            # Of two with one address, one has moved there, and has taken in what is known of the other.
            if email not in records or self._directory.leads_to(email, subscriber):
                records[email] = subscriber.record
        copies = [record.copied() for record in records.values()]
        batch = Batch(copies, self._directory.take_new_people(), moves=self._moves)
        self._being_written, self._touched, self._moves = self._touched, set(), []
        self._being_saved, self._new = self._new, set()
        return batch

    def saved(self) -> None:
        """Note that what was taken last is in the ledger; what was noted since is not."""
        for subscriber in self._being_saved - self._new:
            subscriber.is_written = True
        self._being_saved, self._being_written = set(), set()
