"""One person's events in any order, through worker after worker.

What is modelled is one person's way through a session's core: batches, calls that fail at any step with or
without effect, ledgers that are written or not, and crashes at any moment, after which RabbitMQ delivers
again what was not acked. The core itself, `InHand`, `Record` and `plan`, is the real one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hypothesis import strategies as st
from msgspec.structs import replace

from tests.unit.examples import EMAIL, event
from tests.unit.subscribers.in_order import Kit, Wish
from worker.events.delivery import Delivery
from worker.kit.plan import AddTag, RemoveTag, Upsert, plan
from worker.ledger.record_json import dump_record, load_record
from worker.mapping import Options
from worker.subscribers.change import Change, merge_all
from worker.subscribers.desired import left
from worker.subscribers.in_hand import InHand
from worker.subscribers.item import Item, Outcome
from worker.subscribers.known import Known, Person
from worker.subscribers.learning import begin, finish
from worker.subscribers.parts import Part
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Subscriber

NOW: Final = 1_000_000.0


class FailedError(Exception):
    """A call to Kit had no good answer."""


@dataclass
class Chance:
    """What goes wrong: the answers to questions, drawn beforehand; all is well when they are used up."""

    answers: Iterator[int]

    def of(self, choices: int) -> int:
        """Return a number below `choices`; 0 is the good end."""
        return next(self.answers, 0) % choices


class Again(int):
    """An event's number, where it comes because it was not acked; a copy that was published twice is none."""


class Worker:
    """One person's way through worker after worker, each of which may crash."""

    def __init__(self, wishes: Sequence[Wish], deliveries: Sequence[int], chance: Chance) -> None:
        self.kit = Kit()
        self._wishes = wishes
        self._queue = list(deliveries)
        self._chance = chance
        self._people: dict[str, Person] = {}
        self._ledger: dict[str, tuple[int | None, str, str | None]] = {}
        self._now = NOW
        self._start()

    def _start(self) -> None:
        # What the worker before was answered last may not be in the ledger, so no answer to it is relied on.
        self._known_since, self._now = self._now, self._now + 1.0
        self._in_hand = InHand()
        self._written: set[str] = set()
        self._pending: list[tuple[int, Item, Subscriber]] = []

    def run(self) -> Kit:
        """Work until nothing is left."""
        while self._queue or self._pending:
            for _ in range(1 + self._chance.of(4)):
                self._take_in()
            try:
                self._apply()
            except FailedError:
                if self._chance.of(2):
                    self._save()
                if self._chance.of(2):
                    self._crash()
        return self.kit

    @property
    def kept_facts(self) -> int:
        """How many facts the ledger has of the person."""
        return len(self.kept.facts)

    @property
    def kept(self) -> Record:
        """What the ledger has of the person."""
        return load_record(EMAIL, *self._ledger[EMAIL]) if EMAIL in self._ledger else Record(EMAIL)

    def _take_in(self) -> None:
        if not self._queue:
            return
        came = self._queue.pop(0)
        number = int(came)
        item = self._item(number, again=isinstance(came, Again))
        if item is None:
            return
        emails, users = self._in_hand.directory.unknown([item])
        records = {email: self._load(email) for email in emails & self._ledger.keys()}
        people = {user: self._people[user] for user in users & self._people.keys()}
        self._in_hand.directory.learn(emails, users, Known(records, people, {}))
        taken = self._in_hand.take_in(item, self._now)
        if isinstance(taken, Outcome):
            self._save()  # what it says is written before it is acked
            self._in_hand.let_go(taken.item)
        elif taken is None:
            self._queue.insert(0, came)  # somebody's work has to end first
        elif taken.subscriber is not None:
            self._pending.append((number, taken, taken.subscriber))

    def _load(self, email: str) -> Record:
        record = load_record(email, *self._ledger[email])
        if email not in self._written:
            record.outdate()  # the worker before may have done more
        return record

    def _item(self, number: int, *, again: bool) -> Item | None:
        """Return an event with what it asks for; None where it asks for nothing."""
        wish = self._wishes[number].change(number, again=again)
        return Item(Delivery(b"", ""), event(number), EMAIL, change=wish)

    def _apply(self) -> None:
        if not self._pending:
            return
        subscriber = self._pending[0][2]
        folded = self._looked_at(subscriber, merge_all(item.change for _, item, _ in self._pending))
        record = subscriber.record
        begin(record, folded)
        todo = replace(left(record, folded), address=None)
        known = record.known(todo, lambda at: at > self._known_since, lambda _: 0, lambda _: 0)
        record.confirm(known)
        self._carry_out(record, todo.without(known))
        finish(record, folded)
        for _, item, _ in self._pending:
            if not item.doubled:
                self._in_hand.applied(item)
        self._save()
        if self._chance.of(5) == 1:
            self._crash()  # written, and not acked
            return
        for _, item, _ in self._pending:
            self._in_hand.let_go(item)
        self._pending = []
        self._in_hand.drop_idle()

    def _looked_at(self, _: Subscriber, change: Change) -> Change:
        """Return what of a change is to be done, once the person was looked at in Kit."""
        return change

    def _carry_out(self, record: Record, to_do: Change) -> None:
        todo = plan(to_do, Options(), known=record.kit_id is not None)
        for step in todo:
            if isinstance(step, Upsert):
                self._call(record, step.parts, lambda up=step: self._upsert(up.fields))
                record.kit_id = 7
            elif isinstance(step, RemoveTag | AddTag):
                self._call(record, step.parts, lambda wish=step.part.value: self.kit.set_tag(wish))

    def _upsert(self, fields: Mapping[str, Part[str | None]]) -> None:
        self.kit.exists = True
        for name, part in fields.items():
            self.kit.set_field(name, part.value)

    def _call(self, record: Record, parts: Change, effect: object) -> None:
        """Make a call: it works, or fails with or without effect."""
        record.doubt(parts)
        end = self._chance.of(4)
        if end != 1 and callable(effect):
            effect()
        if end in {1, 2}:
            raise FailedError
        record.note(parts, self._now, {})

    def _save(self) -> None:
        for subscriber in {subscriber for _, _, subscriber in self._pending}:
            self._in_hand.touch(subscriber)
        batch = self._in_hand.unsaved.take()
        self._ledger |= {record.email: (record.kit_id, *dump_record(record)) for record in batch.records}
        self._written |= {record.email for record in batch.records}

    def _crash(self) -> None:
        """Lose all that is in memory; what was not acked comes again, in any order."""
        back: list[int] = [Again(number) for number, _, _ in self._pending]
        if self._chance.of(2):
            back.reverse()
        self._queue = self._queue + back if self._chance.of(2) else back + self._queue
        self._start()


@st.composite
def deliveries_of(draw: st.DrawFn, count: int) -> list[int]:
    """Draw any order of so many events, some of them several times."""
    again = draw(st.lists(st.integers(0, count - 1), max_size=2 * count)) if count else []
    return draw(st.permutations([*range(count), *again]))
