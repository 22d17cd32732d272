"""Wrong tokens are counted, and after some of them nobody looks at more."""

from __future__ import annotations

import pytest

from worker.page.attempts import ADDRESSES, LONGEST, MOST, TURN, WITHIN, Attempts


def test_after_ten_wrong_tokens_those_that_follow_take_turns_until_the_first_is_a_minute_old() -> None:
    attempts = Attempts()
    for second in range(MOST):
        assert attempts.wait("a", second) == 0.0
        attempts.note("a", second)
    waits = [attempts.wait("a", MOST) for _ in range(4)]
    assert waits == pytest.approx([0.0, TURN, 2 * TURN, 3 * TURN])
    assert attempts.wait("a", MOST + 5 * TURN) == 0.0
    assert [attempts.wait("a", WITHIN) for _ in range(4)] == [0.0] * 4


def test_who_sends_thousands_has_few_of_them_looked_at() -> None:
    """Given guesses without end, five a second are looked at, and whoever waits does so for three seconds."""
    attempts, looked_at, longest = Attempts(), 0, 0.0
    for number in range(10_000):
        wait = attempts.wait("a", number / 100)
        if wait is not None:
            looked_at, longest = looked_at + 1, max(longest, wait)
            attempts.note("a", number / 100 + wait)
    assert looked_at <= MOST + (100 + LONGEST) / TURN
    assert longest <= LONGEST + TURN


def test_somebody_else_at_the_same_address_is_not_kept_out() -> None:
    """Given one who sends a wrong token each second, from behind the same proxy, others come in at once."""
    attempts = Attempts()
    for second in range(600):
        assert attempts.wait("proxy", second) == 0.0
        attempts.note("proxy", second)
        assert attempts.wait("proxy", second + 0.5) == 0.0


def test_others_need_not_wait() -> None:
    attempts = Attempts()
    for _ in range(MOST):
        attempts.note("a", 0.0)
    assert attempts.wait("b", 0.0) == 0.0


def test_of_many_addresses_the_first_is_forgotten() -> None:
    attempts = Attempts()
    for _ in range(MOST):
        attempts.note("first", 0.0)
    for number in range(ADDRESSES):
        attempts.note(str(number), 0.0)
    assert attempts.wait("first", 0.0) == 0.0
    assert len(attempts._senders) == ADDRESSES
