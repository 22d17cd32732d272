"""Workers whose clocks differ: what they tell each other through the ledger is told by its clock."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable

import pytest

from tests.clocks import StandingClock
from tests.integration.ledger.harness import ACCOUNT, NewLedger, one_of_all
from worker.clock import Clock
from worker.events.delivery import NEVER
from worker.ledger.database import Database
from worker.ledger.registry import LIVE_FOR, Registry
from worker.ledger.store import Ledger

OFF = [95.0, -95.0, 86400.0, -86400.0]


@pytest.fixture
async def of_host(postgresql_url: str) -> AsyncIterator[Callable[[float], Ledger]]:
    """Call it for the ledger of a host whose clock is off by so many seconds."""
    opened: list[Ledger] = []

    def new(off: float) -> Ledger:
        clock = StandingClock(time.time() + off)
        opened.append(Ledger(Database(postgresql_url), worker=f"off by {off}", clock=clock))
        return opened[-1]

    yield new
    for each in opened:
        await each.database.close()


@pytest.mark.parametrize("off", OFF)
async def test_a_worker_that_works_is_not_taken_for_gone(
    of_host: Callable[[float], Ledger], off: float
) -> None:
    """Given clocks that differ by more than a silence may last, each counts the other, and shows it live."""
    assert abs(off) > LIVE_FOR
    right, wrong = Registry(of_host(0.0), "right"), Registry(of_host(off), "wrong")
    for each in (right, wrong):
        await each.consumes(ACCOUNT)
        await each.beat({})
    assert [await each.consumes(ACCOUNT) for each in (right, wrong)] == [1, 1]
    for each in (right, wrong):
        overview = await each.overview()
        assert [view.live for view in overview.workers] == [True, True]
        assert all(0 <= overview.now - view.seen_at < 30 for view in overview.workers)


@pytest.mark.parametrize("off", OFF)
async def test_a_hand_over_between_them_is_one_of_this_moment(
    of_host: Callable[[float], Ledger], off: float
) -> None:
    """Given a worker that leaves, its word counts for the next one, whose epoch is greater all the same."""
    first, second = of_host(off), of_host(0.0)
    tenure = await first.take(ACCOUNT)
    await Registry(second, "second").epochs()
    await first.release(tenure)
    taken = await second.take(ACCOUNT)
    assert not taken.in_doubt
    assert taken.epoch > tenure.epoch
    assert abs(taken.epoch / 1000 - time.time()) < 30


async def now_of(url: str) -> float:
    """Return what time it is for a ledger whose worker has a clock of its own."""
    ledger = Ledger(Database(url), worker="w-1", clock=StandingClock())
    async with ledger, ledger.database.read() as connection:
        return await ledger.time.now(connection)


async def test_the_time_of_a_file_is_that_of_its_host(sqlite_url: str) -> None:
    assert await now_of(sqlite_url) == StandingClock().time()


async def test_the_time_of_a_server_is_its_own(postgresql_url: str) -> None:
    assert abs(await now_of(postgresql_url) - Clock().time()) < 30


async def test_what_comes_later_is_not_earlier_by_another_hosts_clock(
    new_ledger: NewLedger, clock: StandingClock
) -> None:
    """Given a host two minutes ahead that wrote last, the next ones begin where it ended, also twice."""
    ledger = new_ledger()
    tenure = await ledger.take(ACCOUNT)
    clock.wait(120)
    await ledger.save(tenure, one_of_all())
    written = clock.now()
    clock.wait(-120)
    for _ in range(2):
        tenure = await ledger.take(ACCOUNT)
        assert tenure.not_before == written
        await ledger.save(tenure, one_of_all())


async def test_a_clock_that_was_off_by_a_day_once_is_not_followed(
    new_ledger: NewLedger, clock: StandingClock
) -> None:
    ledger = new_ledger()
    clock.wait(86400)
    await ledger.save(await ledger.take(ACCOUNT), one_of_all())
    clock.wait(-86400)
    tenure = await ledger.take(ACCOUNT)
    assert tenure.not_before == NEVER
    await ledger.save(tenure, one_of_all())
    assert (await ledger.take(ACCOUNT)).not_before == clock.now()


async def test_a_servers_clock_tells_that_ours_is_wrong(of_host: Callable[[float], Ledger]) -> None:
    """Given a host that is ten minutes behind PostgreSQL's, each sign of life tells it so."""
    for off, wrong in ((0.0, False), (-600.0, True), (600.0, True), (95.0, False)):
        ledger = of_host(off)
        await Registry(ledger, "w-1").beat({})
        assert bool(ledger.clock.problem) is wrong
