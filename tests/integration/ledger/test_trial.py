"""`check` tries what the worker will do to its ledger, and leaves nothing behind."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import URL

from tests.clocks import StandingClock
from tests.integration.ledger.conftest import new_database, on_server
from tests.integration.ledger.harness import NewLedger, contents
from worker.clock import Clock
from worker.errors import LedgerUnavailable
from worker.ledger.database import Database
from worker.ops.check_broker import check_ledger
from worker.settings import Settings


async def test_a_schema_in_which_no_tables_may_be_made_is_said(postgres_url: URL) -> None:
    """Given PostgreSQL 15 and a user without CREATE, as its public schema has it, check says so."""
    user = f"user_{secrets.token_hex(4)}"
    async with new_database(postgres_url) as url:
        name = url.rpartition("/")[2]
        await on_server(postgres_url, f"CREATE ROLE {user} LOGIN PASSWORD 'secret'")
        try:
            limited = postgres_url.set(database=name, username=user, password="secret")
            settings = Settings(ledger_url=SecretStr(limited.render_as_string(hide_password=False)))
            refused = await check_ledger(settings, Clock())
            await on_server(postgres_url.set(database=name), f"GRANT CREATE ON SCHEMA public TO {user}")
            granted = await check_ledger(settings, Clock())
        finally:
            await on_server(postgres_url.set(database=name), f"DROP OWNED BY {user}")
            await on_server(postgres_url, f"DROP ROLE {user}")
    assert "permission denied for schema public" in refused.problem
    assert (granted.problem, granted.exists) == ("", False)  # nothing was made to find that out


async def test_a_file_that_cannot_be_made_is_said_and_no_folder_is(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    url = f"sqlite+aiosqlite:///{tmp_path}/file/ledger.db"

    report = await check_ledger(Settings(ledger_url=SecretStr(url)), Clock())
    elsewhere = Settings(ledger_url=SecretStr(f"sqlite+aiosqlite:///{tmp_path}/new/ledger.db"))
    new = await check_ledger(elsewhere, Clock())

    assert f"cannot be made: {tmp_path}/file is no folder" in report.problem
    assert (new.problem, new.exists) == ("", False)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


async def test_a_ledger_that_is_in_order_is_as_it_was(new_ledger: NewLedger) -> None:
    """Given a ledger in use, on both databases, trying it changes no row of it."""
    ledger = new_ledger()
    await ledger.take("sunny")
    before = await contents(ledger)

    await ledger.database.try_writing(Clock())

    assert await contents(ledger) == before


async def test_a_table_that_may_not_be_written_is_said(postgres_url: URL) -> None:
    """Given a user who may read all tables, and write all but one, the one is named."""
    user = f"user_{secrets.token_hex(4)}"
    async with new_database(postgres_url) as url:
        server = postgres_url.set(database=url.rpartition("/")[2])
        database = Database(url)
        async with database.write():
            pass
        await database.close()
        await on_server(postgres_url, f"CREATE ROLE {user} LOGIN PASSWORD 'secret'")
        try:
            for grant in (
                "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO",
                "USAGE ON ALL SEQUENCES IN SCHEMA public TO",
            ):
                await on_server(server, f"GRANT {grant} {user}")
            limited = Database(
                server.set(username=user, password="secret").render_as_string(hide_password=False)
            )
            await limited.try_writing(Clock())
            await on_server(server, f"REVOKE DELETE ON history FROM {user}")
            with pytest.raises(LedgerUnavailable, match="permission denied for table history"):
                await limited.try_writing(Clock())
        finally:
            await on_server(server, f"DROP OWNED BY {user}")
            await on_server(postgres_url, f"DROP ROLE {user}")


async def test_the_clock_is_compared_with_postgresqls_and_no_ledger_is_made(postgresql_url: str) -> None:
    """Given a machine of another year, that is known without a table."""
    clock = StandingClock(1_500_000_000)

    report = await check_ledger(Settings(ledger_url=SecretStr(postgresql_url)), clock)

    assert (report.problem, report.exists) == ("", False)
    assert "min behind that of the ledger: set it" in clock.problem


async def test_a_file_has_no_clock_of_its_own(sqlite_url: str) -> None:
    clock = StandingClock(1_500_000_000)

    await check_ledger(Settings(ledger_url=SecretStr(sqlite_url)), clock)

    assert (clock.problem, clock.agreeing) == ("", [])
