"""How many messages an account holds, as a table of what happens."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.consumer.end import End
from worker.consumer.prefetch import (
    FEW,
    MANY_DELIVERIES,
    TOO_MANY_DELIVERIES,
    Prefetch,
    most_beside,
    most_in_hand,
    starting_with,
)

give_back = Prefetch.after_give_back
fail_alone = Prefetch.after_failing_alone
grow_old = Prefetch.after_growing_old
succeed = Prefetch.after_success
rest = Prefetch.at_rest


def redelivered(prefetch: Prefetch) -> Prefetch:
    return prefetch.after_session(End.REDELIVERED, unsettled=True, held=False)


def settle_all(prefetch: Prefetch) -> Prefetch:
    return prefetch.after_settling_all(most=1000)


def settle_few(prefetch: Prefetch) -> Prefetch:
    return prefetch.after_settling_all(most=90)


def too_large(prefetch: Prefetch) -> Prefetch:
    return prefetch.after_taking_too_much(fit=100)


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
        ([redelivered], 1),
        ([redelivered, settle_all], 1),
        ([redelivered, succeed], 1),
        ([redelivered, succeed, settle_all], 4),
        ([redelivered, succeed, settle_all, settle_all], 16),
        ([redelivered, succeed, *[settle_all] * 5], 500),
        ([redelivered, succeed, rest], 1),
        ([redelivered, fail_alone], FEW),
        ([redelivered, fail_alone, succeed], FEW),
        ([redelivered, fail_alone, succeed, settle_all], 4 * FEW),
        ([redelivered, succeed, *[settle_all] * 3, give_back, succeed], 64),
        ([settle_all], 500),
        ([too_large], 100),
        ([too_large, settle_few], 100),
        ([too_large, settle_all], 400),
        ([too_large, grow_old, rest], 100),
        ([too_large, give_back, succeed], 100),
        ([give_back, fail_alone, too_large, too_large], FEW - 2),
        ([succeed, give_back], 1),
    ],
)
def test_how_many_messages_are_taken(happenings: list[Callable[[Prefetch], Prefetch]], count: int) -> None:
    assert after(*happenings).count == count


def test_as_many_are_taken_as_can_be_settled_in_time() -> None:
    assert most_in_hand(500, 118) == 2145
    assert most_in_hand(500, 588) == 2500
    assert most_in_hand(500, 10) == 500
    assert most_in_hand(600, 588) == 3000
    assert most_in_hand(499, 118) == 499
    assert most_in_hand(1, 588) == 1
    assert most_in_hand(5000, 118) == 5000


@given(
    st.lists(
        st.sampled_from(
            [give_back, fail_alone, grow_old, succeed, rest, redelivered, settle_all, settle_few, too_large]
        ),
        max_size=12,
    ),
    st.integers(1, 3000),
)
def test_nobody_holds_more_than_whoever_begins_anew(
    happenings: list[Callable[[Prefetch], Prefetch]], full: int
) -> None:
    """Given a worker that takes over what another one held, it holds all of that, and so in its order."""
    assert after(*happenings, full=full).count <= starting_with(full).count


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
        ([succeed], MANY_DELIVERIES - 1, False),
        ([succeed], MANY_DELIVERIES, True),
        ([give_back], 99, False),
        ([give_back, succeed], 99, True),
        ([give_back, succeed], MANY_DELIVERIES - 1, False),
        ([redelivered, succeed], 99, False),
        ([redelivered, succeed, settle_all], TOO_MANY_DELIVERIES, True),
        ([redelivered, succeed, settle_all], TOO_MANY_DELIVERIES - 1, False),
        ([redelivered, succeed, settle_all, settle_all], MANY_DELIVERIES, True),
        ([succeed, give_back], 99, False),
        ([give_back, fail_alone], 99, False),
    ],
)
def test_a_message_that_came_back_ten_times_is_suspicious_where_many_are_in_hand(
    happenings: list[Callable[[Prefetch], Prefetch]], deliveries: int, *, suspicious: bool
) -> None:
    """Being careful already, or holding few, the account need not start over because of it."""
    assert MANY_DELIVERIES == 10
    assert after(*happenings).suspects(deliveries) is suspicious


# -- a worker that is killed again and again ----------------------------------------------------------------

DELIVERY_LIMIT = 100


class Queue:
    """A quorum queue, by how often each message was delivered in vain, and a worker killed by too many."""

    def __init__(self, messages: int, lethal: int) -> None:
        self.deliveries = [0] * messages
        self.lethal = lethal
        self.kills = 0
        self.worst = 0

    def gives_back(self, window: int) -> None:
        """Get back what was unsettled."""
        self.deliveries[:window] = [count + 1 for count in self.deliveries[:window]]
        self.worst = max(self.worst, *self.deliveries[:window])

    def until_killed(self, prefetch: Prefetch) -> None:
        """Let a worker consume, session after session, until it holds too many at once."""
        while taken := self.deliveries[: prefetch.count]:
            if any(map(prefetch.suspects, taken)):
                self.gives_back(len(taken))
                prefetch = prefetch.after_session(End.REDELIVERED, unsettled=True, held=False)
            elif len(taken) >= self.lethal:
                self.gives_back(len(taken))
                self.kills += 1
                return
            else:
                del self.deliveries[: len(taken)]
                grown = prefetch.after_success().after_settling_all(most_beside(max(taken)))
                if grown.count > prefetch.count and self.deliveries:
                    self.gives_back(prefetch.count)  # what came meanwhile
                prefetch = grown


@pytest.mark.parametrize("lethal", [2, 3, 5, 11, 30, 65, 100, 257, 400, 500, 1000, 2500])
def test_a_worker_that_too_many_messages_kill_settles_all_and_none_comes_back_too_often(lethal: int) -> None:
    """Given a limit of memory, then no good event is delivered in vain until RabbitMQ dead-letters it."""
    queue = Queue(7500, lethal)
    while queue.deliveries:
        queue.until_killed(starting_with(2500))
        assert queue.kills < 300
    assert queue.worst < 0.75 * DELIVERY_LIMIT
