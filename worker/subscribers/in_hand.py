"""What one session knows about the subscribers in its hands, and which of them an event is about. Pure.

A person is known by address and, where the platform gives one, by a user id that outlives addresses. Both
lead to one `Record`, so that whatever happens to a person is folded into one pending change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from worker.accounts.interpret import Request
from worker.errors import EventError, InvalidEvent
from worker.events.event import FIRST, Event, OrderKey
from worker.subscribers.change import Change, Part
from worker.subscribers.identity import id_key
from worker.subscribers.known import Batch, Known, Person
from worker.subscribers.record import Moved, Record, event_mark
from worker.subscribers.subscriber import Call, Subscriber, Verdict, merged

MOVE_EVERY: Final = 24 * 3600.0
"""Seconds between two changes of one person's address in Kit."""


class InHand:
    """The records of one session.

    Args:
        now: Seconds since 1970.
        mark: Returns the keyed hash of an address or a user's id; see `Ledger.mark`.
    """

    def __init__(self, *, now: Callable[[], float], mark: Callable[[str, str], str]) -> None:
        self._now = now
        self._mark = mark
        self._subscribers: dict[str, Subscriber] = {}
        self._people: dict[str, Person | None] = {}  # None: the ledger was asked, and does not know
        self._forgotten: dict[str, datetime] = {}
        self._marks: set[str] = set()
        self._new_people: dict[str, Person] = {}
        self._moves: list[tuple[str, str]] = []
        self._touched: set[Subscriber] = set()
        self._idle: set[Subscriber] = set()

    # -- what the ledger says -------------------------------------------------------------------------

    def unknown(self, requests: Iterable[Request]) -> tuple[set[str], set[str]]:
        """Return the addresses and user ids of which the ledger must be asked."""
        emails, users = set(), set()
        for request in requests:
            subscriber = self._subscribers.get(request.email)
            if subscriber is None or (
                (moved := subscriber.record.moved) and moved.to not in self._subscribers
            ):
                emails.add(request.email)
            if request.user_id is not None:
                user = id_key(request.user_id)
                person = self._people.get(user)
                if user not in self._people or (person and person.email not in self._subscribers):
                    emails.add(request.email)
                    users.add(user)
        return emails, users

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

    def judge(self, event: Event, request: Request) -> Verdict:
        """Return whom an event is about, and what of it is to be done. The ledger was asked before."""
        user = None if request.user_id is None else id_key(request.user_id)
        address = self._address_of(event, request.email, user)
        subscriber = self._subscribers[address]
        record, mark = subscriber.record, event_mark(event)
        if self._is_forgotten(event, request.email, user):
            return Verdict(subscriber, outcome="forgotten")
        if address in subscriber.joined and user not in record.users:
            return Verdict(
                subscriber, wait_for=subscriber
            )  # another person's, and the move may still be rejected
        if mark in record.seen:
            return Verdict(subscriber, outcome="duplicate")
        if mark is not None and mark in self._marks:
            return Verdict(subscriber, doubled=True)
        return self._news(subscriber, event, request, user)

    def _news(self, subscriber: Subscriber, event: Event, request: Request, user: str | None) -> Verdict:
        record = subscriber.record
        change, refusal = self._with_address(subscriber, event, request, user)
        moves = change.address is not None and change.address.value != record.email
        if refusal is None and not moves and record.supersedes(change):
            return Verdict(subscriber, outcome="superseded")
        if moves and (other := self._in_the_way(subscriber, request.email)):
            return Verdict(subscriber, wait_for=other)
        return Verdict(subscriber, change, refusal)

    def judge_refused(self, event: Event, request: Request) -> Verdict:
        """Return whom an event is about that cannot be applied."""
        user = None if request.user_id is None else id_key(request.user_id)
        forgotten = self._is_forgotten(event, request.email, user)
        subscriber = self._subscribers[self._address_of(event, request.email, user)]
        return Verdict(subscriber, outcome="forgotten" if forgotten else "refused")

    def take_in(self, event: Event, request: Request, verdict: Verdict) -> None:
        """Count an event as in hand; `let_go` must follow."""
        subscriber, record = verdict.subscriber, verdict.subscriber.record
        subscriber.events += 1
        self._idle.discard(subscriber)
        user = None if request.user_id is None else id_key(request.user_id)
        if verdict.outcome or verdict.doubled:
            if user is not None and self._people.get(user) is None:
                self._people.pop(user, None)
            return
        if (mark := event_mark(event)) is not None:
            self._marks.add(mark)
        if user is not None:
            here = event.order if request.email == record.email else FIRST
            record.users[user] = max(here, record.users.get(user, FIRST))
            if self._people.get(user) is None:
                self._people[user] = self._new_people[user] = Person(user, record.email)
        address = verdict.change.address
        if address is not None and address.value != record.email:
            subscriber.asking[event.order] = address.value
            self._join(subscriber, address.value)

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
        marks = [self._mark("email", email), *([self._mark("user", user)] if user is not None else [])]
        return any(event.time <= self._forgotten[mark] for mark in marks if mark in self._forgotten)

    def _with_address(
        self, subscriber: Subscriber, event: Event, request: Request, user: str | None
    ) -> tuple[Change, EventError | None]:
        """Return the change with the person's address in it, or why that cannot be changed."""
        record = subscriber.record
        if user is None or event.order <= record.users.get(user, FIRST):
            return request.change, None  # nobody's, or a delayed event of a person who has moved on
        moves = request.email != record.email and self._subscribers[request.email] is not subscriber
        if moves and (why := self._why_not_move(record, user)) is not None:
            error = InvalidEvent(f"data.user.email: {why}; everything else of the event is applied")
            return request.change, error
        # Also where it is the address as it is, for an older event may still ask for another one.
        return replace(request.change, address=Part(request.email, event.order)), None

    def _why_not_move(self, record: Record, user: str) -> str | None:
        if record.users.keys() - {user}:
            return "the old address is used by another user.id as well, so it is not changed in Kit"
        person = self._people.get(user)
        moved_at = person.moved_at if person is not None else None
        if moved_at is not None and self._now() - moved_at < MOVE_EVERY:
            return "this person's address was changed in Kit less than a day ago; replay the event tomorrow"
        return None

    def _in_the_way(self, subscriber: Subscriber, email: str) -> Subscriber | None:
        """Return who has the new address, and has events in hand that must be done before."""
        other = self._subscribers[email]
        return other if other is not subscriber and other.events else None

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

    def moved(self, subscriber: Subscriber, address: Part[str], kit_id: int | None) -> None:
        """Note that the subscriber has a new address.

        Args:
            subscriber: Who moved.
            address: The new address, and by which event.
            kit_id: Of the subscriber who has it now. Where that is another one than before, all that was
                given under the old address is owed to this one.
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
            self._people[user] = self._new_people[user] = Person(user, address.value, self._now())

    # -- when it is done ------------------------------------------------------------------------------

    def applied(self, subscriber: Subscriber, event: Event) -> None:
        """Note an event as applied."""
        self._touched.add(subscriber)
        if (mark := event_mark(event)) is not None:
            subscriber.record.see(mark)

    def let_go(self, subscriber: Subscriber, event: Event, *, doubled: bool = False) -> tuple[Call, ...]:
        """Count an event as no longer in hand; return what was called for it."""
        subscriber.events -= 1
        if not subscriber.events:
            self._idle.add(subscriber)
        asked = subscriber.asking.pop(event.order, None)
        if asked is not None and asked not in subscriber.asking.values():
            self._part(subscriber, asked)
        if not doubled and (mark := event_mark(event)) is not None:
            self._marks.discard(mark)
        return tuple(subscriber.calls.pop(event.order, ()))

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
