"""Whose an event is under an address that somebody has left, or taken."""

from __future__ import annotations

from collections import deque

import pytest

from tests.unit.subscribers.whose.workers import NEW, OLD, THIRD, A, B, Said, Worker, of
from worker.subscribers.subscriber import Subscriber


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


def test_a_copy_comes_to_nobody_else_when_whoever_had_the_address_since_left_it_too() -> None:
    """Given an address that one person left and another had since, and what went after the first of them."""
    events = [Said(NEW), Said(THIRD, A, previous=NEW), Said(NEW, A), Said(OLD, B, previous=NEW)]
    worker = Worker(events).run(3, 2, 0, 1, 0)
    assert worker.places(0) == [OLD]


def test_a_copy_comes_to_nobody_else_when_whom_it_named_shares_the_address_by_now() -> None:
    """Given an event that names Bob by his address, as one of before, its copy comes once Ada shares that."""
    bob = [Said(OLD, previous=NEW), Said(NEW, B, may=True)]
    worker = Worker([*bob, Said(NEW, A), Said(OLD), Said(THIRD, previous=OLD)])
    for number in (3, 1, 4, 0, 2, 0):
        worker.run(number)
    assert worker.places(0) == [NEW]


def test_a_late_event_is_its_ids_though_the_same_event_told_of_somebody_else_at_its_address() -> None:
    """Given an address that was somebody else's, and is no more since the event that brought Bob there."""
    back_and_forth = [Said(OLD, previous=NEW), Said(NEW, previous=OLD)]
    worker = Worker([*back_and_forth, Said(OLD, B), Said(NEW, B, may=True), Said(NEW, A)])
    for number in (0, 4, 3, 1, 2):
        worker.run(number)
    assert (worker.places(2), worker.places(3)) == ([NEW], [NEW])
