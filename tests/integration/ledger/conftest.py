"""The ledger on both databases: a SQLite file, and a real PostgreSQL, each empty at the start of a test."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
import pytest
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.clocks import StandingClock
from tests.integration.ledger.harness import NOON, NewLedger
from worker.ledger.database import Database
from worker.ledger.ledger_time import LedgerTime
from worker.ledger.store import Ledger

PostgresControl: TypeAlias = Callable[[str], None]


class StandingTime(LedgerTime):
    """The time of a test, in place of PostgreSQL's own."""

    async def now(self, _connection: AsyncConnection) -> float:
        """Return it."""
        return self._clock.time()


@pytest.fixture(scope="session")
def postgres_url(services: None) -> URL:  # noqa: ARG001  they may set it
    """The PostgreSQL; without one a test fails, it is never skipped."""
    url = os.environ.get("POSTGRES_URL")
    if not url:
        pytest.fail(
            "POSTGRES_URL is not set, and this test needs a PostgreSQL: use 'make test', or "
            "'scripts/with-postgres .venv/bin/pytest tests/integration/ledger'.",
            pytrace=False,
        )
    return make_url(url)


@asynccontextmanager
async def new_database(server: URL) -> AsyncIterator[str]:
    """Hold a database of one's own on a server."""
    name = f"ledger_{secrets.token_hex(6)}"
    await on_server(server, f"CREATE DATABASE {name}")
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        await on_server(server, f"DROP DATABASE {name} WITH (FORCE)")


async def on_server(server: URL, statement: str) -> None:
    """Have a server do something that is not a transaction's."""
    url = server.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(url, timeout=10)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A file that is not there yet, in a folder that is not either."""
    return f"sqlite+aiosqlite:///{tmp_path / 'data' / 'ledger.db'}"


@pytest.fixture
async def postgresql_url(postgres_url: URL) -> AsyncIterator[str]:
    """An empty database in PostgreSQL."""
    async with new_database(postgres_url) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest) -> str:
    """Each of both, empty."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def clock() -> StandingClock:
    """What time it is for all ledgers of a test."""
    return StandingClock(NOON.timestamp())


@pytest.fixture
async def open_ledger(clock: StandingClock) -> AsyncIterator[NewLedger]:
    """Call it with an address and a worker's name for a ledger, which is closed after the test."""
    opened: list[Ledger] = []

    def new(url: str, worker: str = "w-1", **options: Any) -> Ledger:  # noqa: ANN401  # as `Database` has them
        time = StandingTime(clock)
        opened.append(Ledger(Database(url, **options), worker=worker, clock=clock, time=time))
        return opened[-1]

    yield new
    for ledger in opened:
        await ledger.database.close()


@pytest.fixture
def new_ledger(ledger_url: str, open_ledger: NewLedger) -> NewLedger:
    """Call it, perhaps with a worker's name, for one more way to the same ledger, as another process has."""
    return lambda worker="w-1", **options: open_ledger(ledger_url, worker, **options)


@pytest.fixture
def ledger(new_ledger: NewLedger) -> Ledger:
    """A ledger, with nothing in it."""
    return new_ledger()


@pytest.fixture
def postgres_ctl(postgres_url: URL) -> Iterator[PostgresControl]:  # noqa: ARG001  without it, fail
    """Call it with `stop`, `kill` or `start`; the server runs again after the test.

    A server that was given by POSTGRES_URL is somebody's: nobody stops it for a test. Such a test is skipped
    there, with this reason, but never in CI.
    """
    program = os.environ.get("POSTGRES_CTL")
    if not program:
        reason = "POSTGRES_URL names a server that is not the tests' own to stop; unset it."
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)

    def control(command: str) -> None:
        subprocess.run([program, command], check=True, timeout=60)  # noqa: S603  # our own script

    yield control
    control("start")


@pytest.fixture
async def small_disk(tmp_path: Path) -> AsyncIterator[Path]:
    """A disk of 1 MiB. That takes root, and so fails without."""
    disk = tmp_path / "disk"
    disk.mkdir()
    await mount("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk))
    yield disk
    await mount("umount", "--lazy", str(disk))


async def mount(*words: str) -> None:
    """Run mount or umount."""
    done = await asyncio.to_thread(subprocess.run, words, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr.strip()} (this test is to be run as root)"
