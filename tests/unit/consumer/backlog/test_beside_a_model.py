"""Whatever is called in whatever order, the backlog agrees with a list of people who wait."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from tests.unit.consumer.backlog.people import People, maps, name_of, numbers
from tests.unit.examples import change
from worker.consumer.backlog import Pending
from worker.subscribers.change import NOTHING, merge_all

NAMES = ("ada", "bob", "cyd")


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
