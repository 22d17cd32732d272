"""Which subscriber in hand an address or a user id leads to. Pure.

A person is known by address and, where the platform gives one, by a user id that outlives addresses. Both
lead to one `Subscriber`, so that whatever happens to a person is folded into one pending change.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from worker.events.event import FIRST, OrderKey
from worker.subscribers.item import Item
from worker.subscribers.known import Known, Person
from worker.subscribers.record import Record
from worker.subscribers.record_parts import Moved
from worker.subscribers.subscriber import Subscriber


class Directory:
    """The addresses and user ids of the people in one session's hands."""

    def __init__(self) -> None:
        self._subscribers: dict[str, Subscriber] = {}
        self._people: dict[str, Person | None] = {}  # None: the ledger was asked, and does not know
        self._new_people: dict[str, Person] = {}
        self._forgotten: dict[tuple[str, str], datetime] = {}
        self._idle: set[Subscriber] = set()

    # -- what the ledger says -------------------------------------------------------------------------

    def unknown(self, items: Iterable[Item]) -> tuple[set[str], set[str]]:
        """Return the addresses and user ids of which the ledger must be asked."""
        emails, users = set(), set()
        for item in items:
            emails |= {end for end in map(self._end_of, item.addresses) if end not in self._subscribers}
            if item.user_id is not None:
                person = self._people.get(item.user_id)
                if item.user_id not in self._people or (person and person.email not in self._subscribers):
                    emails.add(item.email)
                    users.add(item.user_id)
        return emails, users

    def _end_of(self, email: str) -> str:
        """Return where an address leads, over all notes; it may be unknown who is there."""
        end, seen = email, set[str]()
        while end not in seen and (there := self._subscribers.get(end)) is not None and there.record.moved:
            seen.add(end)
            end = there.record.moved.to
        return end

    def learn(self, emails: Iterable[str], users: Iterable[str], known: Known) -> None:
        """Take in what the ledger says; what is in hand already is newer.

        Args:
            emails: Of which it was asked; those that it does not know are new.
            users: Likewise.
            known: Its answer.
        """
        of_people = {person.email for person in known.people.values()}
        for email in {*emails, *known.records, *of_people}:
            if email not in self._subscribers:
                record = known.records.get(email) or Record(email)
                is_written = email in known.records or email in of_people
                self._lead(email, Subscriber(record, is_written=is_written))
        self._people |= {**dict.fromkeys(users), **known.people, **self._new_people}
        self._forgotten |= known.forgotten

    # -- who it is ------------------------------------------------------------------------------------

    def at(self, email: str) -> Subscriber:
        """Return the subscriber to whom an address leads, of which the ledger was asked."""
        return self._subscribers[email]

    def leads_to(self, email: str, subscriber: Subscriber) -> bool:
        """Tell whether an address, which may be unknown, leads to that subscriber."""
        return self._subscribers.get(email) is subscriber

    def person(self, user_id: str) -> Person | None:
        """Return the person of a user id; None where nobody is known by it."""
        return self._people.get(user_id)

    def all_of(self, email: str) -> Iterator[Subscriber]:
        """Yield who has an address, and who had it, as far as they are in hand."""
        seen = set[str]()
        while email not in seen and (subscriber := self._subscribers.get(email)) is not None:
            yield subscriber
            seen.add(email)
            email = subscriber.record.moved.to if subscriber.record.moved is not None else email

    def is_forgotten(self, email: str, user_id: str | None, time: datetime) -> bool:
        """Tell whether the person of an event was forgotten at the event's time, or later."""
        if not self._forgotten:
            return False
        until = (self._forgotten.get(("email", email)), self._forgotten.get(("user", user_id or "")))
        return any(time <= moment for moment in until if moment is not None)

    # -- user ids -------------------------------------------------------------------------------------

    def note_user(self, user_id: str, order: OrderKey, subscriber: Subscriber, said: OrderKey) -> None:
        """Note that an event about a subscriber has named a user id.

        Args:
            user_id: The person's key.
            order: Of the event. It claims the address, if somebody has left it.
            subscriber: Who is meant.
            said: The event again, if it says that the subscriber's address is the person's; else `FIRST`.
        """
        record = subscriber.record
        if record.moved is not None:
            if record.is_left:
                # What the address brought to whoever left it must not come again by a copy.
                for each in list(self.all_of(record.email)):
                    record.see(*each.record.seen)
            claimed = order if record.is_left else min(order, record.moved.order)
            record.moved = record.moved._replace(order=claimed)
        record.users[user_id] = max(said, record.users.get(user_id, FIRST))
        if self._people.get(user_id) is None:
            self._enter(Person(user_id, record.email))
            subscriber.is_written = False  # before that the ledger does not know who it is

    def note_former(self, email: str, subscriber: Subscriber, order: OrderKey) -> Subscriber:
        """Let an address that nobody has lead to a subscriber who had it; return what stays there."""
        note = self._subscribers[email]
        note.record.moved = Moved(subscriber.record.email, order)
        return note

    def ask_again(self, user_id: str) -> None:
        """Have the ledger asked again with the next event that brings an id by which nobody is known."""
        if self._people.get(user_id) is None:
            self._people.pop(user_id, None)

    def _enter(self, person: Person) -> None:
        self._people[person.user_id] = self._new_people[person.user_id] = person

    @property
    def has_new_people(self) -> bool:
        """Whether there are people of whom the ledger was not told yet."""
        return bool(self._new_people)

    def take_new_people(self) -> list[Person]:
        """Return the people who are new, or have moved, since the last call; the ledger is to be told."""
        people, self._new_people = self._new_people, {}
        return list(people.values())

    # -- addresses ------------------------------------------------------------------------------------

    def _lead(self, email: str, subscriber: Subscriber) -> None:
        """Let an address lead to a subscriber, and to nobody else."""
        if (before := self._subscribers.get(email)) is not None:
            before.addresses.discard(email)
        self._subscribers[email] = subscriber
        subscriber.addresses.add(email)
        if not subscriber.events:
            self._idle.add(subscriber)

    def join(self, subscriber: Subscriber, email: str) -> None:
        """Let an address lead to the subscriber who is to get it, until they `part`, or until the `move`."""
        owner = self._subscribers[email]
        if owner is not subscriber:
            subscriber.joined[email] = owner
            self._lead(email, subscriber)

    def part(self, subscriber: Subscriber, email: str) -> None:
        """Let an address lead to its owner again: nothing in hand asks for the move any more."""
        if (owner := subscriber.joined.pop(email, None)) is not None:
            self._lead(email, owner)

    def move(self, subscriber: Subscriber, old: str, order: OrderKey, now: float) -> Subscriber:
        """Let the address that a subscriber has got lead there, and all user ids lead to that address.

        Args:
            subscriber: Whose record has the new address already.
            old: The address before.
            order: Of the event that asked for the move.
            now: Seconds since 1970.

        Returns:
            The note that stays at the old address, for late events that know the person by nothing else.
        """
        email = subscriber.record.email
        self._lead(email, subscriber)
        note = Subscriber(Record(old, moved=Moved(email, order)))
        self._lead(old, note)
        for user_id in subscriber.record.users:
            self._enter(Person(user_id, email, now))
        return note

    # -- how long they are kept -----------------------------------------------------------------------

    def hold(self, subscriber: Subscriber) -> None:
        """Count one more event in hand about a subscriber."""
        subscriber.events += 1
        self._idle.discard(subscriber)

    def release(self, subscriber: Subscriber) -> None:
        """Count one event less in hand about a subscriber."""
        subscriber.events -= 1
        if not subscriber.events:
            self._idle.add(subscriber)

    def drop_idle(self, keep: Collection[Subscriber]) -> None:
        """Drop whom no event in hand is about, except those of `keep`, whose records are not written yet."""
        for subscriber in self._idle.difference(keep):
            self._idle.discard(subscriber)
            for email in subscriber.addresses:
                del self._subscribers[email]
            subscriber.addresses.clear()
            for user_id in subscriber.record.users:
                self._people.pop(user_id, None)
