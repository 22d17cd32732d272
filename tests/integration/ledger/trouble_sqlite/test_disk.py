"""A disk that is full or cannot be written, and files that others can read."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.testing import capture_logs

from tests.integration.ledger.conftest import mount
from tests.integration.ledger.harness import (
    ACCOUNT,
    NewLedger,
    contents,
    fill,
    one_of_all,
    record,
    refusal,
    works,
)
from worker.ledger.store import Ledger
from worker.subscribers.known import Batch


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
    await ledger.database.transact(only_look, writes=False)
    assert "readonly database" in await refusal(ledger.save(tenure, one_of_all()))
    await works(ledger)
    async with ledger.database.read() as connection:
        await only_look(connection)
    assert "readonly database" in await refusal(ledger.take(ACCOUNT))
    await works(ledger)


async def only_look(connection: AsyncConnection) -> None:
    """Let a connection, which is used again, not write any more."""
    await connection.execute(text("PRAGMA query_only=ON"))


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
