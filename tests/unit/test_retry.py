"""When to try again and when to give up, as tables."""

from __future__ import annotations

import pytest

from worker.retry import (
    FIRST_DELAY_LIMITED,
    MAX_DELAY,
    MAX_TRIES,
    MIN_TRYING,
    NO_HOLD,
    Hold,
    Tries,
    backoff,
)

NEVER = float("-inf")


@pytest.mark.parametrize(
    ("failures", "earliest", "middle", "latest"),
    [
        (1, 1.0, 1.0, 1.25),
        (2, 1.5, 2.0, 2.5),
        (3, 3.0, 4.0, 5.0),
        (6, 24.0, 32.0, 40.0),
        (7, 45.0, 60.0, 60.0),
        (8, 45.0, 60.0, 60.0),
        (10_000, 45.0, 60.0, 60.0),
    ],
)
def test_the_wait_doubles_from_one_second_to_sixty(
    failures: int, earliest: float, middle: float, latest: float
) -> None:
    assert [backoff(failures, jitter) for jitter in (0.0, 0.5, 1.0)] == [earliest, middle, latest]


@pytest.mark.parametrize(("failures", "seconds"), [(1, 5.0), (2, 10.0), (3, 20.0), (4, 40.0), (5, 60.0)])
def test_after_a_429_it_begins_with_five_seconds(failures: int, seconds: float) -> None:
    assert backoff(failures, 0.5, FIRST_DELAY_LIMITED) == seconds


def tried(*failures: tuple[float, float]) -> Tries:
    """The tries after failures, each given as (when, when its endpoint last served somebody)."""
    tries = Tries()
    for now, worked_at in failures:
        tries = tries.failed(now, worked_at)
    return tries


@pytest.mark.parametrize(
    ("failures", "count"),
    [
        ([(10.0, NEVER)], 0),
        ([(10.0, NEVER), (20.0, NEVER), (30.0, NEVER)], 0),
        ([(10.0, 5.0)], 1),
        ([(10.0, 5.0), (20.0, 5.0)], 1),
        ([(10.0, 5.0), (20.0, 10.0)], 1),
        ([(10.0, 5.0), (20.0, 15.0)], 2),
        ([(10.0, 5.0), (20.0, 5.0), (30.0, 15.0)], 1),
        ([(10.0, 5.0), (20.0, 5.0), (30.0, 25.0)], 2),
        ([(10.0, NEVER), (20.0, 15.0), (30.0, 25.0)], 2),
    ],
)
def test_a_failure_counts_only_if_kit_served_somebody_since_the_one_before(
    failures: list[tuple[float, float]], count: int
) -> None:
    assert tried(*failures).count == count


def test_the_first_failure_that_counts_starts_the_clock() -> None:
    assert tried((10.0, NEVER), (100.0, 50.0), (200.0, 150.0)).first_at == 100.0


@pytest.mark.parametrize(
    ("count", "after", "exhausted"),
    [
        (MAX_TRIES, MIN_TRYING, True),
        (MAX_TRIES, MIN_TRYING - 0.1, False),
        (MAX_TRIES - 1, MIN_TRYING * 10, False),
        (0, MIN_TRYING * 10, False),
    ],
)
def test_a_change_is_given_up_after_ten_tries_over_eight_minutes(
    count: int, after: float, *, exhausted: bool
) -> None:
    assert (MAX_TRIES, MIN_TRYING) == (10, 480.0)
    assert Tries(count, first_at=1000.0, last_at=1000.0).exhausted(1000.0 + after) is exhausted


def test_a_hold_lengthens_with_each_failure_after_it_ended() -> None:
    hold = NO_HOLD
    now, waits = 100.0, []
    for _ in range(8):
        hold = hold.failed(now, "Kit is down", 0.5)
        waits.append(hold.until - now)
        now = hold.until

    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, MAX_DELAY, MAX_DELAY]


def test_a_hold_in_which_kit_answered_something_begins_anew() -> None:
    """Given tries that Kit answers in part before one fails, then the waits do not grow: Kit is not down."""
    hold = NO_HOLD
    now, waits = 100.0, []
    for worked_at in (NEVER, 101.0, 102.5, 90.0, 90.0, 107.0):
        hold = hold.failed(now, "reset", 0.5, worked_at=worked_at)
        waits.append(hold.until - now)
        now = hold.until + 0.5

    assert waits == [1.0, 1.0, 1.0, 2.0, 4.0, 8.0]


def test_calls_that_were_under_way_together_fail_as_one() -> None:
    """Given 32 calls fail within the first second, then the hold is that of one failure."""
    first = NO_HOLD.failed(100.0, "reset", 0.5)

    hold = first
    for moment in range(31):
        hold = hold.failed(100.0 + moment / 40, "reset too", 0.5)

    assert hold == first == Hold(1, 101.0, "reset")


def test_no_hold_is_false_and_a_hold_stays_true_until_it_is_lifted() -> None:
    """Given a hold has run out, then it is still one: the next change has to prove that Kit is back."""
    assert not NO_HOLD
    assert NO_HOLD.until == NEVER
    assert NO_HOLD.failed(100.0, "down", 0.5)
