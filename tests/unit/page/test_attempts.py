"""Wrong tokens are counted, and after some of them nobody looks at more."""

from __future__ import annotations

from worker.page.attempts import ADDRESSES, MOST, WITHIN, Attempts


def test_after_ten_wrong_tokens_one_has_to_wait_until_the_first_is_a_minute_old() -> None:
    attempts = Attempts()
    for second in range(MOST):
        assert attempts.wait("a", second) == 0.0
        attempts.note("a", second)
    assert attempts.wait("a", MOST) == WITHIN - MOST
    assert attempts.wait("a", WITHIN - 0.5) == 0.5
    assert attempts.wait("a", WITHIN) == 0.0


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
    assert len(attempts._wrong) == ADDRESSES
