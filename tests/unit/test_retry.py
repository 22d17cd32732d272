"""When to try again and when to give up, as tables."""

from __future__ import annotations

import pytest

from worker.errors import KitUnavailable, RateLimited
from worker.retry import PATIENCE, Tries, backoff, failures_after, first_delay, pause

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
    assert backoff(failures, 0.5, first_delay(RateLimited("slow down"))) == seconds
    assert first_delay(KitUnavailable("503")) == 1.0


@pytest.mark.parametrize(
    ("lives", "failures"),
    [
        ([0.0], 1),
        ([0.0, 0.0, 0.1], 3),
        ([4.9, 4.9], 2),
        ([0.0, 0.0, 5.0], 0),
        ([5.0, 0.0], 1),
    ],
)
def test_what_is_lost_soon_counts_as_what_never_was(lives: list[float], failures: int) -> None:
    count = 0
    for lived in lives:
        count = failures_after(count, lived)
    assert count == failures


def test_after_the_loss_of_what_has_lasted_one_waits_for_a_moment_and_then_longer() -> None:
    assert [pause(0, jitter) for jitter in (0.0, 0.5, 1.0)] == [0.0, 0.25, 0.5]
    assert [pause(failures, 0.5) for failures in (1, 2, 3)] == [1.0, 2.0, 4.0]


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
        (10, 480.0, True),
        (10, 479.9, False),
        (9, 4800.0, False),
        (0, 4800.0, False),
    ],
)
def test_a_change_is_given_up_after_ten_tries_over_eight_minutes(
    count: int, after: float, *, exhausted: bool
) -> None:
    assert Tries(count, first_at=1000.0, last_at=1000.0).exhausted(1000.0 + after, PATIENCE) is exhausted
