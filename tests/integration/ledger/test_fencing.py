"""Two who write for one account: the later one has it, and the earlier one writes nothing more."""

from __future__ import annotations

import asyncio
import sys

import pytest

from tests.integration.ledger.harness import (
    ACCOUNT,
    ADA,
    BOB,
    NewLedger,
    contents,
    entry,
    fill,
    load,
    one_of_all,
    record,
)
from worker.errors import EpochLost, LedgerUnavailable
from worker.ledger.history import find_history
from worker.ledger.store import Ledger
from worker.ledger.takeover import Tenure
from worker.subscribers.known import Batch, Person

WRITER = """
import asyncio, sys
from tests.integration.ledger.harness import ACCOUNT, ADA, entry
from worker.clock import Clock
from worker.ledger.database import Database
from worker.ledger.store import Batch, Ledger
from worker.ledger.takeover import Tenure

async def main(url, name, epoch, count):
    async with Ledger(Database(url), worker=name, clock=Clock()) as ledger:
        for number in range(int(count)):
            batch = Batch(entries=[entry(ADA, f"{name}-{number}")] * 10, created_tags=1)
            await ledger.save(Tenure(ACCOUNT, int(epoch), 0), batch)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_second_take_fences_the_first(new_ledger: NewLedger) -> None:
    """Given a worker whose account was taken, it neither reads nor writes, and the other one does both."""
    first, second = new_ledger("w-1"), new_ledger("w-2")
    old = await fill(first, one_of_all())
    new = await second.take(ACCOUNT)
    before = await contents(second)
    batch = Batch([record(ADA, "Late")], [Person("u-9", BOB)], [entry(ADA, "late")], [(ADA, BOB)], 5)

    with pytest.raises(EpochLost, match=rf"{ACCOUNT} was taken over"):
        await first.save(old, batch)
    with pytest.raises(EpochLost, match=rf"{ACCOUNT} was taken over"):
        await load(first, old, ADA)

    assert await contents(second) == before
    await second.save(new, batch)
    assert (await load(second, new, ADA)).records[ADA].tags.keys() == {"late"}


async def test_who_lost_an_account_can_take_it_again(new_ledger: NewLedger) -> None:
    """Given an account that comes back, its epoch is greater than both before, and the one between is out."""
    first, second = new_ledger("w-1"), new_ledger("w-2")
    epochs = [await each.take(ACCOUNT) for each in (first, second, first)]
    assert epochs[0].epoch < epochs[1].epoch < epochs[2].epoch
    await first.save(epochs[2], one_of_all())
    with pytest.raises(EpochLost):
        await second.save(epochs[1], one_of_all())


async def test_other_accounts_are_not_fenced(new_ledger: NewLedger) -> None:
    """Given another account that was taken, this one's worker goes on."""
    first, second = new_ledger("w-1"), new_ledger("w-2")
    tenure = await first.take(ACCOUNT)
    await second.take("rainy")
    await first.save(tenure, one_of_all())


async def test_an_account_that_the_ledger_does_not_know_is_lost(ledger: Ledger) -> None:
    """Given a tenure of a ledger that is no more, as after a restore, nothing is written by it."""
    with pytest.raises(EpochLost):
        await ledger.save(Tenure("unheard-of", 1, 0), one_of_all())
    assert (await contents(ledger))["subscribers"] == []


async def test_of_many_who_take_at_once_one_has_it(new_ledger: NewLedger) -> None:
    """Given ten takes at once, each has an epoch of its own, and only the greatest may write."""
    ledgers = [new_ledger(f"w-{number}") for number in range(10)]
    tenures = await asyncio.gather(*(each.take(ACCOUNT) for each in ledgers))
    assert len({tenure.epoch for tenure in tenures}) == 10

    saves = (each.save(tenure, one_of_all()) for each, tenure in zip(ledgers, tenures, strict=True))
    ends = await asyncio.gather(*saves, return_exceptions=True)

    written = [tenure.epoch for tenure, end in zip(tenures, ends, strict=True) if end is None]
    assert written == [max(tenure.epoch for tenure in tenures)]
    assert all(isinstance(end, EpochLost) for end in ends if end is not None)
    assert len(await find_history(ledgers[0].database, account=ACCOUNT)) == 1


async def test_a_take_waits_for_a_save_that_is_under_way(new_ledger: NewLedger) -> None:
    """Given a save that has checked its epoch, nobody gets the account before that save is whole."""
    first, second = new_ledger("w-1"), new_ledger("w-2")
    tenure = await first.take(ACCOUNT)
    await second.ready()
    async with first.database.write() as connection:
        await first._check_epoch(connection, tenure, lock=True)
        taking = asyncio.create_task(second.take(ACCOUNT))
        done, _ = await asyncio.wait([taking], timeout=0.3)
        assert not done
    assert (await taking).epoch == tenure.epoch + 1


async def test_a_batch_is_written_whole_or_not_at_all(ledger: Ledger) -> None:
    """Given a batch whose last row the database refuses, nothing of it is there, and the next is written."""
    tenure = await fill(ledger, one_of_all())
    before = await contents(ledger)
    refused = entry(ADA, "late", outcome=None)
    batch = Batch([record(ADA, "Late")], [Person("u-9", BOB)], [refused], [(ADA, BOB)], created_tags=5)

    with pytest.raises(LedgerUnavailable):
        await ledger.save(tenure, batch)

    assert await contents(ledger) == before
    await ledger.save(tenure, Batch([record(ADA, "Next")]))
    assert (await load(ledger, tenure, ADA)).records[ADA].tags.keys() == {"next"}


async def test_a_save_that_is_cancelled_leaves_nothing_locked(new_ledger: NewLedger) -> None:
    """Given saves that are cancelled at any moment, each is whole or absent, and others can write at once."""
    first, second = new_ledger("w-1"), new_ledger("w-2")
    await second.ready()
    tenure = await first.take(ACCOUNT)
    for number in range(100):
        lines = [entry(ADA, f"{number}")] * 10
        saving = asyncio.create_task(first.save(tenure, Batch([record(ADA)], entries=lines)))
        await asyncio.wait([saving], timeout=number % 50 * 0.0003)
        saving.cancel()
        await asyncio.gather(saving, return_exceptions=True)
        async with asyncio.timeout(3):  # less than SQLite's own patience with a lock
            await second.ready()
    await first.save(tenure, Batch(entries=[entry(ADA, "last")]))
    written = await find_history(second.database, account=ACCOUNT, limit=2_000)
    found = [line.event_id for line in written]
    assert found[-1] == "last"
    assert all(found.count(str(number)) in {0, 10} for number in range(100))


async def test_saves_at_once_follow_each_other(new_ledger: NewLedger) -> None:
    """Given two ways to one ledger and 60 saves at once, none fails and none is lost."""
    ledgers = [new_ledger("w-1"), new_ledger("w-2")]
    tenure = await ledgers[0].take(ACCOUNT)
    async with asyncio.timeout(30):
        await asyncio.gather(
            *(
                ledgers[number % 2].save(tenure, Batch(entries=[entry(ADA, f"e{number}")], created_tags=1))
                for number in range(60)
            )
        )
    assert (await ledgers[0].take(ACCOUNT)).created_tags == 60
    assert len(await find_history(ledgers[1].database, account=ACCOUNT)) == 60


async def test_processes_that_save_at_once_follow_each_other(ledger_url: str, ledger: Ledger) -> None:
    """Given three processes with 40 saves each, none fails and none is lost."""
    tenure = await ledger.take(ACCOUNT)
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITER, ledger_url, f"w-{number}", str(tenure.epoch), "40",
            stderr=asyncio.subprocess.PIPE,
        )
        for number in range(3)
    ]  # fmt: skip
    async with asyncio.timeout(60):
        ends = await asyncio.gather(*(process.communicate() for process in processes))
    assert [process.returncode for process in processes] == [0, 0, 0], [errors for _, errors in ends]
    assert (await ledger.take(ACCOUNT)).created_tags == 120
    assert len(await find_history(ledger.database, account=ACCOUNT, limit=2000)) == 1200
