"""A server that is there and does not answer: each call ends in time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import cast

import pytest
from sqlalchemy.engine import make_url
from structlog.testing import capture_logs

from tests.integration.ledger.harness import (
    ACCOUNT,
    ADA,
    BOB,
    NewLedger,
    all_calls,
    contents,
    entry,
    fill,
    load,
    one_of_all,
    record,
    refusal,
    works,
)
from tests.integration.ledger.silent_proxy import SilentProxy
from tests.integration.ledger.trouble_postgres.texts import check_text
from tests.unit.consumer.account_ledger.kept import FakeKitAccount, FakeShared
from worker.accounts.account import Account
from worker.consumer.account_ledger import AccountLedger
from worker.consumer.holds import Holds
from worker.consumer.shared import Shared
from worker.errors import LedgerUnavailable
from worker.kit.catalog import Catalog
from worker.ledger.history import find_history
from worker.ledger.store import Ledger
from worker.subscribers.known import Batch

SHORT = 3.0
"""Seconds for one transaction, where a test waits for its end; a busy machine connects in less."""


@pytest.fixture
async def proxy(postgresql_url: str) -> AsyncIterator[SilentProxy]:
    """A way to the server that can fall silent."""
    url = make_url(postgresql_url)
    async with SilentProxy(str(url.host), url.port or 5432) as proxy:
        yield proxy


@pytest.fixture
def far_ledger(proxy: SilentProxy, postgresql_url: str, open_ledger: NewLedger) -> Ledger:
    """A ledger behind the proxy."""
    url = make_url(postgresql_url).set(host="127.0.0.1", port=proxy.port)
    return open_ledger(url.render_as_string(hide_password=False))


@pytest.fixture
async def impatient(far_ledger: Ledger, open_ledger: NewLedger) -> Ledger:
    """The same, of a process that does not wait for long."""
    await far_ledger.ready()  # to make all the tables may take its time
    return open_ledger(far_ledger.database.url.render_as_string(hide_password=False), timeout=SHORT)


@pytest.mark.parametrize("call", ["ready", "take", "load", "save", "forget", "beat", "paused"])
async def test_a_server_that_falls_silent_is_given_up(
    impatient: Ledger, proxy: SilentProxy, call: str
) -> None:
    """Given a server that takes every byte and never answers, a call ends in time; with answers, it works."""
    tenure = await fill(impatient, one_of_all())
    await works(impatient)
    proxy.silent = True
    check_text(await refusal(all_calls(impatient, tenure)[call](), seconds=8), impatient)
    check_text(await refusal(impatient.ready(), seconds=8), impatient)  # connecting anew, too
    proxy.silent = False
    proxy.hang_up()
    await works(impatient)


@pytest.mark.parametrize("created", [0, 3])
async def test_a_commit_whose_answer_was_lost_counts_once(
    far_ledger: Ledger, proxy: SilentProxy, created: int
) -> None:
    """Given a save that the server made, and whose answer the network lost, its repetition adds nothing."""
    kit = FakeKitAccount()
    shared, catalog, holds = cast("Shared", FakeShared(far_ledger)), cast("Catalog", kit), cast("Holds", kit)
    account = AccountLedger(Account(ACCOUNT), shared, catalog, holds)
    kit.created = 1
    await account.save(Batch([record(ADA)], entries=[entry(ADA, "e1")]))
    with capture_logs() as logs:
        proxy.unheard = b"COMMIT"
        kit.created = created
        await account.save(Batch([record(ADA, "VIP")], entries=[entry(ADA, "e2")] * 2))
    kit.created = 1
    await account.save(Batch(entries=[entry(ADA, "e3")]))

    assert [line["event"] for line in logs] == ["ledger_unavailable", "ledger_back"]
    found = [line.event_id for line in await find_history(far_ledger.database, account=ACCOUNT)]
    assert found == ["e1", "e2", "e2", "e3"]
    taken = await far_ledger.take(ACCOUNT)
    assert taken.created_tags == 2 + created
    assert (await load(far_ledger, taken, ADA)).records[ADA].tags.keys() == {"vip"}


async def test_many_calls_to_a_silent_server_all_end(impatient: Ledger, proxy: SilentProxy) -> None:
    """Given 30 calls at once, more than there are connections, all end in time, and none stays behind."""
    tenure = await fill(impatient, one_of_all())
    proxy.silent = True
    started = time.monotonic()
    ends = await asyncio.gather(*(load(impatient, tenure, ADA) for _ in range(30)), return_exceptions=True)
    assert time.monotonic() - started < 15
    assert all(isinstance(end, LedgerUnavailable) for end in ends)
    proxy.silent = False
    proxy.hang_up()
    await works(impatient)
    await asyncio.gather(*(load(impatient, tenure, ADA) for _ in range(30)))


async def test_to_close_does_not_wait_for_a_silent_server(impatient: Ledger, proxy: SilentProxy) -> None:
    """Given a server that does not answer, a worker that stops is not held up by it."""
    await works(impatient)
    proxy.silent = True
    async with asyncio.timeout(8):
        await impatient.database.close()
    proxy.silent = False


async def test_a_row_that_somebody_holds_does_not_hold_us_for_ever(
    ledger: Ledger, postgresql_url: str, open_ledger: NewLedger
) -> None:
    """Given somebody who has locked the account's row, a save ends in time, and works once that is over."""
    tenure = await fill(ledger, one_of_all())
    other = open_ledger(postgresql_url)
    await other.ready()
    impatient = open_ledger(postgresql_url, timeout=SHORT)
    await impatient.database.version()
    before = await contents(ledger)
    async with other.database.write() as connection:
        await connection.exec_driver_sql("SELECT * FROM accounts FOR UPDATE")
        said = await refusal(impatient.save(tenure, Batch([record(BOB)])), seconds=8)
        assert said == f"the ledger {ledger.database.name} did not answer within {SHORT:.0f} s"
    assert await contents(ledger) == before
    await ledger.save(tenure, one_of_all())


async def test_accounts_that_begin_leave_connections_to_those_that_work(
    ledger: Ledger, postgresql_url: str, open_ledger: NewLedger
) -> None:
    """Given 100 accounts that begin while another worker is slow to look, the others read and write on."""
    tenure = await fill(ledger, one_of_all())
    other = open_ledger(postgresql_url)
    await other.ready()
    async with other.database.write() as connection:
        await connection.exec_driver_sql("SELECT * FROM accounts WHERE account = '' FOR UPDATE")
        beginning = [asyncio.create_task(ledger.ready()) for _ in range(100)]
        waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        async with asyncio.timeout(SHORT):
            while not (await connection.exec_driver_sql(waits)).scalar():
                await asyncio.sleep(0.05)
            await asyncio.gather(*(load(ledger, tenure, ADA) for _ in range(30)))
            await ledger.save(tenure, Batch([record(BOB)]))
        assert not any(each.done() for each in beginning)
    await asyncio.gather(*beginning)
