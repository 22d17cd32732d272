"""Faults of the ledger, for rows and the soak."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import asyncpg
from yarl import URL

from tests.chaos.faults import fault, preparation
from tests.chaos.harness import Arena

SMALL_DISK: Final = "128m"
CONTROL: Final = Path(__file__).parents[2] / "scripts" / "postgres-ctl"


def ledger_file(arena: Arena) -> Path:
    """Where a row's SQLite ledger is."""
    url = arena.world.environ.get("LEDGER_URL", "")
    return Path(URL(url).path) if url else arena.folder / "data" / "ledger.db"


def on_sqlite(arena: Arena) -> bool:
    """Whether this row's ledger is a file."""
    return not arena.world.environ.get("LEDGER_URL", "").startswith("postgresql")


@preparation
async def own_disk(arena: Arena) -> AsyncIterator[None]:
    """Keep the SQLite ledger on a small disk of its own. That takes root, and so fails without."""
    if not on_sqlite(arena):
        yield
        return
    disk = arena.folder / "small-disk"
    disk.mkdir()
    await _command("mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "tmpfs", str(disk))
    arena.world.environ["LEDGER_URL"] = f"sqlite+aiosqlite:///{disk / 'ledger.db'}"
    try:
        yield
    finally:
        await _command("umount", "--lazy", str(disk))


async def _command(*words: str) -> None:
    done = await asyncio.to_thread(subprocess.run, words, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr.strip()} (chaos is to be run as root)"


@fault("ledger-disk-full", group="ledger")
async def disk_full(arena: Arena) -> AsyncIterator[None]:
    """Let something else fill the ledger's disk."""
    filler = ledger_file(arena).parent / "filler"
    try:
        if on_sqlite(arena):
            with filler.open("wb", buffering=0) as file:
                _fill(file.fileno())
        yield
    finally:
        filler.unlink(missing_ok=True)


def _fill(descriptor: int) -> None:
    for size in (1 << 16, 1 << 12, 1):
        try:
            while os.write(descriptor, bytes(size)):
                pass
        except OSError:
            continue


@fault("ledger-moved-away", group="ledger")
async def moved_away(arena: Arena) -> AsyncIterator[None]:
    """Take the ledger's files from where they are, and put them back."""
    file = ledger_file(arena)
    names = [file.name, f"{file.name}-wal", f"{file.name}-shm"] if on_sqlite(arena) else []
    try:
        for name in names:
            file.with_name(name).rename(file.with_name(f"away-{name}"))
        yield
    finally:
        for name in names:
            file.with_name(f"away-{name}").rename(file.with_name(name))


@fault("ledger-locked", group="ledger", seconds=12)
async def locked(arena: Arena) -> AsyncIterator[None]:
    """Let another program write to the ledger and not come to an end."""
    if not on_sqlite(arena):
        yield
        return
    other = sqlite3.connect(ledger_file(arena), timeout=5, isolation_level=None, check_same_thread=False)
    try:
        await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
        yield
    finally:
        other.close()


# -- PostgreSQL -------------------------------------------------------------------------------------------


def postgres_url() -> str:
    """Return the private PostgreSQL's address, as asyncpg takes it."""
    url = os.environ.get("POSTGRES_URL")
    assert url, "run it within scripts/with-postgres, which starts a private PostgreSQL"
    return str(URL(url).with_scheme("postgresql"))


@preparation
async def on_postgres(arena: Arena) -> AsyncIterator[None]:
    """Keep the ledger in a database of its own in the private PostgreSQL."""
    name = f"row_{arena.main.name}".replace("-", "_")
    server = await asyncpg.connect(postgres_url())
    try:
        await server.execute(f"CREATE DATABASE {name}")
    finally:
        await server.close()
    url = URL(postgres_url()).with_scheme("postgresql+asyncpg").with_path(f"/{name}")
    arena.world.environ["LEDGER_URL"] = str(url)
    try:
        yield
    finally:
        await control("start")


async def control(command: str) -> None:
    """Stop, start or kill the private PostgreSQL."""
    await _command(sys.executable, str(CONTROL), command)


@asynccontextmanager
async def postgres_down(how: str) -> AsyncIterator[None]:
    """Stop or kill the private PostgreSQL, and start it again in the end."""
    await control(how)
    try:
        yield
    finally:
        await control("start")


async def take_no_writes(arena: Arena, *, on: bool) -> None:
    """Have sessions of the row's PostgreSQL database that begin from now on refuse writes, or take them."""
    server = await asyncpg.connect(postgres_url())
    database = URL(arena.world.environ["LEDGER_URL"]).path[1:]
    await server.execute(
        f"ALTER DATABASE {database} SET default_transaction_read_only = {'on' if on else 'off'}"
    )
    await server.close()


@asynccontextmanager
async def postgres_read_only() -> AsyncIterator[None]:
    """Let PostgreSQL refuse all writes, as a stand-by does."""
    server = await asyncpg.connect(postgres_url())
    try:
        await server.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        await server.execute("SELECT pg_reload_conf()")
        yield
    finally:
        await server.execute("SET default_transaction_read_only = off")
        await server.execute("ALTER SYSTEM RESET default_transaction_read_only")
        await server.execute("SELECT pg_reload_conf()")
        await server.close()
