"""What can happen to a file: each fault is named, nothing hangs, and the ledger works again afterwards."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.integration.ledger.conftest import mount
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
from worker.errors import EpochLost
from worker.ledger import schema, sqlite
from worker.ledger.database import Database
from worker.ledger.history import find_history
from worker.ledger.store import Ledger
from worker.subscribers.known import Batch

GARBAGE = b"this is somebody's diary, and no database at all\n" * 200
MIDDLE = slice(4096, None)
"""All but the first page, which holds the schema's root and is read when the file is opened."""


@pytest.fixture
def path(sqlite_url: str) -> Path:
    """Where the file is, or would be."""
    return Path(sqlite_url.partition(":///")[2])


@pytest.fixture
def ledger(sqlite_url: str, open_ledger: NewLedger) -> Ledger:
    """A ledger in that file."""
    return open_ledger(sqlite_url)


@contextmanager
def away(path: Path) -> Iterator[None]:
    """Take the ledger's files from where they are, and put them back."""
    found = list(path.parent.glob(f"{path.name}*"))
    for file in found:
        file.rename(file.with_name(f"away-{file.name}"))
    yield
    for file in found:
        file.with_name(f"away-{file.name}").rename(file)


# -- the file is not there ---------------------------------------------------------------------------------


async def test_a_file_that_was_deleted_is_missed(ledger: Ledger, path: Path) -> None:
    """Given a file that is gone while in use, every call says so, none makes a new one; it may come back."""
    tenure = await fill(ledger, one_of_all())
    with away(path):
        for call in all_calls(ledger, tenure).values():
            said = await refusal(call())
            assert said.startswith(f"the ledger {path} was deleted while in use; put it back from a backup")
        assert not path.exists()
        assert await ledger.database.version() == 0  # to look makes none either
    await works(ledger)
    assert (await load(ledger, tenure, ADA)).records.keys() == {ADA}


async def test_a_folder_that_was_deleted_is_missed(ledger: Ledger, path: Path) -> None:
    """Given a folder that is gone with all that was in it, that is said, and no empty one takes its place."""
    tenure = await fill(ledger, one_of_all())
    path.parent.rename(path.parent.with_name("elsewhere"))
    assert "was deleted while in use" in await refusal(ledger.save(tenure, one_of_all()))
    assert not path.parent.exists()
    path.parent.with_name("elsewhere").rename(path.parent)
    await works(ledger)


async def test_another_ledger_in_its_place_is_used(
    ledger: Ledger, path: Path, open_ledger: NewLedger
) -> None:
    """Given a file replaced by an empty ledger, that one is used, loudly, and what was held is lost."""
    tenure = await fill(ledger, one_of_all())
    for file in path.parent.iterdir():
        file.unlink()
    await open_ledger(f"sqlite+aiosqlite:///{path}").ready()

    with capture_logs() as logs:
        with pytest.raises(EpochLost):
            await ledger.save(tenure, one_of_all())
        await works(ledger)

    assert [(line["event"], line["ledger"]) for line in logs] == [("ledger_replaced", str(path))]
    assert (await contents(ledger))["people"] == []


@pytest.mark.parametrize("way", ["replaced", "deleted and put back"])
async def test_a_backup_in_its_place_is_used(ledger: Ledger, path: Path, way: str) -> None:
    """Given a backup where the file was, that is what is known, and nothing of the old file gets into it."""
    await fill(ledger, one_of_all())
    backup = path.with_name("ledger.copy")
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(backup)) as copy:
        source.backup(copy)
    later = [record(f"p{number}@example.com", "Later") for number in range(300)]
    await fill(ledger, Batch(later, entries=[entry(BOB, "later")] * 300))
    await ledger.database.purge()
    tenure = await fill(ledger, Batch(entries=[entry(BOB, "last")] * 3))

    if way != "replaced":
        path.unlink()
        await refusal(ledger.ready())
    backup.replace(path)

    with pytest.raises(EpochLost):
        await load(ledger, tenure, ADA)
    tenure = await fill(ledger, Batch([record(BOB, "New")]))
    await ledger.database.purge()
    await works(ledger)
    assert (await load(ledger, tenure, ADA, BOB, "p7@example.com")).records.keys() == {ADA, BOB}
    assert [line.event_id for line in await find_history(ledger.database)] == ["e1"]


async def test_many_who_notice_a_new_file_at_once_all_use_it(
    ledger: Ledger, path: Path, open_ledger: NewLedger
) -> None:
    """Given many calls at once after the file was replaced, all of them go to the new one."""
    await ledger.ready()
    for file in path.parent.iterdir():
        file.unlink()
    other = open_ledger(f"sqlite+aiosqlite:///{path}")
    await other.ready()
    await asyncio.gather(*(ledger.take(f"account-{number}") for number in range(20)))
    assert len([row for row in (await contents(other))["accounts"] if row[0]]) == 20


# -- the file cannot be made -------------------------------------------------------------------------------


async def test_a_path_below_a_file_is_named(ledger: Ledger, path: Path) -> None:
    """Given a path that goes through a file, that is said with the path; once the way is free, it works."""
    path.parent.write_text("not a folder", encoding="utf-8")
    said = await refusal(ledger.ready())
    assert said.startswith(f"the ledger {path} cannot be used: ")
    assert "Not a directory" in said or "File exists" in said
    assert await ledger.database.version() == 0
    path.parent.unlink()
    await works(ledger)


async def test_a_folder_in_its_place_is_named(ledger: Ledger, path: Path) -> None:
    """Given a folder where the file should be, that is said; once it is gone, it works."""
    path.mkdir(parents=True)
    assert await refusal(ledger.ready()) == f"the ledger {path} cannot be used: unable to open database file"
    path.rmdir()
    await works(ledger)


async def test_a_file_that_is_no_database_is_left_alone(ledger: Ledger, path: Path) -> None:
    """Given a file of something else, that is said and the file stays as it is; without it, it works."""
    path.parent.mkdir()
    path.write_bytes(GARBAGE)
    assert await refusal(ledger.ready()) == f"the ledger {path} cannot be used: file is not a database"
    await refusal(ledger.database.version())
    assert path.read_bytes() == GARBAGE
    path.unlink()
    await works(ledger)


async def test_somebody_elses_database_is_left_alone(ledger: Ledger, path: Path) -> None:
    """Given a database of another program that has a table of ours, that is said, and nothing is added."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE meta (id INTEGER)")
        connection.commit()
        await refusal(ledger.ready())
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("meta",)]


# -- the file is damaged -----------------------------------------------------------------------------------


async def test_a_database_that_is_damaged_in_the_middle_is_named(ledger: Ledger, path: Path) -> None:
    """Given pages that were overwritten, whatever needs them says so; a good copy in its place works."""
    tenure = await fill(ledger, Batch([record(f"p{number}@example.com", "VIP") for number in range(200)]))
    await ledger.database.purge()
    await ledger.database.close()
    good = path.with_name("good")
    shutil.copy(path, good)
    content = bytearray(path.read_bytes())
    content[MIDDLE] = b"\xff" * len(content[MIDDLE])
    path.write_bytes(content)

    for _ in range(2):
        said = await refusal(load(ledger, tenure, "p7@example.com"))
        assert said == f"the ledger {path} cannot be used: database disk image is malformed"
        await refusal(ledger.save(tenure, one_of_all()))

    good.replace(path)
    await works(ledger)
    assert (await load(ledger, tenure, "p7@example.com")).records.keys() == {"p7@example.com"}


async def test_a_file_that_was_cut_is_named(ledger: Ledger, path: Path) -> None:
    """Given a file of which the end is missing, whatever needs it says so."""
    tenure = await fill(ledger, Batch([record(f"p{number}@example.com", "VIP") for number in range(200)]))
    await ledger.database.purge()
    await ledger.database.close()
    os.truncate(path, 3 * 4096)
    assert "malformed" in await refusal(
        load(ledger, tenure, *(f"p{number}@example.com" for number in range(200)))
    )


# -- the disk ----------------------------------------------------------------------------------------------


async def test_a_full_disk_is_named(small_disk: Path, open_ledger: NewLedger) -> None:
    """Given a disk without room, writing says so and reading goes on; with room again, so does writing."""
    ledger = open_ledger(f"sqlite+aiosqlite:///{small_disk / 'ledger.db'}")
    tenure = await fill(ledger, one_of_all())
    before = await contents(ledger)
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(512))

    big = Batch([record(f"p{number}@example.com", "VIP") for number in range(100)])
    for call in (ledger.ready(), ledger.save(tenure, big), ledger.take(ACCOUNT)):
        assert await refusal(call) == (
            f"the ledger {small_disk / 'ledger.db'} cannot be used: database or disk is full"
        )
    assert await contents(ledger) == before

    filler.unlink()
    await works(ledger)
    await ledger.save(tenure, big)


async def test_a_disk_that_is_full_from_the_start_is_named(small_disk: Path, open_ledger: NewLedger) -> None:
    """Given no room to make a ledger, that is said; with room, it is made."""
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(512))
    ledger = open_ledger(f"sqlite+aiosqlite:///{small_disk / 'ledger.db'}")
    assert "disk is full" in await refusal(ledger.ready())
    filler.unlink()
    await works(ledger)


async def test_a_file_that_was_opened_to_be_read_only_is_opened_anew(ledger: Ledger) -> None:
    """Given a connection that cannot write, as one made while the file was read-only, it is left."""
    tenure = await fill(ledger, one_of_all())
    async with ledger.database.read() as connection:
        await connection.exec_driver_sql("PRAGMA query_only=ON")
    assert "readonly database" in await refusal(ledger.save(tenure, one_of_all()))
    await works(ledger)


async def test_what_is_made_is_its_users_alone(ledger: Ledger, path: Path) -> None:
    """Given nothing yet, the folder, the file and what lies beside it can be read by nobody else."""
    with capture_logs() as logs:
        await fill(ledger, one_of_all())
    modes = {file.name: file.stat().st_mode & 0o777 for file in [path.parent, *path.parent.iterdir()]}
    beside = ("ledger.db", "ledger.db-wal", "ledger.db-shm")
    assert modes == {"data": 0o700, **dict.fromkeys(beside, 0o600)}
    assert [line["event"] for line in logs] == ["ledger_created"]


async def test_a_file_that_others_can_read_is_said_once(
    ledger: Ledger, path: Path, open_ledger: NewLedger, sqlite_url: str
) -> None:
    """Given a ledger from before, which everybody can read, whoever opens it says what keeps others out."""
    await fill(ledger, one_of_all())
    path.chmod(0o644)
    with capture_logs() as logs:
        opened = open_ledger(sqlite_url)
        for _ in range(3):
            await opened.ready()
    assert logs == [
        {
            "event": "ledger_open_to_others", "log_level": "warning", "ledger": str(path),
            "remedy": f"chmod go-rwx {path}*",
        }
    ]  # fmt: skip


async def test_a_disk_that_cannot_be_written_is_named(small_disk: Path, open_ledger: NewLedger) -> None:
    """Given a disk that is read-only, writing says so; once it can be written, it works."""
    url = f"sqlite+aiosqlite:///{small_disk / 'ledger.db'}"
    ledger = open_ledger(url)
    await works(ledger)
    await ledger.database.close()
    await mount("mount", "-o", "remount,ro", str(small_disk))
    said = await refusal(ledger.ready())
    named, _, why = said.partition(" cannot be used: ")
    assert named == f"the ledger {small_disk / 'ledger.db'}"
    assert why in {"unable to open database file", "attempt to write a readonly database"}  # by its version
    await mount("mount", "-o", "remount,rw", str(small_disk))
    await works(ledger)


# -- others who use it -------------------------------------------------------------------------------------


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
