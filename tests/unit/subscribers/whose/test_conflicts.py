"""Events of which nobody can tell whose they are, and people of whom too many move: nobody is renamed."""

from __future__ import annotations

from tests.unit.subscribers.whose.workers import NEW, NOW, OLD, A, B, Said, Worker, of
from worker.errors import IdentityConflict, MovesHeld, Reason
from worker.subscribers.known import RecentMoves
from worker.subscribers.move_guard import FEW, WITHIN

# -- what cannot be told ----------------------------------------------------------------------------------


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


# -- too many ---------------------------------------------------------------------------------------------


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
