"""A file that is gone, cannot be made or is damaged: each fault is named, and it works again afterwards."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.integration.ledger.harness import (
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
from worker.ledger.history import find_history
from worker.ledger.store import Ledger
from worker.subscribers.known import Batch

GARBAGE = b"this is somebody's diary, and no database at all\n" * 200
MIDDLE = slice(4096, None)
"""All but the first page, which holds the schema's root and is read when the file is opened."""


@contextmanager
def away(path: Path) -> Iterator[None]:
    """Take the ledger's files from where they are, and put them back."""
    found = list(path.parent.glob(f"{path.name}*"))
    for file in found:
        file.rename(file.with_name(f"away-{file.name}"))
    yield
    for file in found:
        file.with_name(f"away-{file.name}").rename(file)


# -- the file is not there --------------------------------------------------------------------------------


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


# -- the file cannot be made ------------------------------------------------------------------------------


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


# -- the file is damaged ----------------------------------------------------------------------------------


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
