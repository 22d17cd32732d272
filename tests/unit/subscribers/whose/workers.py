"""Sessions over one ledger, which judge whose each event is.

The people in hand are the real ones; Kit is a dictionary, and each event gives a tag of its own, so that it
shows where it ended.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from hypothesis import strategies as st
from msgspec.structs import replace

from tests.unit.examples import change, event
from worker.events.delivery import Delivery
from worker.events.event import FIRST
from worker.ledger.record_json import dump_record, load_record
from worker.subscribers.change import merge_all
from worker.subscribers.desired import left as left_to_do
from worker.subscribers.in_hand import InHand
from worker.subscribers.item import Item, Outcome
from worker.subscribers.known import Known, Person
from worker.subscribers.learning import finish
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Subscriber

NOW: Final = 1_000_000.0


@dataclass(frozen=True)
class Said:
    """What an event says of its person.

    Attributes:
        may: Whether its type may change an address.
        by_address: Whether ids are only data in its account.
    """

    email: str
    user: str | None = None
    may: bool = False
    previous: str = ""
    by_address: bool = False

    def item(self, number: int) -> Item:
        """Return it as event `number`, which gives a tag of that number."""
        return Item(
            Delivery(b"", ""),
            event(number),
            self.email,
            None if self.by_address else self.user,
            change(number, add=(f"e{number}",)),
            may_move=self.may,
            previous="" if self.previous == self.email else self.previous,
            by_address=self.by_address,
        )


@dataclass
class Kit:
    """Subscribers, by Kit's id: each with an address and the numbers of the events that gave it something."""

    emails: dict[int, str] = field(default_factory=dict)
    given: dict[int, set[str]] = field(default_factory=dict)

    def at(self, email: str) -> int | None:
        """Return who has an address."""
        return next((kit_id for kit_id, each in self.emails.items() if each == email), None)

    def find_or_create(self, email: str) -> int:
        """Return who has an address from now on."""
        kit_id = self.at(email)
        if kit_id is None:
            kit_id = len(self.emails) + 1
            self.emails[kit_id], self.given[kit_id] = email, set()
        return kit_id

    @property
    def people(self) -> dict[str, set[int]]:
        """By address, which events gave something."""
        return {
            self.emails[kit_id]: {int(tag[1:]) for tag in tags} for kit_id, tags in self.given.items() if tags
        }


class Worker:
    """Session after session over one ledger; what cannot be told is a dead letter, which may be replayed.

    Attributes:
        letters: The numbers of the events that are dead letters.
    """

    def __init__(self, events: Sequence[Said], luck: Iterable[int] = ()) -> None:
        self.kit = Kit()
        self.letters: list[int] = []
        self.reasons: list[str] = []
        self.now = NOW
        self._events = events
        self._luck = iter(luck)
        self._records: dict[str, tuple[int | None, str, str | None]] = {}
        self._people: dict[str, Person] = {}
        self._begin()

    def _begin(self) -> None:
        self.in_hand = InHand()
        self._open: dict[Subscriber, list[tuple[int, Item]]] = {}

    def places(self, number: int) -> list[str]:
        """Return where an event was applied."""
        return [email for email, numbers in self.kit.people.items() if number in numbers]

    def run(self, *numbers: int) -> Worker:
        """Work until nothing of these events is left."""
        queue = deque(numbers)
        while queue or self._open:
            for _ in range(1 + next(self._luck, 0) % 3):
                self._take_in(queue)
            for subscriber in list(self._open):
                if next(self._luck, 0) % 7 == 3:
                    continue  # it stays in hand for a while
                self._apply(subscriber)
                if next(self._luck, 0) % 5 == 4:
                    self._crash(queue)
                    break
        return self

    def replay(self) -> Worker:
        """Replay all dead letters, oldest first, again and again, until that changes nothing."""
        before: list[int] = []
        while self.letters and self.letters != before:
            before, self.letters = sorted(set(self.letters)), []
            self.run(*before)
            self.letters.sort()
        return self

    def _take_in(self, queue: deque[int]) -> None:
        if not queue:
            return
        number = queue.popleft()
        item = self._events[number].item(number)
        self._look_up(item)
        taken = self.in_hand.take_in(item, self.now)
        if taken is None:
            queue.append(number)
        elif isinstance(taken, Outcome):
            self.in_hand.let_go(taken.item)
            if taken.error is not None:
                self.letters.append(number)
                self.reasons.append(str(taken.error))
        else:
            assert taken.subscriber is not None
            self._open.setdefault(taken.subscriber, []).append((number, taken))

    def _look_up(self, item: Item) -> None:
        emails, users = self.in_hand.directory.unknown([item])
        people = {user: self._people[user] for user in users & self._people.keys()}
        wanted = {*emails, *(person.email for person in people.values())}
        records: dict[str, Record] = {}
        while new := wanted & self._records.keys() - records.keys():
            records |= {email: load_record(email, *self._records[email]) for email in new}
            wanted |= {record.moved.to for record in records.values() if record.moved}
        self.in_hand.directory.learn(emails, users, Known(records, people, {}))
        assert self.in_hand.directory.unknown([item]) == (set(), set())

    def _apply(self, subscriber: Subscriber) -> None:
        items = self._open.pop(subscriber)
        asked = merge_all(item.change for _, item in items)
        record, address = subscriber.record, asked.address
        if address is not None and address.value != record.email and address.order > (record.placed or FIRST):
            self._move(subscriber, asked)
        record = subscriber.record
        record.kit_id = record.kit_id or self.kit.find_or_create(record.email)
        left = replace(left_to_do(record, asked), address=None)
        self.kit.given[record.kit_id] |= {part.value.name for part in left.tags.values()}
        record.note(left, self.now, {})
        finish(record, asked)
        for _, item in items:
            if not item.doubled:
                self.in_hand.applied(item)
        for _, item in items:
            self.in_hand.let_go(item)  # before it is written, as `consumer.settle` does
        self._write()
        self.in_hand.drop_idle()

    def _move(self, subscriber: Subscriber, asked: object) -> None:
        """Do as `worker.kit.addresses` does."""
        address = asked.address  # type: ignore[attr-defined]
        record = subscriber.record
        kit_id = record.kit_id or self.kit.find_or_create(record.email)
        there = self.kit.at(address.value)
        if there is None or there == kit_id:
            self.kit.emails[kit_id] = address.value
        else:
            self.kit.given[kit_id] -= {part.value.name for part in record.maybe_tags.values()}
            kit_id = there
        self.in_hand.moved(subscriber, address, kit_id, self.now)

    def _write(self) -> None:
        batch = self.in_hand.unsaved.take()
        self._records |= {each.email: (each.kit_id, *dump_record(each)) for each in batch.records}
        self._people |= {person.user_id: person for person in batch.people}

    def _crash(self, queue: deque[int]) -> None:
        """Lose what is in hand; what was not acked comes again."""
        back = [number for items in self._open.values() for number, _ in items]
        queue.extendleft(reversed(back))
        self._begin()


def of(*events: Said) -> Worker:
    """Take these events in their order, one by one."""
    worker = Worker(events)
    for number in range(len(events)):
        worker.run(number)
    return worker


A, B = "u-a", "u-b"
OLD, NEW, THIRD = "old@example.com", "new@example.com", "third@example.com"
"""Addresses, most of them Ada's."""

luck = st.lists(st.integers(0, 34), max_size=60)
emails = st.sampled_from([OLD, NEW, THIRD])
