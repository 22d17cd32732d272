"""The events in one session's hands: what of them is news, and what was noted for the ledger. Pure."""

from __future__ import annotations

from typing import Final

from msgspec import structs

from worker.errors import EventError, InvalidEvent, PartlyApplied
from worker.events.event import FIRST, Event, OrderKey
from worker.subscribers.change import Change
from worker.subscribers.desired import is_news, may_be_done
from worker.subscribers.directory import Directory
from worker.subscribers.item import Item, Kind, Outcome
from worker.subscribers.known import Batch
from worker.subscribers.learning import learn
from worker.subscribers.parts import Part
from worker.subscribers.record import Record, event_mark
from worker.subscribers.subscriber import Call, Subscriber, merged

MOVE_EVERY: Final = 24 * 3600.0
"""Seconds between two changes of one person's address in Kit."""


class InHand:
    """The events in one session's hands, judged by what is known of their people.

    Attributes:
        directory: Whom addresses and user ids lead to. It has to `learn` of an event's before `take_in`.
    """

    def __init__(self) -> None:
        self.directory = Directory()
        self._marks: set[str] = set()
        self._moves: list[tuple[str, str]] = []
        self._touched: set[Subscriber] = set()

    # -- taking an event in ---------------------------------------------------------------------------

    def take_in(self, item: Item, now: float) -> Item | Outcome | None:
        """Take an event in whose people the directory knows; `let_go` must follow, unless it has to wait.

        Args:
            item: The event, and what it asks for.
            now: Seconds since 1970.

        Returns:
            The item with its subscriber and what is to be done; or how it ends at once, because there is
            nothing to do; or None where it cannot be taken in before somebody else's work has ended.
        """
        event = _event_of(item)
        address = self.directory.address_of(item.email, item.user_id, event.order)
        subscriber = self.directory.at(address)
        if self.directory.is_forgotten(item.email, item.user_id, event.time):
            # Also where the event is refused: a dead letter would name its person.
            return self._ends(structs.replace(item, refusal=None), subscriber, Kind.FORGOTTEN)
        if item.refusal is not None and not isinstance(item.refusal, PartlyApplied):
            return self._ends(item, subscriber, Kind.DEAD_LETTERED)
        if address in subscriber.joined and item.user_id not in subscriber.record.users:
            # Somebody else's address, whose owner is about to be joined with this subscriber. The move may
            # still be rejected, which parts the two again.
            return None
        mark = event_mark(event)
        if mark in subscriber.record.seen and not may_be_done(subscriber.record, item.change):
            return self._ends(item, subscriber, Kind.DUPLICATE)
        if mark is not None and mark in self._marks:
            self._hold(item, subscriber)
            # What is owed is owed once: the other copy says so. This one may have been delivered before.
            facts = Change(facts=item.change.facts)
            return structs.replace(
                item, subscriber=subscriber, change=facts, refusal=None, later=None, doubled=True
            )
        return self._take_in_news(item, subscriber, mark, now)

    def _ends(self, item: Item, subscriber: Subscriber, kind: Kind) -> Outcome:
        self._hold(item, subscriber)
        # What is old now may hold a tag when something newer has ended, and then not beyond its own time.
        lasts = kind is Kind.SUPERSEDED and item.change.facts
        later = item.later if lasts else None
        return Outcome(structs.replace(item, subscriber=subscriber, later=later), kind, item.refusal)

    def _hold(self, item: Item, subscriber: Subscriber) -> None:
        """Count an event as in hand that teaches nothing about its person."""
        self.directory.hold(subscriber)
        if item.user_id is not None:
            self.directory.ask_again(item.user_id)

    def _take_in_news(
        self, item: Item, subscriber: Subscriber, mark: str | None, now: float
    ) -> Item | Outcome | None:
        order, record = _event_of(item).order, subscriber.record
        change, refusal = self._with_address(subscriber, item, now)
        refusal = refusal or item.refusal
        moves = change.address is not None and change.address.value != record.email
        if refusal is None and not (moves or item.waits) and self._is_old(subscriber, change):
            return self._ends(item, subscriber, Kind.SUPERSEDED)
        if moves and self._is_in_the_way(subscriber, item.email):
            return None
        self.directory.hold(subscriber)
        if mark is not None:
            self._marks.add(mark)
        if item.user_id is not None:
            self.directory.note_user(item.user_id, item.email, order, subscriber)
        if moves and change.address is not None:
            subscriber.asking[order] = change.address.value
            self.directory.join(subscriber, change.address.value)
        return structs.replace(item, subscriber=subscriber, change=change, refusal=refusal, mark=mark)

    def _is_old(self, subscriber: Subscriber, change: Change) -> bool:
        """Tell whether a change asks for nothing that is not known already, and note what it says.

        Where facts speak, what is in hand may change what they mean, so that is judged in its turn.
        """
        record = subscriber.record
        facts = bool(record.facts or change.facts)
        if (facts and subscriber.events) or is_news(record, change):
            return False
        if facts:
            learn(record, change)
            self._touched.add(subscriber)
        return True

    def _with_address(
        self, subscriber: Subscriber, item: Item, now: float
    ) -> tuple[Change, EventError | None]:
        """Return the change with the person's address in it, or why that cannot be changed."""
        record, user, order = subscriber.record, item.user_id, _event_of(item).order
        if user is None or order <= record.users.get(user, FIRST):
            return item.change, None  # nobody's, or a delayed event of a person who has moved on
        moves = item.email != record.email and not self.directory.leads_to(item.email, subscriber)
        if moves and (why := self._why_not_move(record, user, now)) is not None:
            error = InvalidEvent(f"data.user.email: {why}; everything else of the event is applied")
            return item.change, error
        # Also where it is the address as it is, for an older event may still ask for another one.
        return structs.replace(item.change, address=Part(item.email, order)), None

    def _why_not_move(self, record: Record, user: str, now: float) -> str | None:
        if record.users.keys() - {user}:
            return "the old address is used by another user.id as well, so it is not changed in Kit"
        person = self.directory.person(user)
        moved_at = person.moved_at if person is not None else None
        if moved_at is not None and now - moved_at < MOVE_EVERY:
            return "this person's address was changed in Kit less than a day ago; replay the event tomorrow"
        return None

    def _is_in_the_way(self, subscriber: Subscriber, email: str) -> bool:
        """Tell whether whoever has the new address has events in hand, which must be done before."""
        other = self.directory.at(email)
        return other is not subscriber and other.events > 0

    # -- while it is worked on ------------------------------------------------------------------------

    def touch(self, subscriber: Subscriber) -> None:
        """Have the subscriber's record written."""
        self._touched.add(subscriber)

    def lost(self, subscriber: Subscriber) -> None:
        """Note that Kit no longer has the subscriber."""
        subscriber.record.lost()
        self._touched.add(subscriber)

    def called(self, subscriber: Subscriber, call: Call, order: OrderKey) -> None:
        """Note a call that was answered, for an event that asked for it."""
        self._touched.add(subscriber)
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
        note = self.directory.move(subscriber, old.email, address.order, now)
        self._touched |= {subscriber, note}
        self._moves.append((old.email, address.value))

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
        self.directory.release(subscriber)
        asks = item.change.address is not None  # a copy that is dropped asks for nothing any more
        asked = subscriber.asking.pop(order, None) if asks else None
        if asked is not None and asked not in subscriber.asking.values():
            self.directory.part(subscriber, asked)
        if item.mark is not None:
            self._marks.discard(item.mark)
        return () if item.doubled else tuple(subscriber.calls.pop(order, ()))

    @property
    def touched(self) -> bool:
        """Whether anything has changed since it was last written."""
        return bool(self._touched or self._moves or self.directory.has_new_people)

    def changes(self) -> Batch:
        """Return what has changed since the last call, to be written."""
        records: dict[str, Record] = {}
        for subscriber in self._touched:
            email = subscriber.record.email
            # Of two with one address, one has moved there, and has taken in what is known of the other.
            if email not in records or self.directory.leads_to(email, subscriber):
                records[email] = subscriber.record
        batch = Batch(list(records.values()), self.directory.take_new_people(), moves=self._moves)
        self._touched, self._moves = set(), []
        return batch

    def drop_idle(self) -> None:
        """Drop what nobody in hand needs any more; the ledger has it."""
        self.directory.drop_idle(keep=self._touched)


def _event_of(item: Item) -> Event:
    if item.event is None:
        raise AssertionError("nobody is known by a message that could not be read")
    return item.event


def _subscriber_of(item: Item) -> Subscriber:
    if item.subscriber is None:
        raise AssertionError("an event is let go only after it was taken in")
    return item.subscriber
