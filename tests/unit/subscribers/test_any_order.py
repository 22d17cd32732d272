"""The algebra behind the promise: any order, any duplicates and any faults end as the events in their order.

What is modelled is one person's way through a session's core: batches, calls that fail at any step with or
without effect, ledgers that are written or not, and crashes at any moment, after which RabbitMQ delivers
again what was not acked. The core itself, `InHand`, `Record` and `plan`, is the real one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.unit.examples import EMAIL, change, event, order
from worker.events.delivery import Delivery
from worker.kit.plan import AddTag, RemoveTag, Upsert, plan
from worker.ledger.record_json import dump_record, load_record
from worker.mapping import Options
from worker.subscribers.change import NOTHING, Change, merge_all
from worker.subscribers.desired import is_news, left
from worker.subscribers.fact import Fact
from worker.subscribers.in_hand import InHand
from worker.subscribers.item import Item, Outcome
from worker.subscribers.known import Known, Person
from worker.subscribers.learning import begin, finish
from worker.subscribers.parts import Part, TagWish, slot_key
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Subscriber

NOW: Final = 1_000_000.0
TAGS: Final = ("A", "Gold", "Silver")
SLOT: Final = "access.granted {mk_access_level}"


@dataclass(frozen=True)
class Wish:
    """What an event asks for.

    Attributes:
        gives: A tag that takes off what its slot gave before.
        empties: Whether all is taken off that the slot gave.
        opens: The subscription that it opens; empty for one without an id.
        closes: Likewise.
    """

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    fields: tuple[tuple[str, str | None], ...] = ()
    gives: str | None = None
    empties: bool = False
    opens: str | None = None
    closes: str | None = None

    def change(self, number: int, *, again: bool = False) -> Change:
        """Return it as the mapping would."""
        asked = change(number, add=self.add, remove=self.remove, fields=dict(self.fields))
        if self.gives is not None:
            part = Part(TagWish(self.gives, present=True), order(number))
            asked = asked.merge(
                Change(tags={self.gives.lower(): part}, gave={slot_key(SLOT, self.gives): part})
            )
        if self.empties:
            part = Part(TagWish("", present=False), order(number))
            asked = asked.merge(Change(gave={slot_key(SLOT, ""): part}))
        if self.opens is None and self.closes is None:
            return asked
        fact = Fact(
            order(number),
            opens=self.opens is not None,
            subscription=self.opens or self.closes or "",
            tags={key: part.value for key, part in asked.tags.items()},
            gave={key: part.value for key, part in asked.gave.items()},
            shows={name: part.value for name, part in asked.fields.items()},
            again=again,
        )
        return Change(ensure=asked.ensure, creates=asked.creates, facts=(fact,))


@dataclass
class Kit:
    """What Kit has of the person."""

    exists: bool = False
    tags: set[str] = field(default_factory=set)
    fields: dict[str, str] = field(default_factory=dict)

    def set_field(self, name: str, value: str | None) -> None:
        """Set a custom field, or clear it."""
        self.exists = True
        if value is None:
            self.fields.pop(name, None)
        else:
            self.fields[name] = value

    def set_tag(self, wish: TagWish) -> None:
        """Add a tag, or take it off."""
        (self.tags.add if wish.present else self.tags.discard)(wish.name)


def in_order(wishes: Sequence[Wish]) -> Kit:
    """Return what Kit should have in the end, in the simplest words there are."""
    return InOrder().read(wishes)


class InOrder:
    """A person whose events come one by one, in their order, and are understood at once."""

    def __init__(self) -> None:
        self.kit = Kit()
        self.given: set[str] = set()
        self.open: dict[str, Wish] = {}
        self.opened: dict[str, dict[str, str | None]] = {}
        self.closed: dict[str, dict[str, str | None]] = {}

    def read(self, wishes: Sequence[Wish]) -> Kit:
        """Read all events."""
        self.kit.exists = bool(wishes)
        for wish in wishes:
            if wish.opens is not None:
                self._opens(wish, wish.opens)
            elif wish.closes is not None:
                self._closes(wish, wish.closes)
            else:
                self._ask(wish)
                for name, value in wish.fields:
                    self.kit.set_field(name, value)
        self._show()
        return self.kit

    def _ask(self, wish: Wish) -> None:
        self.kit.tags -= set(wish.remove)
        self.kit.tags |= set(wish.add)
        if wish.gives is not None or wish.empties:
            self._empty()
        if wish.gives is not None:
            self._give(wish.gives)

    def _empty(self) -> None:
        self.kit.tags -= self.given

    def _give(self, tag: str) -> None:
        self.kit.tags.add(tag)
        self.given.add(tag)

    def _opens(self, wish: Wish, name: str) -> None:
        self.open.pop(name, None)
        self.open[name] = wish
        self._hear(name)
        self.closed[name] = {}
        self.opened[name] |= dict(wish.fields)
        self._ask(wish)

    def _hear(self, name: str) -> None:
        self.opened[name], self.closed[name] = self.opened.pop(name, {}), self.closed.pop(name, {})

    def _closes(self, wish: Wish, name: str) -> None:
        ends = [each for each in self.open if not name or each in {name, ""}]
        for each in ends:
            del self.open[each]
        told = [name] if name else ends or list(self.opened)[-1:] or [""]
        if name and name not in self.opened:
            self._hear(name)
            if "" in ends:
                self.opened[name] |= self.opened[""]
        for each in told:
            self._hear(each)
            self.closed[each] |= dict(wish.fields)
        if not self.open:
            self._ask(wish)
            return
        held = {tag for other in self.open.values() for tag in (*other.add, other.gives)}
        self.kit.tags -= set(wish.remove) - held
        if wish.empties:
            self._empty()
            for other in reversed(self.open.values()):
                if other.gives is not None:
                    self._give(other.gives)
                    break

    def _show(self) -> None:
        """Show the newest subscription that is open, else the newest."""
        for name in [*reversed(self.open), *reversed(self.opened)][:1]:
            for field_name, value in {**self.opened[name], **self.closed[name]}.items():
                self.kit.set_field(field_name, value)


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
        elif taken is not None and taken.subscriber is not None:
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


names = st.sampled_from(TAGS)


@st.composite
def a_wish(draw: st.DrawFn) -> Wish:
    """Draw what an event asks for; a tag is never both added and removed."""
    tags = draw(st.lists(names, unique=True, max_size=3))
    cut = draw(st.integers(0, len(tags)))
    fields = draw(st.dictionaries(st.sampled_from("xy"), st.sampled_from(["1", "2", None]), max_size=2))
    gives = draw(st.none() | st.sampled_from(["Gold", "Silver"]))
    add = tuple(tag for tag in tags[:cut] if gives is None or tag not in {"Gold", "Silver"})
    remove = tuple(tag for tag in tags[cut:] if gives is None or tag not in {"Gold", "Silver"})
    return Wish(add, remove, tuple(fields.items()), gives)


@st.composite
def deliveries_of(draw: st.DrawFn, count: int) -> list[int]:
    """Draw any order of so many events, some of them several times."""
    again = draw(st.lists(st.integers(0, count - 1), max_size=2 * count)) if count else []
    return draw(st.permutations([*range(count), *again]))


@settings(max_examples=400)
@given(st.data())
def test_any_order_duplicates_and_faults_end_as_the_events_in_order(data: st.DataObject) -> None:
    wishes = data.draw(st.lists(a_wish(), min_size=1, max_size=7))
    deliveries = data.draw(deliveries_of(len(wishes)))
    chance = Chance(iter(data.draw(st.lists(st.integers(0, 59), max_size=60))))

    assert Worker(wishes, deliveries, chance).run() == in_order(wishes)


@st.composite
def a_subscription_event(draw: st.DrawFn) -> Wish:
    """Draw an event that opens or closes a subscription, or any other."""
    wish = draw(a_wish())
    kind, which = draw(st.sampled_from(["opens", "closes", "other"])), draw(st.sampled_from(["s", "t", ""]))
    if kind == "other":
        return dataclasses.replace(wish, fields=())
    if kind == "opens":
        return dataclasses.replace(wish, opens=which)
    return dataclasses.replace(wish, closes=which, gives=None, empties=draw(st.booleans()))


@settings(max_examples=600)
@given(st.data())
def test_subscriptions_in_any_order_mean_what_they_mean_in_order(data: st.DataObject) -> None:
    wishes = data.draw(st.lists(a_subscription_event(), min_size=1, max_size=7))
    deliveries = data.draw(deliveries_of(len(wishes)))
    chance = Chance(iter(data.draw(st.lists(st.integers(0, 59), max_size=60))))

    assert Worker(wishes, deliveries, chance).run() == in_order(wishes)


def test_a_gift_that_comes_late_is_taken_off_by_the_next_one() -> None:
    """Given a tag that somebody else added after an entry gave it, the entry's next gift takes it off."""
    wishes = [Wish(gives="Gold"), Wish(add=("Gold",)), Wish(gives="Silver")]
    for deliveries in ([0, 1, 2], [1, 0, 2], [1, 2, 0], [2, 1, 0]):
        assert Worker(wishes, deliveries, Chance(iter(()))).run().tags == {"Silver"}


@given(st.lists(a_wish(), min_size=1, max_size=6), st.data())
def test_to_fold_in_any_order_is_the_same(wishes: list[Wish], data: st.DataObject) -> None:
    """Given the changes of some events, merged in any order and in any groups, the same one stands."""
    changes = [wish.change(number) for number, wish in enumerate(wishes)]
    shuffled = data.draw(st.permutations(changes))
    cut = data.draw(st.integers(0, len(shuffled)))
    grouped = merge_all(shuffled[:cut]).merge(merge_all(shuffled[cut:]))
    assert grouped.merge(NOTHING) == merge_all(changes)
    assert grouped.replacing() == merge_all(changes).replacing()


@given(st.lists(a_wish(), min_size=1, max_size=6), st.data())
def test_a_week_later_a_replay_undoes_nothing(wishes: list[Wish], data: st.DataObject) -> None:
    """Given all events but some applied in order, those applied at last leave all that is newer as it is."""
    late = data.draw(st.sets(st.integers(0, len(wishes) - 1)))
    deliveries = [*(n for n in range(len(wishes)) if n not in late), *sorted(late)]
    assert Worker(wishes, deliveries, Chance(iter(()))).run() == in_order(wishes)


@given(st.lists(a_wish(), min_size=1, max_size=6))
def test_a_record_is_the_same_after_the_ledger(wishes: list[Wish]) -> None:
    """Given any record, what the ledger gives back means the same for every event there is."""
    record = Record(EMAIL, 7)
    for number, wish in enumerate(wishes):
        record.note(left(record, wish.change(number)), NOW, {})

        finish(record, wish.change(number))
        record.see(f"mark {number}")
    again = load_record(EMAIL, 7, *dump_record(record))
    assert dump_record(again) == dump_record(record)
    for number, wish in enumerate(wishes):
        assert left(again, wish.change(number)) == left(record, wish.change(number))
        assert is_news(again, wish.change(number)) == is_news(record, wish.change(number))
