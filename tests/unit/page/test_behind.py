"""What goes on behind the views is done once at a time, and whoever waits hears why it did not end well."""

from __future__ import annotations

import asyncio

import pytest

from tests.clocks import StandingClock
from worker.errors import LedgerUnavailable
from worker.page.applying import CRASHED
from worker.page.behind import SLICE, Behind, Counted, in_slices


@pytest.fixture
def behind() -> Behind:
    return Behind(asyncio.create_task)


async def test_what_goes_on_is_not_begun_twice_and_is_gone_once_it_has_ended(behind: Behind) -> None:
    begun, goes_on = 0, asyncio.Event()

    async def work(counted: Counted) -> None:
        nonlocal begun
        begun += 1
        counted(5)
        await goes_on.wait()

    first = await behind.do("sunny", "undo", work, within=0.01)
    assert await behind.do("sunny", "undo", work, within=0.01) is first
    assert (begun, first.seen, first.ended.is_set()) == (1, 5, False)
    assert behind.going("sunny", "undo") is first
    assert behind.going("rainy", "undo") is None
    goes_on.set()
    await first.ended.wait()
    assert behind.going("sunny", "undo") is None


@pytest.mark.parametrize(
    ("error", "why"),
    [(LedgerUnavailable("it is away"), "Not all was done: it is away."), (OSError(), CRASHED)],
)
async def test_what_does_not_end_well_says_why_and_is_done_once_more(
    behind: Behind, error: Exception, why: str
) -> None:
    async def fails(_: Counted) -> None:
        raise error

    async def works(_: Counted) -> None: ...

    going = await behind.do("sunny", "undo", fails)
    assert going.problem.startswith(why)
    assert behind.going("sunny", "undo") is going
    await behind.do("sunny", "undo", works)
    assert behind.going("sunny", "undo") is None


async def test_many_small_steps_give_way_only_now_and_then() -> None:
    """Given whoever waits for the end, which counts as a view that is being made, steps go on."""
    clock, gave_way = StandingClock(), 0

    async def give_way() -> None:
        nonlocal gave_way
        gave_way += 1

    goes_on = in_slices(give_way, clock)
    for _ in range(1000):
        await goes_on()
    assert gave_way == 0
    for _ in range(2):
        clock.wait(2 * SLICE)
        await goes_on()
        await goes_on()
    assert gave_way == 2
