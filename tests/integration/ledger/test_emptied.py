"""A ledger that was emptied, or put back from a copy, in place: under workers that go on running."""

from __future__ import annotations

import pytest
from sqlalchemy import inspect

from tests.clocks import StandingClock
from tests.integration.ledger.harness import (
    ACCOUNT,
    ADA,
    BOB,
    NewLedger,
    all_calls,
    contents,
    execute,
    fill,
    load,
    one_of_all,
    record,
    refusal,
    works,
)
from worker.errors import EpochLost, LedgerUnavailable
from worker.ledger.forgetting import forget
from worker.ledger.journal import Action, Journal
from worker.ledger.schema import tables
from worker.ledger.store import Ledger
from worker.subscribers.known import Batch

EMPTYING = [str(table.delete()) for table in tables.sorted_tables if table.name != "meta"]


async def drop_all(ledger: Ledger) -> None:
    """Drop all tables behind everybody's back."""
    for table in tables.sorted_tables:
        await execute(ledger, f"DROP TABLE {table.name}")


async def tables_of(ledger: Ledger) -> list[str]:
    """Return the names of the tables that are there."""
    async with ledger.database.read() as connection:
        return await connection.run_sync(lambda sync: inspect(sync).get_table_names())


async def first_that_works(ledger: Ledger) -> None:
    """Ask until the driver has noticed that the tables are others now: that may cost one call."""
    try:
        await ledger.ready()
    except LedgerUnavailable:
        await ledger.ready()


async def test_tables_that_were_dropped_are_told_with_a_remedy(ledger: Ledger) -> None:
    """Given tables that are gone while in use, every call says what to do, and none makes new ones."""
    tenure = await fill(ledger, one_of_all())
    await drop_all(ledger)
    for name, call in all_calls(ledger, tenure).items():
        if name == "purge":  # it asks no table
            continue
        said = await refusal(call())
        assert said.startswith(f"the ledger {ledger.database.name} has lost tables (")
        assert said.endswith(
            "); put it back from a backup, or, with none of its tables left, restart the workers to begin "
            "with an empty one, which knows nothing of the events applied so far"
        )
        assert ADA not in said
    assert await tables_of(ledger) == []


async def test_a_column_that_an_older_ledger_lacks_is_told_with_a_remedy(ledger: Ledger) -> None:
    """Given the dump of an older ledger, put in its place in use, it is said how that is migrated."""
    await fill(ledger, one_of_all())
    await execute(ledger, "ALTER TABLE journal DROP COLUMN result")
    journal = Journal(ledger)
    for call in (journal.append(Action("sunny", "operator", "stop")), journal.latest("sunny", "run-1")):
        said = await refusal(call)
        assert said.startswith(f"the ledger {ledger.database.name} lacks what this version keeps in it (")
        assert "restart this program, which migrates it" in said


async def test_one_worker_that_is_restarted_ends_it_for_all(new_ledger: NewLedger) -> None:
    """Given tables that were dropped, a worker that starts makes them, and those that run begin anew."""
    running = new_ledger("w-1")
    tenure = await fill(running, one_of_all())
    await drop_all(running)
    await refusal(running.save(tenure, one_of_all()))

    started = new_ledger("w-2")
    await started.ready()

    await first_that_works(running)
    with pytest.raises(EpochLost):
        await running.save(tenure, one_of_all())
    await works(running)
    anew = await running.take(ACCOUNT)
    assert (await load(running, anew, ADA)).records == {}
    assert running.mark("email", ADA) == started.mark("email", ADA)


async def test_who_takes_an_account_of_another_ledger_has_its_key(new_ledger: NewLedger) -> None:
    """Given a ledger with other contents in its place, whoever was forgotten in it is known as such."""
    running = new_ledger("w-1")
    await fill(running, one_of_all())
    old = running.mark("email", BOB)
    for statement in EMPTYING:
        await execute(running, statement)
    await execute(running, "UPDATE meta SET value = :value WHERE key = 'secret'", value="ab" * 32)
    command = new_ledger("kit-worker")
    await forget(command, BOB, [ACCOUNT])

    tenure = await running.take(ACCOUNT)

    known = await load(running, tenure, BOB)
    assert running.mark("email", BOB) == command.mark("email", BOB) != old
    assert known.forgotten.keys() == {("email", BOB)}


async def test_a_ledger_that_lost_its_key_gets_one(new_ledger: NewLedger) -> None:
    """Given a ledger that was emptied to the last row, the first to take makes a key, and all have it."""
    one, two = new_ledger("w-1"), new_ledger("w-2")
    for each in (one, two):
        await fill(each, one_of_all())
    for statement in (*EMPTYING, "DELETE FROM meta"):
        await execute(one, statement)
    for each in (one, two):
        await each.take(ACCOUNT)
    assert one.mark("email", ADA) == two.mark("email", ADA)
    assert [key for key, _ in (await contents(one))["meta"]].count("secret") == 1


async def test_a_tenure_of_before_is_none_of_the_emptied_ledger(
    new_ledger: NewLedger, clock: StandingClock
) -> None:
    """Given a ledger that was emptied, another worker's first tenure in it is not mistaken for an old one."""
    running, other = new_ledger("w-1"), new_ledger("w-2")
    tenure = await fill(running, one_of_all())
    for statement in EMPTYING:
        await execute(running, statement)
    clock.wait(1)

    theirs = await fill(other, Batch([record(BOB, "Theirs")]))

    with pytest.raises(EpochLost):
        await running.save(tenure, one_of_all())
    with pytest.raises(EpochLost):
        await load(running, tenure, ADA)
    assert theirs.epoch > tenure.epoch  # which is how a worker that only waits hears of it
    assert not theirs.in_doubt


async def test_a_tenure_of_after_the_copy_is_none_of_the_ledger_put_back(
    new_ledger: NewLedger, clock: StandingClock
) -> None:
    """Given a ledger put back from a copy, the next tenure in it is not one that began after the copy."""
    running, other = new_ledger("w-1"), new_ledger("w-2")
    copied = await running.take(ACCOUNT)
    clock.wait(60)
    tenure = await fill(running, one_of_all())
    await execute(running, "UPDATE accounts SET epoch = :epoch WHERE account = 'sunny'", epoch=copied.epoch)
    clock.wait(1)

    theirs = await other.take(ACCOUNT)

    with pytest.raises(EpochLost):
        await running.save(tenure, one_of_all())
    assert theirs.epoch > tenure.epoch > copied.epoch
    assert theirs.in_doubt  # somebody was at work, and said nothing
