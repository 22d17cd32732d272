"""The way to the ledger's database: SQLite in a file, or PostgreSQL. Every failure becomes one error."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import asyncpg
import structlog
from sqlalchemy import Connection, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from worker.errors import LedgerUnavailable
from worker.ledger import sqlite
from worker.ledger.address import check_ledger_url
from worker.ledger.migrations import (
    MIGRATIONS,
    DamagedLedgerError,
    NewerLedgerError,
    Step,
    ledger_version,
    migrate,
    newest,
)
from worker.ledger.schema import meta

log = structlog.get_logger()

TIMEOUT: Final = 10.0
PURGE_WITHIN: Final = 10.0
FAILURES: Final = (SQLAlchemyError, sqlite3.Error, asyncpg.PostgresError, asyncpg.InterfaceError, OSError)


_LOST_TABLES: Final = (
    "put it back from a backup, or, with none of its tables left, restart the workers to begin with an empty "
    "one, which knows nothing of the events applied so far"
)


class Database:
    """The ledger's database. It is opened, and migrated, by the first use, and again after a failure.

    Args:
        url: As `check_ledger_url` allows it.
        timeout: Seconds for one transaction, connecting included, but not a migration.
        purge_within: Seconds for which `purge` tries.
        migrations: The steps to the newest version.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = TIMEOUT,
        purge_within: float = PURGE_WITHIN,
        migrations: Sequence[Step] = MIGRATIONS,
    ) -> None:
        check_ledger_url(url)
        self._timeout = timeout
        self._purge_within = purge_within
        self._migrations = migrations
        self.url = make_url(url)
        self.secret = b""
        self._engine: AsyncEngine | None = None
        self._file = Path(self.url.database or "") if self.is_sqlite else None
        self._inode: tuple[int, int] | None = None
        self._wal_inode: tuple[int, int] | None = None
        self._opening = asyncio.Lock()
        # SQLite takes one writer at a time, and those who wait for it poll.
        self._writing: asyncio.Lock | None = asyncio.Lock() if self.is_sqlite else None

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file on this host, which no other host's workers share."""
        return self.url.drivername.startswith("sqlite")

    @property
    def exists(self) -> bool:
        """Whether there is a file; for PostgreSQL, only the server can tell."""
        return self._file is None or self._identity() is not None

    @property
    def name(self) -> str:
        """The address as people may see it, without its password."""
        return str(self._file) if self._file else self.url.set(query={}).render_as_string(hide_password=True)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Hold a transaction that only reads.

        Raises:
            LedgerUnavailable: The ledger could not be used.
        """
        async with self._translated(), asyncio.timeout(self._timeout) as limit:
            engine = await self._opened(limit)
            if not self.is_sqlite:
                # Each statement by itself: that saves two round trips, and nothing here needs one snapshot.
                engine = engine.execution_options(isolation_level="AUTOCOMMIT")
            async with engine.connect() as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Hold a transaction that is committed at the end of the block; raises as `read` does."""
        async with self._translated(), asyncio.timeout(self._timeout) as limit:
            engine = await self._opened(limit)
            if self._writing is None:
                async with engine.begin() as connection:
                    yield connection
                return
            async with self._writing, engine.execution_options(writes=True).begin() as connection:
                yield connection

    async def purge(self) -> None:
        """Let nothing that was deleted be readable in a SQLite file; raises as `read` does.

        That takes a moment in which nobody reads an older state; it is waited for, within a bound.
        PostgreSQL keeps deleted rows until its next vacuum, which it does by itself.
        """
        if not self.is_sqlite:
            return
        now = asyncio.get_running_loop().time
        deadline = now() + self._purge_within
        while not await self._empty_log():
            if now() >= deadline:
                raise LedgerUnavailable(f"the ledger {self.name} was being read all the while")
            await asyncio.sleep(sqlite.LOCK_POLL)

    async def _empty_log(self) -> bool:
        async with self._translated(), asyncio.timeout(self._timeout) as limit:
            engine = await self._opened(limit)
            async with engine.connect() as connection:
                return await sqlite.empty_log(connection)

    async def version(self) -> int:
        """Return the version of what is there, 0 for nothing, and change nothing; raises as `read` does."""
        if not self.exists:
            return 0
        engine = self._make(only_looks=True)
        try:
            async with self._translated(), asyncio.timeout(self._timeout), engine.connect() as connection:
                return await connection.run_sync(ledger_version, self._migrations)
        finally:
            await engine.dispose()

    async def close(self) -> None:
        """Close all connections."""
        engine, self._engine = self._engine, None
        if engine is not None:
            with suppress(*FAILURES, TimeoutError):
                async with asyncio.timeout(self._timeout):
                    await engine.dispose()

    @asynccontextmanager
    async def _translated(self) -> AsyncIterator[None]:
        try:
            yield
        except NewerLedgerError as error:
            raise LedgerUnavailable(
                f"the ledger {self.name} is newer than this program ({error}); install the newer program"
            ) from error
        except DamagedLedgerError as error:
            text = f"the ledger {self.name} is damaged ({error}); put it back from a backup"
            raise LedgerUnavailable(text) from error
        except TimeoutError as error:
            text = f"the ledger {self.name} did not answer within {self._timeout:.0f} s"
            raise LedgerUnavailable(text) from error
        except FAILURES as error:
            text = f"cannot be used: {_cause(error)}"
            if _lacks_table(error):
                text = f"has lost tables ({_cause(error)}); {_LOST_TABLES}"
            raise LedgerUnavailable(f"the ledger {self.name} {text}") from error

    async def _opened(self, limit: asyncio.Timeout) -> AsyncEngine:
        if self._engine is not None and self._is_in_place():
            return self._engine
        async with self._opening:
            if self._engine is not None and not self._is_in_place():
                await self._leave_or_refuse()
            if self._engine is None:
                engine = self._make()
                try:
                    await self._prepare(engine, limit)
                except BaseException:
                    with suppress(*FAILURES):
                        await engine.dispose()
                    raise
                self._engine = engine
            return self._engine

    def _is_in_place(self) -> bool:
        """Whether the file is still the one that was opened."""
        if self._file is None:
            return True
        if self._identity() != self._inode:
            return False
        self._wal_inode = self._identity("-wal")
        return True

    def _identity(self, of: str = "") -> tuple[int, int] | None:
        try:
            status = Path(f"{self._file}{of}").stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    async def _leave_or_refuse(self) -> None:
        """Leave the old file for one that was put in its place; never go on with one that nobody can see."""
        if self._identity() is None:
            raise LedgerUnavailable(
                f"the ledger {self.name} was deleted while in use; put it back from a backup, or restart the "
                "worker to begin with an empty one, which knows nothing of the events applied so far"
            )
        log.warning("ledger_replaced", ledger=self.name)
        await self.close()
        self._drop_old_log()

    def _drop_old_log(self) -> None:
        """Delete the old file's write-ahead log: SQLite would take it for the new one's, and mix the two."""
        if self._wal_inode is not None and self._identity("-wal") == self._wal_inode:
            for end in ("-wal", "-shm"):
                Path(f"{self._file}{end}").unlink(missing_ok=True)

    def _make(self, *, only_looks: bool = False) -> AsyncEngine:
        if self._file is None:
            return create_async_engine(
                self.url, pool_size=5, max_overflow=5, pool_timeout=self._timeout, pool_pre_ping=False,
                connect_args={"timeout": self._timeout, "command_timeout": self._timeout},
            )  # fmt: skip
        self._file.parent.mkdir(parents=True, exist_ok=True)
        engine = create_async_engine(self.url, pool_size=3, max_overflow=5, pool_timeout=self._timeout)
        sqlite.set_up(engine, only_looks=only_looks)
        return engine

    async def _prepare(self, engine: AsyncEngine, limit: asyncio.Timeout) -> None:
        existed = self._file is None or self._identity() is not None
        async with engine.execution_options(writes=True).begin() as connection:
            version = await connection.run_sync(ledger_version, self._migrations)
            if 0 < version < newest(self._migrations):
                limit.reschedule(None)  # millions of rows take longer than one transaction may
            version = await connection.run_sync(migrate, self._migrations)
            limit.reschedule(asyncio.get_running_loop().time() + self._timeout)
            self.secret = await connection.run_sync(secret_of)
        self._inode = self._identity() if self._file else None
        if version == 0:
            # On a host that worked before, this line means that the old ledger is not where it was.
            log.warning("ledger_created", ledger=self.name, existed=existed)


def secret_of(connection: Connection) -> bytes:
    """Return the key of this ledger's hashes, made once."""
    found = connection.execute(select(meta.c.value).where(meta.c.key == "secret")).scalar()
    if found is None:
        found = secrets.token_hex(32)
        connection.execute(meta.insert().values(key="secret", value=found))
    return bytes.fromhex(found)


def _lacks_table(error: BaseException) -> bool:
    """Whether the database says that a table is not there: for this program, that it was dropped in use."""
    cause = getattr(error, "orig", None) or error
    if isinstance(cause, sqlite3.Error):
        return str(cause).startswith("no such table")
    return bool(getattr(cause, "sqlstate", None) == asyncpg.UndefinedTableError.sqlstate)


def _cause(error: BaseException) -> str:
    """Return what the database says, in one line and without the statement and its values."""
    cause = getattr(error, "orig", None) or error
    return " ".join(str(cause).split())[:200] or type(cause).__name__
