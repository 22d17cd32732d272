"""Waiting changes: who is taken when, and what is folded with what."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule
from msgspec import structs

from tests.unit.consumer.world import adds
from tests.unit.examples import NOON, change, event, order
from worker.accounts.account import Account
from worker.consumer.backlog import Backlog, Pending, interpret_again
from worker.consumer.settle import Settle
from worker.errors import EventError, InvalidEvent, PartlyApplied
from worker.events.delivery import Delivery
from worker.events.event import Due
from worker.mapping import EventMapping, Rule, Template
from worker.subscribers.change import NOTHING, Change, merge_all
from worker.subscribers.item import Item, Outcome
from worker.subscribers.parts import Part
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Subscriber

NAMES = ("ada", "bob", "cyd")


@dataclass
class Ends:
    """In place of settle: notes the numbers of events that end."""

    numbers: list[int] = field(default_factory=list)

    def put(self, outcome: Outcome) -> None:
        """Note it."""
        self.numbers.append(outcome.item.delivery.tag)


class People:
    """A backlog of people by name."""

    def __init__(self) -> None:
        self.ends = Ends()
        self.backlog = Backlog(adds("Old"), cast("Settle", self.ends), {})
        self.version = "1"
        self._people: dict[str, Subscriber] = {}

    def add(
        self,
        name: str,
        number: int,
        asked: Change | None = None,
        kind: str = "user.signed_up",
        refusal: EventError | None = None,
        due: Due | None = None,
    ) -> None:
        """Fold event `number` of a person."""
        person = self._people.setdefault(name, Subscriber(Record(name)))
        happened = structs.replace(event(number, kind), due=due)
        item = Item(Delivery(b"", "", tag=number), happened, name, refusal=refusal)
        asked = change(number) if asked is None else asked
        self.backlog.add(structs.replace(item, change=asked, subscriber=person, version=self.version))

    def take(self, now: float = 0.0) -> Pending:
        """Take whoever is next."""
        pending = self.backlog.take(now)
        assert pending is not None
        return pending

    def next(self, now: float = 0.0) -> str | None:
        """Take whoever is next; the name."""
        pending = self.backlog.take(now)
        return None if pending is None else name_of(pending)

    def refold(self, account: Account) -> None:
        """Put another mapping into force."""
        self.version = account.version
        self.backlog.refold(account)

    @property
    def waiting(self) -> list[int]:
        """The numbers of all events that wait."""
        return [item.delivery.tag for item in self.backlog.items()]


def name_of(pending: Pending) -> str:
    return pending.subscriber.record.email


def numbers(pending: Pending) -> list[int]:
    return [each.delivery.tag for each in pending.items]


def maps(*kinds: str, tag: str = "New", version: str = "2") -> Account:
    """An account whose new file has these event types add a tag, and names no others."""
    rule = Rule(add_tags=(Template(tag),))
    return Account("main", events=dict.fromkeys(kinds, EventMapping(rule)), version=version)


def test_events_of_one_person_are_folded_into_one_change() -> None:
    people = People()
    for number, tag in ((1, "A"), (2, "B")):
        people.add("ada", number, change(number, add=(tag,)))

    pending = people.take()

    assert len(people.backlog) == 0
    assert numbers(pending) == [1, 2]
    assert pending.change == merge_all([change(1, add=("A",)), change(2, add=("B",))])


def test_whoever_waits_longest_is_taken_first_even_if_more_arrives() -> None:
    people = People()
    for number, name in enumerate(["ada", "bob", "ada"]):
        people.add(name, number)

    assert [people.next(), people.next(), people.next()] == ["ada", "bob", None]


DUE = Due("d-1", NOON)


def test_what_just_happened_waits_behind_no_long_plan() -> None:
    """Given many who are due, and two who are not, the two take turns with them, each kind in its order."""
    people = People()
    for number in range(4):
        people.add(f"due {number}", number, due=DUE)
    people.add("ada", 10)
    people.add("bob", 11)

    taken = [people.next() for _ in range(7)]

    assert taken == ["due 0", "ada", "due 1", "bob", "due 2", "due 3", None]


def test_who_is_due_and_has_something_new_waits_for_no_turn() -> None:
    people = People()
    for name in ("eve", "ada"):
        people.add(name, 1, due=DUE)
    people.add("ada", 2)
    people.add("bob", 3)

    assert [people.next() for _ in range(4)] == ["eve", "ada", "bob", None]


def test_a_person_is_never_taken_twice_at_once() -> None:
    people = People()
    people.add("ada", 1)
    first = people.take()
    people.add("ada", 2)

    assert people.backlog.take(0.0) is None
    assert people.backlog.next_at() is None
    assert people.backlog.taken == 1

    people.backlog.release(first)

    assert numbers(people.take()) == [2]


def test_what_is_put_back_is_folded_with_what_came_since_and_goes_first() -> None:
    """Given Ada failed while more came for her and for Bob, then she is next, with all of it."""
    people = People()
    people.add("ada", 1, change(1, add=("VIP",)))
    failed = people.take()
    people.add("bob", 2)
    people.add("ada", 3, change(3, remove=("vip",)))

    people.backlog.put_back(failed)

    again = people.take()
    assert name_of(again) == "ada"
    assert numbers(again) == [1, 3]
    assert again.change == change(1).merge(change(3, remove=("vip",)))
    assert people.backlog.taken == 1


def test_what_is_put_back_with_nothing_left_frees_its_person() -> None:
    people = People()
    people.add("ada", 1)
    pending = people.take()
    pending.items.clear()

    people.backlog.put_back(pending)

    assert (len(people.backlog), people.backlog.taken, people.backlog.take(0.0)) == (0, 0, None)


def test_a_change_that_should_wait_lets_others_pass() -> None:
    people = People()
    people.add("ada", 1)
    failed = people.take()
    failed.not_before = 60.0
    people.backlog.put_back(failed)

    assert people.backlog.next_at() == 60.0
    people.add("bob", 2)
    assert people.backlog.next_at() == float("-inf")
    assert people.next(59.9) == "bob"
    assert people.backlog.take(59.9) is None
    assert people.next(60.0) == "ada"


def test_to_probe_whoever_failed_longest_ago_or_never_comes_first() -> None:
    """A change that is itself to blame must not be the only one ever tried."""
    people = People()
    for number, name in enumerate(["ada", "bob", "cyd"]):
        people.add(name, number)
    failed = [people.take(), people.take()]
    for moment, pending in zip((20.0, 10.0), failed, strict=True):
        pending.tries = pending.tries.failed(moment, 0.0)
        people.backlog.put_back(pending)

    probed = [people.backlog.take(30.0, probing=True) for _ in range(4)]

    assert [pending and name_of(pending) for pending in probed] == ["cyd", "bob", "ada", None]


def test_a_new_mapping_reaches_what_waits_at_once_and_what_is_taken_when_it_comes_back() -> None:
    """Given Ada is taken and Bob waits, when the mapping changes, then Bob changes now and Ada on return."""
    people = People()
    people.add("ada", 1, change(1, add=("Old",)))
    people.add("bob", 2, change(2, add=("Old",)))
    ada = people.take()

    people.refold(maps("user.signed_up"))

    assert ada.change.tags.keys() == {"old"}
    assert people.take().change.tags.keys() == {"new"}
    people.backlog.put_back(ada)
    assert people.take().change.tags.keys() == {"new"}


def test_a_new_mapping_keeps_the_address_that_was_found_out_for_an_event() -> None:
    people = People()
    address = Part("ada.new@example.com", order(1))
    people.add("ada", 1, structs.replace(change(1), address=address))
    people.refold(maps("user.signed_up"))
    assert people.take().change.address == address


def test_a_new_mapping_says_anew_what_is_owed() -> None:
    """Given an event of which a tag was owed, a mapping with another tag owes that one, or nothing."""
    people = People()
    people.add("ada", 1, refusal=PartlyApplied("data.user.plan: has no value"))
    for tag, owed in (("{data.user.level}", "data.user.level: has no value"), ("New", None)):
        people.refold(maps("user.signed_up", tag=tag, version=tag))
        (item,) = people.backlog.items()
        assert str(item.refusal).startswith(owed) if owed else item.refusal is None


def test_a_new_mapping_does_not_change_why_an_address_stays() -> None:
    people = People()
    people.add("ada", 1, refusal=InvalidEvent("data.user.email: the address stays"))
    people.refold(maps("user.signed_up"))
    (item,) = people.backlog.items()
    assert str(item.refusal) == "data.user.email: the address stays"


def test_events_that_the_new_mapping_does_not_name_end() -> None:
    people = People()
    for number, name, kind in ((1, "ada", "off"), (2, "bob", "off"), (3, "bob", "on"), (4, "cyd", "on")):
        people.add(name, number, kind=kind)
    ada = people.take()

    people.refold(maps("on"))
    assert people.ends.numbers == [2]
    people.backlog.put_back(ada)

    assert people.ends.numbers == [2, 1]
    assert people.waiting == [3, 4]
    assert people.backlog.taken == 0


def test_an_event_ends_once_though_its_change_is_put_back_again_and_again() -> None:
    people = People()
    people.add("ada", 1, kind="off")
    people.add("ada", 2, kind="on")
    ada = people.take()
    people.refold(maps("on"))
    people.add("ada", 3, kind="on")
    people.backlog.put_back(ada)
    people.backlog.put_back(people.take())

    assert people.ends.numbers == [1]
    assert people.waiting == [2, 3]


@dataclass
class Waiting:
    """The naive model's idea of one person's waiting events."""

    numbers: list[int] = field(default_factory=list)
    not_before: float = 0.0


class BacklogBesideAModel(RuleBasedStateMachine):
    """Given any calls in any order, then the backlog agrees with a list of people who wait."""

    held = Bundle("held")

    def __init__(self) -> None:
        super().__init__()
        self.people = People()
        self.waiting: dict[str, Waiting] = {}
        self.order: list[str] = []
        self.taken: set[str] = set()
        self.dropped: set[int] = set()
        self.off: set[int] = set()
        self.settled: set[int] = set()
        self.count = 0
        self.now = 0.0

    @rule(name=st.sampled_from(NAMES))
    def arrives(self, name: str) -> None:
        self.count += 1
        if self.count % 3 in self.off:
            self.settled.add(self.count)  # no mapping names it: it never gets here
            return
        self.people.add(name, self.count, kind=f"kind {self.count % 3}")
        if name not in self.waiting:
            self.waiting[name] = Waiting()
            self.order.append(name)
        self.waiting[name].numbers.append(self.count)

    @rule(target=held)
    def take(self) -> Pending | None:
        pending = self.people.backlog.take(self.now)
        due = [n for n in self.order if n not in self.taken and self.waiting[n].not_before <= self.now]
        if not due:
            assert pending is None
            return None
        assert pending is not None
        assert name_of(pending) == due[0]
        assert numbers(pending) == self.waiting.pop(due[0]).numbers
        self.order.remove(due[0])
        self.taken.add(due[0])
        return pending

    @rule(pending=consumes(held))
    def done(self, pending: Pending | None) -> None:
        if pending is None:
            return
        self.settled |= set(numbers(pending))
        self.people.backlog.release(pending)
        self.taken.discard(name_of(pending))

    @rule(pending=consumes(held), delay=st.sampled_from([0.0, 5.0]))
    def fails(self, pending: Pending | None, delay: float) -> None:
        if pending is None:
            return
        pending.not_before = self.now + delay
        again = [number for number in numbers(pending) if number not in self.dropped]
        self.people.backlog.put_back(pending)
        name = name_of(pending)
        self.taken.discard(name)
        newer = self.waiting.pop(name, Waiting()).numbers
        if name in self.order:
            self.order.remove(name)
        if again + newer:
            self.waiting[name] = Waiting(again + newer, self.now + delay)
            self.order.insert(0, name)

    @rule(drop=st.integers(0, 2))
    def remaps(self, drop: int) -> None:
        self.off.add(drop)
        unsettled = set(range(1, self.count + 1)) - self.settled
        self.dropped |= {number for number in unsettled if number % 3 in self.off}
        kinds = [f"kind {each}" for each in range(3) if each not in self.off]
        self.people.refold(maps(*kinds, version=f"{kinds}"))
        for name in list(self.order):
            left = [number for number in self.waiting[name].numbers if number not in self.dropped]
            self.waiting[name].numbers = left
            if not left:
                del self.waiting[name]
                self.order.remove(name)

    @rule()
    def time_passes(self) -> None:
        self.now += 3.0

    @invariant()
    def agrees(self) -> None:
        assert len(self.people.backlog) == len(self.waiting)
        assert self.people.backlog.taken == len(self.taken)
        assert self.people.waiting == [number for name in self.order for number in self.waiting[name].numbers]
        free = [self.waiting[name].not_before for name in self.order if name not in self.taken]
        next_at = self.people.backlog.next_at()
        assert (next_at is None) == (not free)
        if next_at is not None:
            assert max(next_at, 0.0) == min(free)


BacklogBesideAModel.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestBacklogBesideAModel = BacklogBesideAModel.TestCase


def test_the_folded_change_is_always_that_of_its_events() -> None:
    """Given events come while their person is taken and put back, then change and events still agree."""
    people = People()
    people.add("ada", 1, change(1, add=("A",)))
    for number in range(2, 6):
        pending = people.take()
        people.add("ada", number, change(number, add=(f"T{number}",), remove=("A",)))
        people.backlog.put_back(pending)

    pending = people.take()

    assert pending.change == merge_all(each.change for each in pending.items)
    assert pending.change != NOTHING


def test_a_new_mapping_reads_the_data_of_what_waits_from_its_message() -> None:
    """Given an event whose data was let go, when the file changes, then the new mapping sees its values."""
    by_locale = Rule((Template("Speaks {data.user.locale}"),))
    account = Account("main", events={"user.signed_up": EventMapping(by_locale)}, version="2")
    body = json.dumps({"data": {"user": {"email": "ada@example.com", "locale": "de"}}}).encode()
    item = Item(Delivery(body, "user.signed_up"), event(1).without_data(), "ada@example.com", version="1")

    again = interpret_again(item, account)

    assert isinstance(again, Item)
    assert list(again.change.tags) == ["speaks de"]
    assert again.event is not None
    assert again.event.data == {}
