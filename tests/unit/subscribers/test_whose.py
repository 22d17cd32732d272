"""Whose events are, in any order, with duplicates, restarts and replays: nobody has what is somebody else's.

The people in hand are the real ones; Kit is a dictionary, and each event gives a tag of its own, so that it
shows where it ended.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.unit.examples import change, event
from worker.errors import IdentityConflict, MovesHeld, Reason
from worker.events.delivery import Delivery
from worker.events.event import FIRST
from worker.ledger.record_json import dump_record, load_record
from worker.subscribers.change import merge_all
from worker.subscribers.desired import left as left_to_do
from worker.subscribers.in_hand import InHand
from worker.subscribers.item import Item, Outcome
from worker.subscribers.known import Known, Person, RecentMoves
from worker.subscribers.learning import finish
from worker.subscribers.move_guard import FEW, WITHIN
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Subscriber

EXAMPLES: Final = int(os.environ.get("EXAMPLES", "300"))
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


# -- what cannot be told ------------------------------------------------------------------------------------


def test_one_id_with_four_addresses_is_applied_once_and_nobody_is_renamed() -> None:
    """Given an id that is everybody's, all at once and in any order, one is applied, and three are not."""
    events = [Said(f"{name}@example.com", "acct-9") for name in ("kim", "leo", "mia", "noa")]
    for first in range(4):
        order = [first, *(n for n in range(4) if n != first)] * 3
        worker = Worker(events, [2] * 100).run(*order)
        assert worker.kit.people == {events[first].email: {first}}
        assert set(worker.letters) == set(range(4)) - {first}
        assert all("options.identity: email" in said for said in worker.reasons)


def test_by_address_they_are_four_people() -> None:
    events = [Said(f"{name}@example.com", "acct-9", by_address=True) for name in ("kim", "leo", "mia", "noa")]
    worker = of(*events)
    assert worker.kit.people == {said.email: {number} for number, said in enumerate(events)}
    assert worker.letters == []


def test_by_address_nobody_follows_who_has_left_while_ids_counted() -> None:
    """Given people whom an id that is everybody's had renamed, each is found under the own address again."""
    worker = of(Said(OLD, A), Said(NEW, A, may=True), Said(OLD, A, by_address=True))
    assert worker.kit.people == {NEW: {0, 1}, OLD: {2}}


def test_a_conflict_is_applied_once_the_address_was_said() -> None:
    """Given an event with a new address before the one that may say so, its replay completes it."""
    worker = of(Said(OLD, A), Said(NEW, A))
    assert worker.kit.people == {OLD: {0}}
    assert worker.letters == [1]
    worker._events = [*worker._events, Said(NEW, A, may=True)]
    worker.run(2).replay()
    assert worker.kit.people == {NEW: {0, 1, 2}}
    assert worker.letters == []


def test_strangers_are_never_welded() -> None:
    """Given a move to an address that another id is known by, both stay where they are."""
    worker = of(Said(OLD, A), Said(NEW, B), Said(NEW, A, may=True), Said(OLD, A), Said(NEW, B))
    assert worker.kit.people == {OLD: {0, 3}, NEW: {1, 4}}
    assert "another user.id is known by the new address" in worker.reasons[0]


def test_whom_two_share_an_address_neither_takes_it_away() -> None:
    worker = of(Said(OLD, A), Said(OLD, B), Said(NEW, A, may=True), Said(NEW, B, previous=OLD))
    assert worker.kit.people == {OLD: {0, 1}}
    assert "another user.id shares the address" in worker.reasons[0]
    assert worker.letters == [2, 3]


def test_a_conflict_says_which_reason_it_is() -> None:
    assert IdentityConflict("").reason is Reason.IDENTITY_CONFLICT is MovesHeld("").reason


# -- who has moved ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("user", [A, None])
@pytest.mark.parametrize("late", [False, True])
def test_an_address_that_was_left_leads_to_the_person(user: str | None, *, late: bool) -> None:
    """Given a move, an event under the old address is the person's, older or newer, with the id or not."""
    events = [Said(OLD, A), Said(OLD, user), Said(NEW, A, may=True)]
    order = [0, 2, 1] if late else [0, 1, 2]
    assert Worker(events).run(*order).kit.people == {NEW: {0, 1, 2}}
    assert of(Said(OLD, A), Said(NEW, A, may=True), Said(OLD, user)).kit.people == {NEW: {0, 1, 2}}


def test_an_address_that_was_left_is_somebody_elses_once_that_one_has_come() -> None:
    """Given Bob at the address that Ada left, what is older than his first event is hers, the rest his."""
    events = [Said(OLD, A), Said(OLD), Said(NEW, A, may=True), Said(OLD, B), Said(OLD), Said(OLD, A)]
    worker = Worker(events).run(0, 2, 3, 1, 4, 5)
    assert worker.kit.people == {NEW: {0, 1, 2}, OLD: {3, 4}}
    assert worker.letters == [5]


def test_whoever_takes_the_address_of_one_who_left_leaves_that_ones_late_events_alone() -> None:
    """Given Bob, who moves to the address that Ada left, an older event without an id is still hers."""
    events = [Said(OLD, A), Said(OLD), Said(NEW, A, may=True), Said(THIRD, B), Said(OLD, B, may=True)]
    assert Worker(events).run(0, 2, 3, 4, 1).kit.people == {NEW: {0, 1, 2}, OLD: {3, 4}}


def test_a_copy_of_what_an_address_brought_to_one_who_left_it_comes_to_nobody_else() -> None:
    """Given Ada, who took the address that Bob had left, and left it too, a copy of his event is none."""
    bob = [Said(OLD, B, previous=NEW), Said(NEW)]
    events = [*bob, Said(THIRD, A), Said(NEW, A, may=True), Said(THIRD, A, may=True)]
    worker = Worker(events)
    for number in (0, 1, 2, 3, 4, 1):
        worker.run(number)
    assert worker.kit.people == {OLD: {0, 1}, THIRD: {2, 3, 4}}


def test_that_is_so_though_nobody_has_anything_in_hand_of_who_left_it() -> None:
    """Given Bob, whose events end while Ada's move to his old address waits, it still leads to him."""
    events = [Said(OLD, B), Said(NEW, A), Said(THIRD, B, may=True), Said(OLD), Said(OLD, A, previous=NEW)]
    worker = Worker(events).run(0, 1, 2)
    waiting, ends = deque([3, 4]), list[Subscriber]()
    worker._take_in(waiting)
    worker._take_in(waiting)
    ends += worker._open  # Bob's comes first
    for subscriber in ends:
        worker._apply(subscriber)
    worker.run(3)
    assert worker.kit.people == {THIRD: {0, 2, 3}, OLD: {1, 4}}


def test_an_address_that_was_the_persons_for_a_moment_only_leads_there_too() -> None:
    """Given a change of address, and one back, before either is made, the address between is no conflict."""
    events = [Said(OLD, B), Said(NEW, B, may=True), Said(OLD, B, may=True), Said(NEW, B), Said(NEW)]
    worker = Worker(events).run(0)
    both = deque([1, 2])
    worker._take_in(both)
    worker._take_in(both)
    assert worker.run(3, 4).kit.people == {OLD: {0, 1, 2, 3, 4}}


def test_what_came_by_an_address_alone_joins_the_person_who_turns_out_to_have_had_it() -> None:
    """Given events without an id under the old address before any with it, all ends at the new one."""
    events = [Said(OLD, A), Said(OLD), Said(NEW, A, may=True)]
    assert Worker(events).run(1).run(2).run(0).kit.people == {NEW: {0, 1, 2}}


def test_who_moves_back_and_forth_is_where_the_last_event_says() -> None:
    events = [Said(OLD, A), Said(NEW, A, may=True), Said(OLD, A, may=True), Said(OLD), Said(NEW)]
    assert of(*events).kit.people == {OLD: {0, 1, 2, 3, 4}}


def test_a_previous_address_lets_any_event_move() -> None:
    """Given an event that says which address was the person's, by id or by that alone, it moves."""
    assert of(Said(OLD, A), Said(NEW, A, previous=OLD)).kit.people == {NEW: {0, 1}}
    assert of(Said(OLD), Said(NEW, A, previous=OLD), Said(OLD)).kit.people == {NEW: {0, 1, 2}}
    assert of(Said(OLD), Said(NEW, previous=OLD), Said(OLD)).kit.people == {NEW: {0, 1, 2}}


def test_a_previous_address_that_is_another_ones_moves_nobody() -> None:
    """Given Ada, and an event of hers that says she had Bob's address, neither moves."""
    worker = of(Said(OLD, A), Said(THIRD, B), Said(NEW, A, previous=THIRD))
    assert worker.kit.people == {OLD: {0}, THIRD: {1}}
    worker = of(Said(THIRD, B), Said(NEW, A, previous=THIRD), Said(THIRD))
    assert worker.kit.people == {THIRD: {0, 2}, NEW: {1}}


# -- too many -----------------------------------------------------------------------------------------------


def movers(count: int) -> list[Said]:
    """Return people of whom each moves, all of them one after another."""
    here = [Said(f"p{n}@old.example", f"u{n}") for n in range(count)]
    return [*here, *(Said(f"p{n}@new.example", f"u{n}", may=True) for n in range(count))]


def test_of_many_moves_within_an_hour_the_first_are_made_and_the_others_held() -> None:
    """Given a platform that renames one after another, it is stopped, and an hour later it may go on."""
    events = movers(FEW + 2)
    worker = Worker(events).run(*range(len(events)))
    assert len(worker.letters) == 2
    assert f"{FEW} addresses changed within an hour" in worker.reasons[0]
    worker.now += WITHIN
    worker.replay()
    assert all(email.endswith("new.example") for email in worker.kit.people)


def test_of_many_people_one_in_a_hundred_may_move() -> None:
    events = movers(FEW + 10)
    worker = Worker(events)
    worker.in_hand.moves.learn(RecentMoves(people=2_500))
    worker.run(*range(len(events)))
    assert len(worker.letters) == FEW + 10 - 25


def test_moves_before_a_restart_count() -> None:
    worker = Worker(movers(1))
    worker.in_hand.moves.learn(RecentMoves(times=(NOW - WITHIN + 1,) * FEW))
    worker.run(0, 1)
    assert worker.letters == [1]


def test_a_copy_comes_to_nobody_else_when_whoever_had_the_address_since_left_it_too() -> None:
    """Given an address that one person left and another had since, and what went after the first of them."""
    events = [Said(NEW), Said(THIRD, A, previous=NEW), Said(NEW, A), Said(OLD, B, previous=NEW)]
    worker = Worker(events).run(3, 2, 0, 1, 0)
    assert worker.places(0) == [OLD]


# -- any order ----------------------------------------------------------------------------------------------


def shuffled(draw: st.DrawFn, count: int) -> list[int]:
    """Draw any order of so many events, some of them several times."""
    again = draw(st.lists(st.integers(0, count - 1), max_size=count))
    return draw(st.permutations([*range(count), *again]))


luck = st.lists(st.integers(0, 34), max_size=60)
emails = st.sampled_from([OLD, NEW, THIRD])
anything = st.builds(
    Said, emails, st.sampled_from([A, B, None]), st.booleans(), st.sampled_from(["", "", OLD, NEW])
)


@settings(max_examples=EXAMPLES)
@given(st.lists(anything, min_size=1, max_size=7), st.data())
def test_whatever_is_published_each_event_is_one_persons_or_a_dead_letter(
    events: list[Said], data: st.DataObject
) -> None:
    """Given any events at all, each is applied to one subscriber or not at all, and an id is in one place."""
    worker = Worker(events, data.draw(luck)).run(*data.draw(st.composite(shuffled)(len(events))))
    places = [worker.places(number) for number in range(len(events))]
    assert all(len(found) <= 1 for found in places)
    assert all(found or number in worker.letters for number, found in enumerate(places))
    for user in (A, B):
        mine = [number for number, said in enumerate(events) if said.user == user]
        assert len({email for number in mine for email in places[number]}) <= 1
    for email, numbers in worker.kit.people.items():
        users = {events[number].user for number in numbers} - {None}
        # Several are together only where each has come by an event that names the address.
        came = {said.user for number in numbers if (said := events[number]).email == email}
        moved = any(events[number].previous and events[number].user is None for number in numbers)
        assert len(users) <= 1 or users <= came or moved


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[Said], dict[str, set[int]]]:
    """Draw the events of people who move, and where each ends in the end.

    An event names the address that its person has then, or had before; each address is told by an event that
    may say so, or with the id.
    """
    kept = [(A, "a"), (B, "b"), (None, "n")]
    now = {name: f"{name}1@example.com" for _, name in kept}
    had: dict[str, list[str]] = {name: [] for _, name in kept}
    events, mine = list[Said](), dict[str, set[int]]()
    for number in range(draw(st.integers(1, 7))):
        user, name = draw(st.sampled_from(kept))
        address = now[name]
        if not had[name]:
            had[name].append(address)
            events.append(Said(address, user))
        elif draw(st.booleans()):
            new = draw(st.sampled_from([f"{name}{each}@example.com" for each in (1, 2, 3)]))
            by_type = user is not None and draw(st.booleans())
            events.append(Said(new, user, may=by_type, previous="" if by_type else address))
            now[name] = new
            had[name].append(new)
        else:
            events.append(Said(draw(st.sampled_from(had[name])), draw(st.sampled_from([user, None]))))
        mine.setdefault(name, set()).add(number)
    return events, {now[name]: numbers for name, numbers in mine.items()}


@settings(max_examples=EXAMPLES)
@given(lives(), st.data())
def test_in_any_order_everybody_ends_where_the_newest_event_says(
    told: tuple[list[Said], dict[str, set[int]]], data: st.DataObject
) -> None:
    """Given people who move, in any order, with copies, batches and crashes, all is at the last address."""
    events, right = told
    order = data.draw(st.composite(shuffled)(len(events)))
    worker = Worker(events, data.draw(luck)).run(*order).replay()
    assert worker.kit.people == right
    assert worker.letters == []
