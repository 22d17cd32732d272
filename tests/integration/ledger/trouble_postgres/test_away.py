"""A server that goes away: each fault is named, nothing is torn, and the ledger works again afterwards."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from tests.integration.ledger.conftest import PostgresControl
from tests.integration.ledger.harness import (
    ACCOUNT,
    ADA,
    SECONDS,
    NewLedger,
    all_calls,
    contents,
    entry,
    execute,
    fill,
    load,
    one_of_all,
    record,
    refusal,
    works,
)
from tests.integration.ledger.trouble_postgres.texts import check_text
from worker.errors import LedgerUnavailable
from worker.ledger import postgres
from worker.ledger.history import find_history
from worker.ledger.schema import accounts
from worker.ledger.store import Ledger
from worker.subscribers.known import Batch

STANDS_STILL = 1.0
"""Seconds that a statement of a worker that stands still may take."""


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_a_server_that_is_away_is_named(
    ledger: Ledger, postgres_ctl: PostgresControl, how: str
) -> None:
    """Given a server that was stopped or killed, every call says so at once, and works when it is back."""
    tenure = await fill(ledger, one_of_all())
    await asyncio.to_thread(postgres_ctl, how)
    for name, call in all_calls(ledger, tenure).items():
        if name != "purge":  # there is nothing to do, and so nothing to fail
            check_text(await refusal(call(), seconds=5), ledger)
    await asyncio.to_thread(postgres_ctl, "start")
    await works(ledger)
    await ledger.save(tenure, one_of_all())
    assert (await load(ledger, tenure, ADA)).records.keys() == {ADA}


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_a_restart_between_two_calls_costs_one(
    ledger: Ledger, postgres_ctl: PostgresControl, how: str
) -> None:
    """Given a server restarted while nobody called, one call may fail for all that were connected."""
    tenure = await fill(ledger, one_of_all())
    await asyncio.gather(*(load(ledger, tenure, ADA) for _ in range(8)))  # so many connections
    await asyncio.to_thread(postgres_ctl, how)
    await asyncio.to_thread(postgres_ctl, "start")
    try:
        await ledger.ready()
    except LedgerUnavailable as error:
        check_text(str(error), ledger)
    await works(ledger)
    await asyncio.gather(*(load(ledger, tenure, ADA) for _ in range(8)))


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_a_transaction_that_was_cut_left_nothing(
    ledger: Ledger, postgres_ctl: PostgresControl, how: str
) -> None:
    """Given a server that goes in the middle of a transaction, nothing of it is there afterwards."""
    tenure = await fill(ledger, one_of_all())
    before = await contents(ledger)

    async def cut() -> None:
        async with ledger.database.write() as connection:
            await connection.exec_driver_sql("DELETE FROM subscribers")
            await asyncio.to_thread(postgres_ctl, how)

    check_text(await refusal(cut()), ledger)
    await asyncio.to_thread(postgres_ctl, "start")
    assert await contents(ledger) == before
    await ledger.save(tenure, one_of_all())


async def test_what_was_said_to_be_saved_is_there(
    postgresql_url: str, open_ledger: NewLedger, postgres_ctl: PostgresControl
) -> None:
    """Given a server that is killed amid many saves, each that returned is there, and each is whole."""
    ledgers = [open_ledger(postgresql_url) for _ in range(4)]
    tenures = [await each.take(f"account-{number}") for number, each in enumerate(ledgers)]
    saved: list[str] = []

    async def write(number: int) -> None:
        for count in range(10_000):
            batch = Batch([record(ADA)], entries=[entry(ADA, f"{number}-{count}")] * 5)
            await ledgers[number].save(tenures[number], batch)
            saved.append(f"{number}-{count}")

    writing = [asyncio.create_task(write(number)) for number in range(4)]
    async with asyncio.timeout(20):
        while len(saved) < 100:
            await asyncio.sleep(0.01)
    await asyncio.to_thread(postgres_ctl, "kill")
    ends = await asyncio.gather(*writing, return_exceptions=True)
    assert all(isinstance(end, LedgerUnavailable) for end in ends), ends

    await asyncio.to_thread(postgres_ctl, "start")
    found = [line.event_id for line in await find_history(ledgers[0].database, limit=100_000)]
    assert set(saved) <= set(found)
    assert {found.count(name) for name in set(found)} == {5}
    assert len(set(found) - set(saved)) <= 4  # confirmed by nobody, and there all the same


async def test_a_connection_that_was_ended_is_replaced(ledger: Ledger) -> None:
    """Given an operator who ends all our connections, one call may fail, and the next ones work."""
    tenure = await fill(ledger, one_of_all())
    await asyncio.gather(*(load(ledger, tenure, ADA) for _ in range(5)))
    ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    check_text(await refusal(execute(ledger, ending)), ledger)
    for _ in range(3):
        await works(ledger)


async def test_a_worker_that_stands_still_in_a_transaction_keeps_nobody_from_its_account(
    ledger: Ledger,
) -> None:
    """Given a row that somebody holds who says nothing more, as after SIGSTOP, the next one has it."""
    tenure = await fill(ledger, one_of_all())
    url = ledger.database.url
    engine = await postgres.connected(url, STANDS_STILL, ledger.database.name)
    async with engine.connect() as still:
        held = select(accounts.c.epoch).where(accounts.c.account == ACCOUNT).with_for_update()
        assert (await still.execute(held)).scalar_one() == tenure.epoch

        async with asyncio.timeout(STANDS_STILL * postgres.STANDS_STILL_FOR + SECONDS):
            taken = await ledger.take(ACCOUNT)

        assert taken.epoch == tenure.epoch + 1
        with pytest.raises(DBAPIError, match="connection is closed"):
            await still.execute(held)
        await still.invalidate()
    await engine.dispose()
