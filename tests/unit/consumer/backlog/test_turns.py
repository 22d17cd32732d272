"""Waiting changes: who is taken when, and what is folded with what."""

from __future__ import annotations

from tests.unit.consumer.backlog.people import People, name_of, numbers
from tests.unit.examples import NOON, change
from worker.events.event import Due
from worker.subscribers.change import merge_all


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


def test_who_is_new_takes_turns_with_those_who_wait_longest() -> None:
    """Given three who came while more waited in the queue, and two later, then the last of these first."""
    people = People()
    for number, name in enumerate(["ada", "bob", "cyd", "new", "newer"]):
        people.add(name, number, since=float(number))

    taken = [people.next(last_old=2.0) for _ in range(6)]

    assert taken == ["ada", "newer", "bob", "new", "cyd", None]


def test_while_more_waits_in_the_queue_whoever_waits_longest_is_taken() -> None:
    people = People()
    for number, name in enumerate(["ada", "bob", "cyd"]):
        people.add(name, number, since=float(number))

    assert [people.next(last_old=2.0) for _ in range(3)] == ["ada", "bob", "cyd"]


def test_who_has_waited_for_long_is_not_new_for_what_comes_later() -> None:
    people = People()
    for number, name in enumerate(["ada", "bob", "cyd"]):
        people.add(name, number, since=float(number))
    people.add("cyd", 3, since=9.0)

    assert [people.next(last_old=5.0) for _ in range(3)] == ["ada", "bob", "cyd"]


def test_a_long_plan_is_not_new() -> None:
    people = People()
    people.add("ada", 1, since=1.0)
    for number in range(2, 5):
        people.add(f"due {number}", number, due=DUE, since=float(number))

    assert [people.next(last_old=0.0) for _ in range(4)] == ["ada", "due 2", "due 3", "due 4"]


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
