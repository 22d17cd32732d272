"""How many messages an account holds, as a table of what happens."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from worker.consumer.prefetch import FEW, MANY_DELIVERIES, Prefetch, starting_with

give_back = Prefetch.after_give_back
fail_alone = Prefetch.after_failing_alone
grow_old = Prefetch.after_growing_old
succeed = Prefetch.after_success
rest = Prefetch.at_rest


def after(*happenings: Callable[[Prefetch], Prefetch], full: int = 500) -> Prefetch:
    prefetch = starting_with(full)
    for happens in happenings:
        prefetch = happens(prefetch)
    return prefetch


@pytest.mark.parametrize(
    ("happenings", "count"),
    [
        ([], 500),
        ([give_back], 1),
        ([give_back, give_back], 1),
        ([give_back, succeed], 500),
        ([grow_old], 250),
        ([grow_old, grow_old], 125),
        ([grow_old] * 20, FEW),
        ([give_back, fail_alone], FEW),
        ([give_back, fail_alone, succeed], 500),
        ([give_back, fail_alone, give_back], 1),
        ([grow_old, rest], 500),
        ([grow_old, give_back], 1),
        ([grow_old, give_back, succeed], 250),
        ([give_back, rest], 1),
        ([give_back, rest, succeed], 500),
        ([succeed, give_back], 1),
    ],
)
def test_how_many_messages_are_taken(happenings: list[Callable[[Prefetch], Prefetch]], count: int) -> None:
    assert after(*happenings).count == count


def test_one_message_at_a_time_stays_one() -> None:
    assert after(give_back, fail_alone, grow_old, full=1).count == 1
    assert after(grow_old, give_back, succeed, full=1).count == 1


@pytest.mark.parametrize(
    ("happenings", "deliveries", "suspicious"),
    [
        ([], 0, False),
        ([], MANY_DELIVERIES - 1, False),
        ([], MANY_DELIVERIES, True),
        ([], 99, True),
        ([succeed], 99, False),
        ([give_back], 99, False),
        ([give_back, succeed], 99, False),
        ([succeed, give_back], 99, False),
        ([give_back, fail_alone], 99, False),
    ],
)
def test_a_message_that_came_back_ten_times_is_suspicious_until_a_write_succeeds(
    happenings: list[Callable[[Prefetch], Prefetch]], deliveries: int, *, suspicious: bool
) -> None:
    """Being careful already, or having written since, the account need not start over because of it."""
    assert MANY_DELIVERIES == 10
    assert after(*happenings).suspects(deliveries) is suspicious
