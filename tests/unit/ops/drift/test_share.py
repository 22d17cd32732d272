"""A fifth of Kit's budget at most, and nothing while an event waits."""

from __future__ import annotations

import asyncio

import pytest

from tests.clocks import StandingClock
from worker.errors import CallsSuspended
from worker.ops.drift.share import BudgetShare


def test_a_fifth_of_the_calls_of_a_minute_is_let_through() -> None:
    clock = StandingClock()
    share = BudgetShare(120, lambda: True, clock)
    for _ in range(24):
        share.check()
    with pytest.raises(CallsSuspended, match="a fifth"):
        share.check()
    clock.wait(61)
    share.check()
    assert share.calls == 25


def test_nothing_is_let_through_while_an_event_waits() -> None:
    quiet = False
    share = BudgetShare(120, lambda: quiet, StandingClock())
    with pytest.raises(CallsSuspended, match="events come first"):
        share.check()
    quiet = True
    share.check()
    assert share.calls == 1


async def test_a_question_waits_until_it_can_be_asked() -> None:
    """Given an event that comes just before the call, the question is asked once more after it."""
    looks = iter([True, False, False, True, True])
    share = BudgetShare(120, lambda: next(looks, True), StandingClock())

    async def question() -> str:
        share.check()
        return "answer"

    async with asyncio.timeout(10):
        assert await share.ask(question) == "answer"
    assert share.calls == 1
