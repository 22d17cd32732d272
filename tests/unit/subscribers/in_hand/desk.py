"""The people in hand, the ledger behind them, and the way of an event through both."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from tests.unit.examples import EMAIL, NOON, change, event
from worker.events.delivery import Delivery
from worker.subscribers.change import Change
from worker.subscribers.in_hand import InHand
from worker.subscribers.item import Item, Kind, Outcome
from worker.subscribers.known import Known, Person
from worker.subscribers.learning import finish
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Subscriber

NEW, THIRD = "ada.new@example.com", "ada.third@example.com"
ADA, BOB = "u-ada", "u-bob"


@dataclass(frozen=True)
class Taken:
    """An event that was taken in."""

    item: Item

    @property
    def subscriber(self) -> Subscriber:
        """Whom it is about."""
        assert self.item.subscriber is not None
        return self.item.subscriber

    @property
    def change(self) -> Change:
        """What is to be done."""
        return self.item.change


def an_item(
    number: int, email: str = EMAIL, user: str | None = None, *, add: tuple[str, ...] = ("VIP",)
) -> Item:
    """Event `number`, as the mapping sees it; it may change an address."""
    return Item(Delivery(b"", ""), event(number), email, user, change(number, add=add), may_move=True)


@dataclass
class Desk:
    """The people in hand, the ledger behind them, and the way of an event through both."""

    records: dict[str, Record] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    forgotten: dict[tuple[str, str], int] = field(default_factory=dict)
    now: float = 1_000_000.0

    def __post_init__(self) -> None:
        self.in_hand = InHand()

    def come(self, item: Item) -> Item | Outcome | None:
        """Ask the ledger what must be asked, and take an event in."""
        emails, users = self.in_hand.directory.unknown([item])
        people = {user: self.people[user] for user in users & self.people.keys()}
        wanted = {*emails, *(person.email for person in people.values())}
        records = {email: self.records[email] for email in self.records if email in wanted}
        records |= {r.moved.to: self.records[r.moved.to] for r in records.values() if r.moved}
        gone = {sign: NOON + timedelta(seconds=at) for sign, at in self.forgotten.items()}
        self.in_hand.directory.learn(emails, users, Known(records, people, gone))
        assert self.in_hand.directory.unknown([item]) == (set(), set())
        return self.in_hand.take_in(item, self.now)

    def take(
        self, number: int, email: str = EMAIL, user: str | None = None, *, add: tuple[str, ...] = ("VIP",)
    ) -> Taken:
        """Take event `number` in, which has something to do."""
        return Taken(self.takes(an_item(number, email, user, add=add)))

    def takes(self, item: Item) -> Item:
        """Take an event in, which has something to do, or waits for a copy that has."""
        taken = self.come(item)
        assert isinstance(taken, Item)
        return taken

    def end_of(
        self, number: int, email: str = EMAIL, user: str | None = None, *, add: tuple[str, ...] = ("VIP",)
    ) -> Kind | None:
        """How event `number` ends at once; None where it has something to do. It is let go of at once."""
        taken = self.come(an_item(number, email, user, add=add))
        assert taken is not None
        item = taken.item if isinstance(taken, Outcome) else taken
        self.in_hand.let_go(item)
        return taken.kind if isinstance(taken, Outcome) else None

    def waits(self, number: int, email: str = EMAIL, user: str | None = None) -> bool:
        """Whether event `number` has to wait for somebody else's work."""
        return self.come(an_item(number, email, user)) is None

    def finish(self, taken: Taken) -> None:
        """Apply an event that was taken in, its new address included."""
        subscriber, address = taken.subscriber, taken.change.address
        if address is not None and address.value != subscriber.record.email:
            self.in_hand.moved(subscriber, address, subscriber.record.kit_id, self.now)
        subscriber.record.kit_id = subscriber.record.kit_id or 7
        subscriber.record.note(taken.change, self.now, {})
        finish(subscriber.record, taken.change)
        self.in_hand.applied(taken.item)
        self.in_hand.let_go(taken.item)

    def apply(self, number: int, email: str = EMAIL, user: str | None = None) -> Taken:
        """Take event `number` in and apply it."""
        taken = self.take(number, email, user, add=(f"Tag {number}",))
        self.finish(taken)
        return taken

    def write(self) -> None:
        """Write what has changed into the ledger."""
        batch = self.in_hand.unsaved.take()
        self.records |= {record.email: record for record in batch.records}
        self.people |= {person.user_id: person for person in batch.people}
