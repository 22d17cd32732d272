"""The way to the ledger's database: SQLite in a file, or PostgreSQL."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Final, TypeVar
from weakref import WeakSet

import structlog
from sqlalchemy import Connection, event, select
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from worker.clock import Clock
from worker.errors import LedgerUnavailable
from worker.ledger import postgres, sqlite
from worker.ledger.address import check_ledger_url
from worker.ledger.failures import FAILURES, Usability, leave_read_only_sessions, usable_within
from worker.ledger.file import LedgerFile
from worker.ledger.file_threads import FileThreads, Work
from worker.ledger.ledger_time import LedgerTime
from worker.ledger.migrations import MIGRATIONS, Step, ledger_version, migrate, newest
from worker.ledger.schema import meta
from worker.ledger.trial import try_all

log = structlog.get_logger()

T = TypeVar("T")

TIMEOUT: Final = 10.0
PURGE_WITHIN: Final = 10.0


class Database:
    """The ledger's database. It is opened, and migrated, by the first use, and again after a failure.

    Args:
        url: As `check_ledger_url` allows it.
        timeout: Seconds for one transaction, connecting included, but not a migration.
        purge_within: Seconds for which `purge` tries.
        migrations: The steps to the newest version.

    Attributes:
        usability: Whether the last uses succeeded, and why not.
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
        self.usability = Usability()
        self._engine: AsyncEngine | None = None
        self._file_threads: FileThreads | None = None
        self._file = LedgerFile(Path(self.url.database or "")) if self.is_sqlite else None
        self._threads = WeakSet[Thread]()
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
        return self._file is None or self._file.exists

    @property
    def name(self) -> str:
        """The address as people may see it, without its password."""
        if self._file is not None:
            return str(self._file.path)
        return self.url.set(query={}).render_as_string(hide_password=True)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Hold a transaction that only reads.

        Raises:
            LedgerUnavailable: The ledger could not be used.
        """
        async with self._used(writes=False) as limit:
            engine = await self._opened(limit)
            if not self.is_sqlite:
                # Each statement by itself: that saves two round trips, and nothing here needs one snapshot.
                engine = engine.execution_options(isolation_level="AUTOCOMMIT")
            async with engine.connect() as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Hold a transaction that is committed at the end of the block; raises as `read` does."""
        async with self._used(writes=True) as limit:
            engine = await self._opened(limit)
            if self._writing is None:
                async with engine.begin() as connection:
                    yield connection
                return
            async with self._writing, engine.execution_options(writes=True).begin() as connection:
                yield connection

    async def transact(self, work: Work[T], *, writes: bool) -> T:
        """Do work within one transaction, as quickly as it can be done; raises as `read` does.

        Args:
            work: Is given the connection, and awaits nothing else. It may be done, or be done partly and
                undone, before whoever gives up waiting for it does so.
            writes: Whether it writes.
        """
        if self._writing is None:
            async with self.write() if writes else self.read() as connection:
                return await work(connection)
        async with self._used(writes=writes) as limit:
            await self._opened(limit)
            if self._file_threads is None:
                self._file_threads = FileThreads(self.url, self._timeout)
            if writes:
                return await self._file_threads.write(work, self._writing)
            return await self._file_threads.read(work)

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
        async with usable_within(self._timeout, self.name) as limit:
            engine = await self._opened(limit)
            async with engine.connect() as connection:
                return await sqlite.empty_log(connection)

    async def version(self) -> int:
        """Return the version of what is there, 0 for nothing, and change nothing; raises as `read` does."""
        if not self.exists:
            return 0
        async with usable_within(self._timeout, self.name):
            engine = await self._make(only_looks=True)
            try:
                async with engine.connect() as connection:
                    return await connection.run_sync(ledger_version, self._migrations)
            finally:
                await engine.dispose()

    async def try_writing(self, clock: Clock) -> None:
        """Try what a worker does to the ledger, or to make one, and undo it; raises as `read` does.

        Args:
            clock: Hears what time it is by the ledger's.
        """
        if self._file is not None and not self._file.exists:
            self._file.check_can_be_made()
            return
        async with usable_within(self._timeout, self.name):
            engine = await self._make()
            try:
                async with engine.execution_options(writes=True).connect() as connection:
                    await LedgerTime(clock).now(connection)
                    await connection.run_sync(try_all)
                    await connection.rollback()
            finally:
                await engine.dispose()

    async def close(self) -> None:
        """Close all connections; those that are in use, when they are given back."""
        engine, self._engine = self._engine, None
        threads, self._file_threads = self._file_threads, None
        if engine is not None:
            # SQLAlchemy would leave them to the garbage collector, which cannot close them.
            event.listen(engine.sync_engine.pool, "checkin", _close)
            with suppress(*FAILURES, TimeoutError):
                async with asyncio.timeout(self._timeout):
                    if threads is not None:
                        await threads.close()
                    await engine.dispose()
                    await sqlite.ended(self._threads)

    @asynccontextmanager
    async def _used(self, *, writes: bool) -> AsyncIterator[asyncio.Timeout]:
        with self.usability.of_use(writes=writes):
            async with usable_within(self._timeout, self.name) as limit:
                yield limit

    async def _opened(self, limit: asyncio.Timeout) -> AsyncEngine:
        if self._engine is not None and (self._file is None or self._file.is_in_place()):
            return self._engine
        async with self._opening:
            if self._engine is not None and self._file is not None and not self._file.is_in_place():
                await self._leave_or_refuse(self._file)
            if self._engine is None:
                existed, engine = self.exists, await self._make()
                try:
                    leave_read_only_sessions(engine.sync_engine)
                    await self._prepare(engine, limit, existed=existed)
                except BaseException:
                    with suppress(*FAILURES):
                        await engine.dispose()
                    raise
                self._engine = engine
            return self._engine

    async def _leave_or_refuse(self, file: LedgerFile) -> None:
        """Leave the old file for one that was put in its place; never go on with one that nobody can see."""
        if not file.exists:
            raise LedgerUnavailable(
                f"the ledger {self.name} was deleted while in use; put it back from a backup, or restart the "
                "worker to begin with an empty one, which knows nothing of the events applied so far"
            )
        log.warning("ledger_replaced", ledger=self.name)
        await self.close()
        file.drop_old_log()

    async def _make(self, *, only_looks: bool = False) -> AsyncEngine:
        if self._file is None:
            return await postgres.connected(self.url, self._timeout, self.name)
        if not only_looks:
            self._file.make_private()
        engine = create_async_engine(self.url, pool_size=3, max_overflow=5, pool_timeout=self._timeout)
        sqlite.set_up(engine, self._threads, only_looks=only_looks)
        return engine

    async def _prepare(self, engine: AsyncEngine, limit: asyncio.Timeout, *, existed: bool) -> None:
        async with engine.execution_options(writes=True).begin() as connection:
            version = await connection.run_sync(ledger_version, self._migrations)
            if 0 < version < newest(self._migrations):
                limit.reschedule(None)  # millions of rows take longer than one transaction may
            version = await connection.run_sync(migrate, self._migrations)
            limit.reschedule(asyncio.get_running_loop().time() + self._timeout)
            self.secret = await connection.run_sync(secret_of)
        if self._file is not None:
            self._file.note_opened()
            if commands := self._file.readable_by_others():
                log.warning("ledger_open_to_others", ledger=self.name, remedy="; ".join(commands))
        if version == 0:
            # On a host that worked before, this line means that the old ledger is not where it was.
            log.warning("ledger_created", ledger=self.name, existed=existed)


def _close(_connection: object, entry: ConnectionPoolEntry) -> None:
    entry.close()


def secret_of(connection: Connection) -> bytes:
    """Return the key of this ledger's hashes, made once."""
    found = connection.execute(select(meta.c.value).where(meta.c.key == "secret")).scalar()
    if found is None:
        found = secrets.token_hex(32)
        connection.execute(meta.insert().values(key="secret", value=found))
    return bytes.fromhex(found)
