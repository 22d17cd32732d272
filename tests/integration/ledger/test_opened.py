"""How a command opens the ledger: the workers' own, and where there is none, it makes none."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import inspect
from sqlalchemy.ext.asyncio import create_async_engine

from tests.integration.ledger.harness import NewLedger, fill, one_of_all
from worker.commands.common import opened_ledger
from worker.commands.exits import UsageError
from worker.ledger.history import find_history
from worker.settings import Settings


async def tables_of(url: str) -> list[str]:
    """Return the names of the tables in a database."""
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    finally:
        await engine.dispose()


def an_empty_file(url: str) -> Path | None:
    """Make an empty file where a SQLite address says; return it."""
    if not url.startswith("sqlite"):
        return None
    path = Path(url.partition(":///")[2])
    path.parent.mkdir()
    path.touch()
    return path


async def test_an_empty_database_is_no_ledger(ledger_url: str) -> None:
    """Given a database without a table, a command says that it is the wrong place, and leaves it so."""
    path = an_empty_file(ledger_url)
    with pytest.raises(UsageError, match=r"^there is no ledger at .*: set LEDGER_URL as the workers have it"):
        async with opened_ledger(Settings(ledger_url=ledger_url)):
            pytest.fail("it was opened")
    if path is not None:
        assert (path.read_bytes(), [each.name for each in path.parent.iterdir()]) == (b"", [path.name])
    assert await tables_of(ledger_url) == []


async def test_somebody_elses_database_is_no_ledger(sqlite_url: str) -> None:
    """Given a file that another program keeps, it is not even turned into one with a write-ahead log."""
    path = an_empty_file(sqlite_url)
    assert path is not None
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE theirs (id INTEGER)")
        other.commit()
    before = path.read_bytes()
    with pytest.raises(UsageError, match="there is no ledger at"):
        async with opened_ledger(Settings(ledger_url=sqlite_url)):
            pytest.fail("it was opened")
    assert path.read_bytes() == before


async def test_a_ledger_is_opened(new_ledger: NewLedger, ledger_url: str) -> None:
    """Given a ledger that a worker has made, a command finds in it what that worker wrote."""
    await fill(new_ledger(), one_of_all())
    async with opened_ledger(Settings(ledger_url=ledger_url)) as ledger:
        assert len(await find_history(ledger.database)) == 1
