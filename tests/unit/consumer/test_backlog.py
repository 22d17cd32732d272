"""Waiting changes: who is taken when, and what is folded with what."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from tests.unit.examples import change, event
from worker.consumer.backlog import Backlog, Item, Pending
from worker.subscribers.change import NOTHING, Change, merge_all

NAMES = ("ada", "bob", "cyd")


def item(number: int, asked: Change | None = None) -> Item[int]:
    return Item(event(number), change(number) if asked is None else asked, number)


def taken(backlog: Backlog[str, int], now: float = 0.0) -> Pending[str, int]:
    pending = backlog.take(now)
    assert pending is not None
    return pending


def numbers(pending: Pending[str, int]) -> list[int]:
    return [each.delivery for each in pending.items]


def test_events_of_one_person_are_folded_into_one_change() -> None:
    backlog: Backlog[str, int] = Backlog()
    for number, tag in ((1, "A"), (2, "B")):
        backlog.add("ada", item(number, change(number, add=(tag,))))

    pending = taken(backlog)

    assert len(backlog) == 0
    assert numbers(pending) == [1, 2]
    assert pending.change == merge_all([change(1, add=("A",)), change(2, add=("B",))])


def test_whoever_waits_longest_is_taken_first_even_if_more_arrives() -> None:
    backlog: Backlog[str, int] = Backlog()
    for number, name in enumerate(["ada", "bob", "ada"]):
        backlog.add(name, item(number))

    assert [taken(backlog).key, taken(backlog).key, backlog.take(0.0)] == ["ada", "bob", None]


def test_a_person_is_never_taken_twice_at_once() -> None:
    backlog: Backlog[str, int] = Backlog()
    backlog.add("ada", item(1))
    first = taken(backlog)
    backlog.add("ada", item(2))

    assert backlog.take(0.0) is None
    assert backlog.next_at() is None
    assert backlog.taken == 1

    backlog.release(first)

    assert numbers(taken(backlog)) == [2]


def test_what_is_put_back_is_folded_with_what_came_since_and_goes_first() -> None:
    """Given Ada failed while more came for her and for Bob, then she is next, with all of it."""
    backlog: Backlog[str, int] = Backlog()
    backlog.add("ada", item(1, change(1, add=("VIP",))))
    failed = taken(backlog)
    backlog.add("bob", item(2))
    backlog.add("ada", item(3, change(3, remove=("vip",))))

    backlog.put_back(failed)

    again = taken(backlog)
    assert again.key == "ada"
    assert numbers(again) == [1, 3]
    assert again.change == change(3, remove=("vip",))
    assert backlog.taken == 1


def test_what_is_put_back_with_nothing_left_frees_its_person() -> None:
    backlog: Backlog[str, int] = Backlog()
    backlog.add("ada", item(1))
    pending = taken(backlog)
    pending.items.clear()

    backlog.put_back(pending)

    assert (len(backlog), backlog.taken, backlog.take(0.0)) == (0, 0, None)


def test_a_change_that_should_wait_lets_others_pass() -> None:
    backlog: Backlog[str, int] = Backlog()
    backlog.add("ada", item(1))
    failed = taken(backlog)
    failed.not_before = 60.0
    backlog.put_back(failed)

    assert backlog.next_at() == 60.0
    backlog.add("bob", item(2))
    assert backlog.next_at() == float("-inf")
    assert taken(backlog, 59.9).key == "bob"
    assert backlog.take(59.9) is None
    assert taken(backlog, 60.0).key == "ada"


def test_to_probe_whoever_failed_longest_ago_or_never_comes_first() -> None:
    """A change that is itself to blame must not be the only one ever tried."""
    backlog: Backlog[str, int] = Backlog()
    for number, name in enumerate(["ada", "bob", "cyd"]):
        backlog.add(name, item(number))
    failed = [taken(backlog), taken(backlog)]
    for moment, pending in zip((20.0, 10.0), failed, strict=True):
        pending.tries = pending.tries.failed(moment, 0.0)
        backlog.put_back(pending)

    probed = [backlog.take(30.0, probing=True) for _ in range(4)]

    assert [pending and pending.key for pending in probed] == ["cyd", "bob", "ada", None]


def test_a_new_mapping_reaches_what_waits_at_once_and_what_is_taken_when_it_comes_back() -> None:
    """Given Ada is taken and Bob waits, when the mapping changes, then Bob changes now and Ada on return."""
    backlog: Backlog[str, int] = Backlog()
    backlog.add("ada", item(1, change(1, add=("Old",))))
    backlog.add("bob", item(2, change(2, add=("Old",))))
    ada = taken(backlog)

    backlog.refold(lambda old: replace(old, change=change(old.delivery, add=("New",))))

    assert ada.change == change(1, add=("Old",))
    assert taken(backlog).change == change(2, add=("New",))
    backlog.put_back(ada)
    assert taken(backlog).change == change(1, add=("New",))


def test_events_that_the_new_mapping_ignores_are_dropped() -> None:
    backlog: Backlog[str, int] = Backlog()
    for number, name in ((1, "ada"), (2, "bob"), (3, "bob"), (4, "cyd")):
        backlog.add(name, item(number))
    ada = taken(backlog)

    backlog.refold(lambda old: old if old.delivery in {3, 4} else None)
    backlog.put_back(ada)

    assert [each.delivery for each in backlog.items()] == [3, 4]
    assert backlog.taken == 0


def test_an_event_is_interpreted_once_for_each_new_mapping() -> None:
    """Given interpreting has effects (it settles what is ignored), then no event sees it twice."""
    backlog: Backlog[str, int] = Backlog()
    seen: list[int] = []

    def interpret(old: Item[int]) -> Item[int]:
        seen.append(old.delivery)
        return old

    backlog.add("ada", item(1))
    ada = taken(backlog)
    backlog.refold(interpret)
    backlog.add("ada", item(2))
    backlog.put_back(ada)
    backlog.put_back(taken(backlog))

    assert seen == [1]


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
        self.backlog: Backlog[str, int] = Backlog()
        self.waiting: dict[str, Waiting] = {}
        self.order: list[str] = []
        self.taken: set[str] = set()
        self.dropped: set[int] = set()
        self.settled: set[int] = set()
        self.count = 0
        self.now = 0.0

    @rule(name=st.sampled_from(NAMES))
    def arrives(self, name: str) -> None:
        self.count += 1
        self.backlog.add(name, item(self.count, change(self.count, add=(f"tag {self.count % 3}",))))
        if name not in self.waiting:
            self.waiting[name] = Waiting()
            self.order.append(name)
        self.waiting[name].numbers.append(self.count)

    @rule(target=held)
    def take(self) -> Pending[str, int] | None:
        pending = self.backlog.take(self.now)
        due = [n for n in self.order if n not in self.taken and self.waiting[n].not_before <= self.now]
        if not due:
            assert pending is None
            return None
        assert pending is not None
        assert pending.key == due[0]
        assert numbers(pending) == self.waiting.pop(due[0]).numbers
        self.order.remove(due[0])
        self.taken.add(due[0])
        return pending

    @rule(pending=consumes(held))
    def done(self, pending: Pending[str, int] | None) -> None:
        if pending is None:
            return
        self.settled |= set(numbers(pending))
        self.backlog.release(pending)
        self.taken.discard(pending.key)

    @rule(pending=consumes(held), delay=st.sampled_from([0.0, 5.0]))
    def fails(self, pending: Pending[str, int] | None, delay: float) -> None:
        if pending is None:
            return
        pending.not_before = self.now + delay
        again = [number for number in numbers(pending) if number not in self.dropped]
        self.backlog.put_back(pending)
        name = pending.key
        self.taken.discard(name)
        newer = self.waiting.pop(name, Waiting()).numbers
        if name in self.order:
            self.order.remove(name)
        if again + newer:
            self.waiting[name] = Waiting(again + newer, self.now + delay)
            self.order.insert(0, name)

    @rule(drop=st.integers(0, 2))
    def remaps(self, drop: int) -> None:
        unsettled = set(range(1, self.count + 1)) - self.settled
        self.dropped |= {number for number in unsettled if number % 3 == drop}
        self.backlog.refold(lambda old: None if old.delivery in self.dropped else old)
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
        assert len(self.backlog) == len(self.waiting)
        assert self.backlog.taken == len(self.taken)
        assert [each.delivery for each in self.backlog.items()] == [
            number for name in self.order for number in self.waiting[name].numbers
        ]
        free = [self.waiting[name].not_before for name in self.order if name not in self.taken]
        next_at = self.backlog.next_at()
        assert (next_at is None) == (not free)
        if next_at is not None:
            assert max(next_at, 0.0) == min(free)


BacklogBesideAModel.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestBacklogBesideAModel = BacklogBesideAModel.TestCase


def test_the_folded_change_is_always_that_of_its_events() -> None:
    """Given events come while their person is taken and put back, then change and events still agree."""
    backlog: Backlog[str, int] = Backlog()
    backlog.add("ada", item(1, change(1, add=("A",))))
    for number in range(2, 6):
        pending = taken(backlog)
        backlog.add("ada", item(number, change(number, add=(f"T{number}",), remove=("A",))))
        backlog.put_back(pending)

    pending = taken(backlog)

    assert pending.change == merge_all(each.change for each in pending.items)
    assert pending.change != NOTHING
