"""What can happen to a server: each fault is named, nothing hangs, and the ledger works again afterwards."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from sqlalchemy.engine import URL, make_url
from structlog.testing import capture_logs

from tests.integration.ledger.conftest import PostgresControl, on_server
from tests.integration.ledger.harness import (
    ACCOUNT,
    ADA,
    BOB,
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
from tests.integration.ledger.silent_proxy import SilentProxy
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
def ledger(postgresql_url: str, open_ledger: NewLedger) -> Ledger:
    """A ledger in PostgreSQL."""
    return open_ledger(postgresql_url)


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


def check_text(said: str, ledger: Ledger) -> None:
    """Fail unless a text names the ledger, says more than that, and is no secret's end."""
    password = ledger.database.url.password
    assert password
    assert password not in said
    assert re.fullmatch(
        rf"the ledger {re.escape(ledger.database.name)} "
        r"(cannot be used: .{10,200}|did not answer within \d+ s)",
        said,
    )


# -- the server goes away ----------------------------------------------------------------------------------


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


# -- the server is there, and does not answer --------------------------------------------------------------


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


# -- the server refuses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "value", "said"),
    [
        ("password", "wrong-secret", "password authentication failed"),
        ("database", "no_such_database", "does not exist"),
        ("username", "nobody_known", "nobody_known"),
        ("port", 1, "the connection is refused: nobody listens there"),
        ("host", "no-such-host.invalid", ""),
    ],
)
async def test_an_address_that_is_wrong_is_named(
    postgresql_url: str, open_ledger: NewLedger, part: str, value: str | int, said: str
) -> None:
    """Given an address that leads nowhere, the text says what is wrong with it, and not the password."""
    changed: dict[str, Any] = {part: value}
    url = make_url(postgresql_url).set(**changed)
    ledger = open_ledger(url.render_as_string(hide_password=False))
    for call in (ledger.ready(), ledger.database.version()):
        text = await refusal(call)
        check_text(text, ledger)
        assert said in text


async def test_a_database_that_is_read_only_is_named(ledger: Ledger, postgres_url: URL) -> None:
    """Given a server that takes no writes, as a stand-by, writing says so and reading goes on."""
    tenure = await fill(ledger, one_of_all())
    name = ledger.database.url.database
    await on_server(postgres_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await ledger.database.close()
    for call in (ledger.ready(), ledger.take(ACCOUNT), ledger.save(tenure, one_of_all())):
        said = await refusal(call)
        check_text(said, ledger)
        assert "read-only transaction" in said
    await on_server(postgres_url, f"ALTER DATABASE {name} RESET default_transaction_read_only")
    await works(ledger)  # in sessions that begin now, for those from before stay as they were
    assert (await load(ledger, tenure, ADA)).records.keys() == {ADA}


async def test_a_database_that_was_read_only_from_the_start_is_written_later(
    ledger: Ledger, postgresql_url: str, postgres_url: URL, open_ledger: NewLedger
) -> None:
    """Given a worker that found it read-only, with several sessions, it goes on by itself once it is not."""
    tenure = await fill(ledger, one_of_all())
    name = ledger.database.url.database
    await on_server(postgres_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    late = open_ledger(postgresql_url)
    assert "read-only transaction" in await refusal(late.ready())
    await asyncio.gather(*(load(late, tenure, ADA) for _ in range(5)))
    await on_server(postgres_url, f"ALTER DATABASE {name} RESET default_transaction_read_only")
    assert "read-only transaction" in await refusal(late.ready())  # once, in a session from before
    await asyncio.gather(*(late.ready() for _ in range(5)))


async def test_a_table_that_somebody_dropped_is_missed(ledger: Ledger) -> None:
    """Given one table that is gone, that is said with its name, and an error's text carries nobody's data."""
    tenure = await fill(ledger, one_of_all())
    await execute(ledger, "DROP TABLE subscribers")
    said = await refusal(ledger.save(tenure, one_of_all()))
    assert 'has lost tables (relation "subscribers" does not exist); put it back from a backup' in said
    assert ADA not in said
