"""Events of one person who moves, taken in and applied over one ledger."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field

from tests.unit.examples import change, event
from tests.unit.kit.harness import Account, nobody_in_hand
from worker.errors import KitUnavailable
from worker.events.delivery import Delivery
from worker.ledger.record_json import dump_record, load_record
from worker.subscribers.change import Change, merge_all
from worker.subscribers.item import Item
from worker.subscribers.known import Batch, Known, Person
from worker.subscribers.subscriber import Subscriber

OLD, NEW = "ada@example.com", "ada.new@example.com"
USER = "u-ada"


def subscriber_of(item: Item) -> Subscriber:
    """Whom an event that was taken in is about."""
    assert item.subscriber is not None
    return item.subscriber


@dataclass
class Desk:
    """Takes events of one person in, and applies them, over one ledger."""

    of: Account
    records: dict[str, tuple[int | None, str, str | None]] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)

    def take(self, number: int, email: str, *add: str, again: bool = False) -> Item:
        """Take event `number` in, which names an address, and perhaps was delivered before."""
        return self.take_change(number, email, change(number, add=add), again=again)

    def take_change(self, number: int, email: str, wanted: Change, *, again: bool = False) -> Item:
        """Take event `number` in, which asks for a change."""
        delivery = Delivery(b"", "", redelivered=again)
        asked = Item(delivery, event(number), email, USER, wanted, may_move=True)
        emails, users = self.of.in_hand.directory.unknown([asked])
        people = {user: self.people[user] for user in users & self.people.keys()}
        named = {*emails, *(person.email for person in people.values())} & self.records.keys()
        records = {address: load_record(address, *self.records[address]) for address in named}
        self.of.in_hand.directory.learn(emails, users, Known(records, people, {}))
        taken = self.of.in_hand.take_in(asked, time.time())
        assert isinstance(taken, Item)
        return taken

    async def apply(self, *taken: Item) -> None:
        """Apply events of one subscriber that were taken in."""
        await self.of.writer.apply(subscriber_of(taken[0]), merge_all(item.change for item in taken))
        for item in taken:
            self.of.in_hand.applied(item)
            self.of.in_hand.let_go(item)
        self._write(self.of.in_hand.unsaved.take())
        self.of.in_hand.unsaved.saved()

    def _write(self, batch: Batch) -> None:
        for written in (*self.of.batches, batch):  # what the writer waited for came first
            self.records |= {each.email: (each.kit_id, *dump_record(each)) for each in written.records}
            self.people |= {person.user_id: person for person in written.people}
        self.of.batches.clear()

    async def killed(self, *taken: Item) -> None:
        """Apply events, and let the worker be killed before it has written what it did."""
        with contextlib.suppress(KitUnavailable):
            await self.of.writer.apply(subscriber_of(taken[0]), merge_all(item.change for item in taken))
        self._write(Batch())
        self.of.in_hand = nobody_in_hand()

    @property
    def tags(self) -> dict[str, set[str]]:
        """Everybody's tags, as Kit has them."""
        return {email: set(person.tags) for email, person in self.of.kit.subscribers().items()}
