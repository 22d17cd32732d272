"""What a SQLite file is asked in one turn: who shares a commit, and whom a failure takes along."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, select
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.errors import LedgerUnavailable
from worker.ledger.database import Database
from worker.ledger.file_threads import Work
from worker.ledger.rows import upsert
from worker.ledger.schema import accounts


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite+aiosqlite:///{folder}/ledger.db")
    try:
        await database.transact(writing("first"), writes=True)
        yield database
    finally:
        await database.close()


def writing(account: str, text: str = "", *, fails: bool = False) -> Work[str]:
    """Work that writes an account's row, and then fails or returns the account."""

    async def write(connection: AsyncConnection) -> str:
        await upsert(connection, accounts, [{"account": account, "holder": text}])
        if fails:
            raise ZeroDivisionError
        return account

    return write


async def written(database: Database) -> set[str]:
    async def read(connection: AsyncConnection) -> set[str]:
        return set((await connection.execute(select(accounts.c.account))).scalars())

    return await database.transact(read, writes=False)


def commits(database: Database) -> list[Connection]:
    """Return a list in which each commit will be noted."""
    noted: list[Connection] = []
    threads = database._file_threads
    assert threads is not None
    event.listen(threads._engine, "commit", noted.append)
    return noted


async def test_what_waits_while_one_transaction_is_under_way_is_committed_together(tmp_path: Path) -> None:
    names = [f"account-{number}" for number in range(50)]
    async with opened(tmp_path) as database:
        noted = commits(database)
        ended = await asyncio.gather(*(database.transact(writing(name), writes=True) for name in names))
        assert ended == names
        assert len(noted) <= 2
        assert await written(database) == {"first", *names}


async def test_who_fails_takes_nobody_along_and_leaves_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        works = [writing("one"), writing("bad", fails=True), writing("two")]
        ended = await asyncio.gather(
            *(database.transact(work, writes=True) for work in works), return_exceptions=True
        )
        assert [str(end) if isinstance(end, str) else type(end) for end in ended] == [
            "one", ZeroDivisionError, "two",
        ]  # fmt: skip
        assert await written(database) == {"first", "one", "two"}


async def test_by_itself_who_fails_leaves_nothing_either(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        with pytest.raises(ZeroDivisionError):
            await database.transact(writing("bad", fails=True), writes=True)
        assert await written(database) == {"first"}
        assert await database.transact(writing("one"), writes=True) == "one"


async def test_whoever_is_told_that_it_is_written_finds_it_written_when_the_disk_is_full(
    tmp_path: Path,
) -> None:
    """Given a full disk in the middle of what is written together, then nobody hears more than is so."""
    async with opened(tmp_path) as database:
        threads = database._file_threads
        assert threads is not None
        with threads._engine.connect() as connection:
            (pages,) = connection.exec_driver_sql("PRAGMA page_count").one()

        def full(raw: object, _record: object) -> None:
            raw.execute(f"PRAGMA max_page_count={pages + 3}")  # type: ignore[attr-defined]

        threads._engine.dispose()
        event.listen(threads._engine, "connect", full)
        works = [writing("small"), writing("large", "x" * 200_000), writing("last")]
        ended = await asyncio.gather(
            *(database.transact(work, writes=True) for work in works), return_exceptions=True
        )
        assert isinstance(ended[1], LedgerUnavailable)
        told = {end for end in ended if isinstance(end, str)}
        assert await written(database) == {"first", *told}


async def test_each_of_those_who_write_together_hears_why_it_cannot_be(tmp_path: Path) -> None:
    """Given a file that cannot be written, and a connection that is left for it, all hear the reason."""
    async with opened(tmp_path) as database:
        threads = database._file_threads
        assert threads is not None
        threads._engine.dispose()

        def only_look(raw: object, _record: object) -> None:
            raw.execute("PRAGMA query_only=ON")  # type: ignore[attr-defined]

        event.listen(threads._engine, "connect", only_look)
        ended = await asyncio.gather(
            *(database.transact(writing(name), writes=True) for name in ("one", "two", "three")),
            return_exceptions=True,
        )
        assert [type(end) for end in ended] == [LedgerUnavailable] * 3
        assert all("readonly database" in str(end) for end in ended), ended


async def test_who_gives_up_while_it_waits_is_not_written(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        assert database._writing is not None
        async with database._writing:
            waiting = asyncio.create_task(database.transact(writing("late"), writes=True))
            other = asyncio.create_task(database.transact(writing("other"), writes=True))
            threads = database._file_threads
            while threads is None or len(threads._waiting) < 2:
                await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
        assert await other == "other"
        assert await written(database) == {"first", "other"}


async def test_work_waits_for_nothing_but_the_ledger(tmp_path: Path) -> None:
    async def dawdle(_connection: AsyncConnection) -> None:
        await asyncio.sleep(0)

    async with opened(tmp_path) as database:
        with pytest.raises(AssertionError, match="something else"):
            await database.transact(dawdle, writes=False)
