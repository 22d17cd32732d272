"""How long Kit is left alone, as tables; the holds of a session at work are in `dispatch/test_holds.py`."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.consumer.fake_kit import unavailable
from tests.unit.consumer.world import World
from tests.unit.virtual_time import now, run
from worker.consumer.holds import NO_HOLD, SEEN_FOR, Hold
from worker.errors import CallsSuspended
from worker.retry import MAX_DELAY

NEVER = float("-inf")


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


def test_no_call_is_made_during_a_hold_or_where_the_account_may_be_another_workers() -> None:
    async def main() -> None:
        world = World()
        world.holds.check()
        world.holds.failed(unavailable())
        with pytest.raises(CallsSuspended, match="on hold"):
            world.holds.check()
        await asyncio.sleep(MAX_DELAY)
        world.holds.check()
        world.consumer.is_ours = False
        with pytest.raises(CallsSuspended, match="another worker's"):
            world.holds.check()

    run(main())


def test_no_call_is_made_where_the_ledger_has_not_said_lately_whose_the_account_is() -> None:
    """Given a tenure, what counts is when the ledger was asked that said so last, not when it answered."""

    async def main() -> None:
        world, began = World(), now()
        await asyncio.sleep(1000)
        world.holds.tenure_seen(began)  # it is not taken yet, and questions are allowed
        world.holds.check()
        world.holds.tenure_began(asked := now(), in_doubt=False)
        await asyncio.sleep(SEEN_FOR - 0.1)
        world.holds.check()
        await asyncio.sleep(0.1)
        with pytest.raises(CallsSuspended, match="the ledger has not said lately"):
            world.holds.check()
        world.holds.tenure_seen(asked + 1.0)
        world.holds.tenure_seen(asked + 0.5)  # answers come in any order
        world.holds.check()
        await asyncio.sleep(1.0)
        assert world.holds.must_ask

    run(main())


def test_no_call_is_made_while_this_machines_clock_is_wrong() -> None:
    async def main() -> None:
        world = World()
        world.holds.check()
        world.clock.heard("Kit", world.clock.time() + 600, within=1.0)
        with pytest.raises(CallsSuspended, match="clock is wrong"):
            world.holds.check()

    run(main())
