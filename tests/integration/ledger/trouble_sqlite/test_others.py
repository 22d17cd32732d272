"""Others who use the file: they are waited for, and named where they do not come to an end."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from tests.integration.ledger.harness import (
    ADA,
    NewLedger,
    entry,
    fill,
    load,
    one_of_all,
    record,
    refusal,
    works,
)
from worker.ledger import schema, sqlite
from worker.ledger.database import Database
from worker.ledger.store import Ledger
from worker.subscribers.known import Batch


async def test_somebody_who_holds_the_file_is_named(ledger: Ledger, path: Path) -> None:
    """Given another program that writes and does not come to an end, that is said; reading goes on."""
    tenure = await fill(ledger, one_of_all())
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        said = await refusal(ledger.save(tenure, one_of_all()), seconds=8)
        assert said == f"the ledger {path} cannot be used: database is locked"
        assert (await load(ledger, tenure, ADA)).records.keys() == {ADA}
    await works(ledger)


async def test_a_new_file_that_another_is_making_is_waited_for(ledger: Ledger, path: Path) -> None:
    """Given a new file that another program is just writing to, as when several start at once, it waits.

    SQLite itself refuses at once to turn a file into one with a write-ahead log while that is so.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        opening = asyncio.create_task(ledger.ready())
        done, _ = await asyncio.wait({opening}, timeout=0.5)
        assert not done
        other.execute("ROLLBACK")
        await opening
    await works(ledger)


async def test_a_wait_for_the_file_can_be_given_up(ledger: Ledger, path: Path, sqlite_url: str) -> None:
    """Given a save that waits for another program and is cancelled, it does not take the lock later on."""
    tenure = await fill(ledger, one_of_all())
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as other:
        other.execute("BEGIN IMMEDIATE")
        saving = asyncio.create_task(ledger.save(tenure, one_of_all()))
        await asyncio.wait([saving], timeout=0.3)
        saving.cancel()
        other.execute("COMMIT")
        await asyncio.gather(saving, return_exceptions=True)
        other.execute("BEGIN IMMEDIATE")
        other.execute("COMMIT")
    assert saving.cancelled()
    await works(ledger)
    assert Database(sqlite_url).exists


async def test_closing_waits_for_what_was_given_up(ledger: Ledger, path: Path) -> None:
    """Given a save that was cancelled while it is being given up, nothing of it goes on after closing."""
    before = set(threading.enumerate())
    tenure = await fill(ledger, one_of_all())
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as other:
        other.execute("BEGIN IMMEDIATE")
        saving = asyncio.create_task(ledger.save(tenure, one_of_all()))
        await asyncio.wait([saving], timeout=0.3)
        while not saving.done():
            saving.cancel()
            await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(0.3, other.execute, "COMMIT")
        await ledger.database.close()
        assert set(threading.enumerate()) <= before


async def test_erased_text_is_not_in_the_file(ledger: Ledger, path: Path) -> None:
    """Given rows that were deleted, after `purge` their text is in none of the ledger's files."""
    secret = "very-private@example.com"
    await fill(ledger, Batch([record(secret, "VIP")], entries=[entry(secret, detail="private detail")] * 50))
    assert secret.encode() in b"".join(file.read_bytes() for file in path.parent.iterdir())
    async with ledger.database.write() as connection:
        for table in (schema.history, schema.subscribers):
            await connection.execute(table.delete())
    await ledger.database.purge()
    left = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert secret.encode() not in left
    assert b"private detail" not in left


async def test_what_a_reader_keeps_in_the_log_is_told(
    sqlite_url: str, open_ledger: NewLedger, path: Path
) -> None:
    """Given somebody who goes on reading an older state, `purge` says that it could not, and then can."""
    ledger = open_ledger(sqlite_url, purge_within=1.0)
    secret = "very-private@example.com"
    await fill(ledger, Batch([record(secret, "VIP")]))
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM subscribers").fetchall()
        async with ledger.database.write() as connection:
            await connection.execute(schema.subscribers.delete())
        said = await refusal(ledger.database.purge(), seconds=5)
        assert said == f"the ledger {path} was being read all the while"
        assert secret.encode() in b"".join(file.read_bytes() for file in path.parent.iterdir())
    await ledger.database.purge()
    assert secret.encode() not in b"".join(file.read_bytes() for file in path.parent.iterdir())


async def test_a_reader_that_ends_is_waited_for(ledger: Ledger, path: Path) -> None:
    """Given somebody who reads, `purge` tries again until that is over; others can write meanwhile."""
    await fill(ledger, one_of_all())
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM subscribers").fetchall()
        await fill(ledger, one_of_all())
        purging = asyncio.create_task(ledger.database.purge())
        done, _ = await asyncio.wait({purging}, timeout=sqlite.LOG_TIMEOUT * 2.5)
        assert not done
        with closing(sqlite3.connect(path, check_same_thread=False)) as writer:
            await asyncio.to_thread(writer.execute, "UPDATE accounts SET holder = 'another'")
            writer.commit()
        reader.execute("COMMIT")
        await purging
    assert path.with_name(f"{path.name}-wal").stat().st_size == 0
