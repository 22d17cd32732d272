"""What one session knows about the subscribers in its hands, and which of them an event is about. Pure.

A person is known by address and, where the platform gives one, by a user id that outlives addresses. Both
lead to one `Record`, so that whatever happens to a person is folded into one pending change.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from msgspec import structs

from worker.errors import EventError, InvalidEvent
from worker.events.event import FIRST, Event, OrderKey
from worker.subscribers.change import NOTHING, Change, Part
from worker.subscribers.item import Item, Kind, Outcome
from worker.subscribers.known import Batch, Known, Person
from worker.subscribers.record import Moved, Record, event_mark
from worker.subscribers.subscriber import Call, Subscriber, merged

MOVE_EVERY: Final = 24 * 3600.0
"""Seconds between two changes of one person's address in Kit."""


class InHand:
    """The records of one session."""

    def __init__(self) -> None:
        self._subscribers: dict[str, Subscriber] = {}
        self._people: dict[str, Person | None] = {}  # None: the ledger was asked, and does not know
        self._forgotten: dict[tuple[str, str], datetime] = {}
        self._marks: set[str] = set()
        self._new_people: dict[str, Person] = {}
        self._moves: list[tuple[str, str]] = []
        self._touched: set[Subscriber] = set()
        self._idle: set[Subscriber] = set()

    # -- what the ledger says -------------------------------------------------------------------------

    def unknown(self, items: Iterable[Item]) -> tuple[set[str], set[str]]:
        """Return the addresses and user ids of which the ledger must be asked."""
        emails, users = set(), set()
        for item in items:
            subscriber = self._subscribers.get(item.email)
            if subscriber is None or self._leads_nowhere(subscriber.record.moved):
                emails.add(item.email)
            if item.user_id is not None:
                person = self._people.get(item.user_id)
                if item.user_id not in self._people or (person and person.email not in self._subscribers):
                    emails.add(item.email)
                    users.add(item.user_id)
        return emails, users

    def _leads_nowhere(self, moved: Moved | None) -> bool:
        return moved is not None and moved.to not in self._subscribers

    def learn(self, emails: Iterable[str], users: Iterable[str], known: Known) -> None:
        """Take in what the ledger says; what is in hand already is newer.

        Args:
            emails: Of which it was asked; those that it does not know are new.
            users: Likewise.
            known: Its answer.
        """
        for email in {*emails, *known.records, *(person.email for person in known.people.values())}:
            if email not in self._subscribers:
                self._lead(email, Subscriber(known.records.get(email) or Record(email)))
        self._people |= {**dict.fromkeys(users), **known.people, **self._new_people}
        self._forgotten |= known.forgotten

    def _lead(self, email: str, subscriber: Subscriber) -> None:
        """Let an address lead to a subscriber."""
        self._subscribers[email] = subscriber
        subscriber.addresses.add(email)
        if not subscriber.events:
            self._idle.add(subscriber)

    # -- taking an event in ---------------------------------------------------------------------------

    def take_in(self, item: Item, now: float) -> Item | Outcome | None:
        """Take an event in whose people are known; `let_go` must follow, unless it has to wait.

        Args:
            item: The event, and what it asks for.
            now: Seconds since 1970.

        Returns:
            The item with its subscriber and what is to be done; or how it ends at once, because there is
            nothing to do; or None where it cannot be taken in before somebody else's work has ended.
        """
        event = _event_of(item)
        address = self._address_of(event, item.email, item.user_id)
        subscriber = self._subscribers[address]
        if self._is_forgotten(event, item.email, item.user_id):
            # Also where the event is refused: a dead letter would name its person.
            return self._ends(structs.replace(item, refusal=None), subscriber, Kind.FORGOTTEN)
        if item.refusal is not None:
            return self._ends(item, subscriber, Kind.DEAD_LETTERED)
        if address in subscriber.joined and item.user_id not in subscriber.record.users:
            # Somebody else's address, whose owner is about to be joined with this subscriber. The move may
            # still be rejected, which parts the two again.
            return None
        mark = event_mark(event)
        if mark in subscriber.record.seen:
            return self._ends(item, subscriber, Kind.DUPLICATE)
        if mark is not None and mark in self._marks:
            self._hold(item, subscriber)
            return structs.replace(item, subscriber=subscriber, change=NOTHING, doubled=True)
        return self._take_in_news(item, subscriber, mark, now)

    def _ends(self, item: Item, subscriber: Subscriber, kind: Kind) -> Outcome:
        self._hold(item, subscriber)
        return Outcome(structs.replace(item, subscriber=subscriber), kind, item.refusal)

    def _hold(self, item: Item, subscriber: Subscriber) -> None:
        """Count an event as in hand that teaches nothing about its person."""
        self._count(subscriber)
        if item.user_id is not None and self._people.get(item.user_id) is None:
            # Whether the ledger knows the id is asked again with the next event that brings it.
            self._people.pop(item.user_id, None)

    def _count(self, subscriber: Subscriber) -> None:
        subscriber.events += 1
        self._idle.discard(subscriber)

    def _take_in_news(
        self, item: Item, subscriber: Subscriber, mark: str | None, now: float
    ) -> Item | Outcome | None:
        event, record = _event_of(item), subscriber.record
        change, refusal = self._with_address(subscriber, item, now)
        moves = change.address is not None and change.address.value != record.email
        if refusal is None and not moves and record.supersedes(change):
            return self._ends(item, subscriber, Kind.SUPERSEDED)
        if moves and self._is_in_the_way(subscriber, item.email):
            return None
        self._count(subscriber)
        if mark is not None:
            self._marks.add(mark)
        self._note_user(item, record)
        if moves and change.address is not None:
            subscriber.asking[event.order] = change.address.value
            self._join(subscriber, change.address.value)
        return structs.replace(item, subscriber=subscriber, change=change, refusal=refusal, mark=mark)

    def _note_user(self, item: Item, record: Record) -> None:
        """Note that an event has named a person's id together with an address."""
        user = item.user_id
        if user is None:
            return
        here = _event_of(item).order if item.email == record.email else FIRST
        record.users[user] = max(here, record.users.get(user, FIRST))
        if self._people.get(user) is None:
            self._people[user] = self._new_people[user] = Person(user, record.email)

    def _address_of(self, event: Event, email: str, user: str | None) -> str:
        """Return the address under which the person of an event is known."""
        if user is not None and (person := self._people.get(user)) is not None:
            return person.email
        seen = {email}
        while (moved := self._subscribers[email].record.moved) is not None and event.order < moved.order:
            if moved.to in seen:
                break
            email = moved.to
            seen.add(email)
        return email

    def _is_forgotten(self, event: Event, email: str, user: str | None) -> bool:
        if not self._forgotten:
            return False
        until = (self._forgotten.get(("email", email)), self._forgotten.get(("user", user or "")))
        return any(event.time <= moment for moment in until if moment is not None)

    def _with_address(
        self, subscriber: Subscriber, item: Item, now: float
    ) -> tuple[Change, EventError | None]:
        """Return the change with the person's address in it, or why that cannot be changed."""
        record, user, order = subscriber.record, item.user_id, _event_of(item).order
        if user is None or order <= record.users.get(user, FIRST):
            return item.change, None  # nobody's, or a delayed event of a person who has moved on
        moves = item.email != record.email and self._subscribers[item.email] is not subscriber
        if moves and (why := self._why_not_move(record, user, now)) is not None:
            error = InvalidEvent(f"data.user.email: {why}; everything else of the event is applied")
            return item.change, error
        # Also where it is the address as it is, for an older event may still ask for another one.
        return structs.replace(item.change, address=Part(item.email, order)), None

    def _why_not_move(self, record: Record, user: str, now: float) -> str | None:
        if record.users.keys() - {user}:
            return "the old address is used by another user.id as well, so it is not changed in Kit"
        person = self._people.get(user)
        moved_at = person.moved_at if person is not None else None
        if moved_at is not None and now - moved_at < MOVE_EVERY:
            return "this person's address was changed in Kit less than a day ago; replay the event tomorrow"
        return None

    def _is_in_the_way(self, subscriber: Subscriber, email: str) -> bool:
        """Tell whether whoever has the new address has events in hand, which must be done before."""
        other = self._subscribers[email]
        return other is not subscriber and other.events > 0

    def _join(self, subscriber: Subscriber, email: str) -> None:
        """Let both addresses lead to one subscriber from now on."""
        other = self._subscribers[email]
        if other is not subscriber:
            subscriber.joined[email] = other
            self._lead(email, subscriber)

    def _part(self, subscriber: Subscriber, email: str) -> None:
        """Let each of two addresses lead to its own subscriber again: nothing in hand asks for a move."""
        if (other := subscriber.joined.pop(email, None)) is not None:
            subscriber.addresses.discard(email)
            self._lead(email, other)

    # -- while it is worked on ------------------------------------------------------------------------

    def touch(self, subscriber: Subscriber) -> None:
        """Have the subscriber's record written."""
        self._touched.add(subscriber)

    def lost(self, subscriber: Subscriber) -> None:
        """Note that Kit no longer has the subscriber."""
        subscriber.record.lost()
        self._touched.add(subscriber)

    def called(self, subscriber: Subscriber, call: Call, orders: Iterable[OrderKey]) -> None:
        """Note a call that was answered, for the events that asked for it."""
        self._touched.add(subscriber)
        for order in orders:
            subscriber.calls.setdefault(order, []).append(call)

    def moved(self, subscriber: Subscriber, address: Part[str], kit_id: int | None, now: float) -> None:
        """Note that the subscriber has a new address.

        Args:
            subscriber: Who moved.
            address: The new address, and by which event.
            kit_id: Of the subscriber who has it now. Where that is another one than before, all that was
                given under the old address is owed to this one.
            now: Seconds since 1970.
        """
        old = subscriber.record
        other = subscriber.joined.pop(address.value, None)
        subscriber.record = merged(old, other.record if other else Record(address.value), address, kit_id)
        subscriber.placed = address.order
        self._touched.add(subscriber)
        self._moves.append((old.email, address.value))
        self._lead(address.value, subscriber)
        # A note stays at the old address, for late events that know the person by nothing else.
        note = Subscriber(Record(old.email, moved=Moved(address.value, address.order)))
        self._touched.add(note)
        subscriber.addresses.discard(old.email)
        self._lead(old.email, note)
        for user in subscriber.record.users:
            self._people[user] = self._new_people[user] = Person(user, address.value, now)

    # -- when it is done ------------------------------------------------------------------------------

    def applied(self, item: Item) -> None:
        """Note an event that was taken in as applied."""
        subscriber = _subscriber_of(item)
        self._touched.add(subscriber)
        if item.mark is not None:
            subscriber.record.see(item.mark)

    def let_go(self, item: Item) -> tuple[Call, ...]:
        """Count an event that was taken in as no longer in hand; return the calls that it asked for."""
        subscriber, order = _subscriber_of(item), _event_of(item).order
        subscriber.events -= 1
        if not subscriber.events:
            self._idle.add(subscriber)
        asks = item.change.address is not None  # a copy that is dropped asks for nothing any more
        asked = subscriber.asking.pop(order, None) if asks else None
        if asked is not None and asked not in subscriber.asking.values():
            self._part(subscriber, asked)
        if item.mark is not None:
            self._marks.discard(item.mark)
        return () if item.doubled else tuple(subscriber.calls.pop(order, ()))

    @property
    def touched(self) -> bool:
        """Whether anything has changed since it was last written."""
        return bool(self._touched or self._new_people or self._moves)

    def changes(self) -> Batch:
        """Return what has changed since the last call, to be written."""
        records: dict[str, Record] = {}
        for subscriber in self._touched:
            email = subscriber.record.email
            # Of two with one address, one has moved there, and has taken in what is known of the other.
            if email not in records or self._subscribers.get(email) is subscriber:
                records[email] = subscriber.record
        batch = Batch(list(records.values()), list(self._new_people.values()), moves=self._moves)
        self._touched, self._new_people, self._moves = set(), {}, []
        return batch

    def drop_idle(self) -> None:
        """Drop what nobody in hand needs any more; the ledger has it."""
        for subscriber in self._idle - self._touched:
            self._idle.discard(subscriber)
            for email in subscriber.addresses:
                if self._subscribers.get(email) is subscriber:
                    del self._subscribers[email]
            for user in subscriber.record.users:
                self._people.pop(user, None)


def _event_of(item: Item) -> Event:
    if item.event is None:
        raise AssertionError("nobody is known by a message that could not be read")
    return item.event


def _subscriber_of(item: Item) -> Subscriber:
    if item.subscriber is None:
        raise AssertionError("an event is let go only after it was taken in")
    return item.subscriber
