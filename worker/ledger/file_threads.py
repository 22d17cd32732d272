"""The threads in which a SQLite file is read and written: a whole transaction in one turn.

Each step of the async driver is a hop to its thread and back, thirty for a small batch, and each hop waits
for its turn beside all other accounts. Here the work is the same code: its coroutine is run to its end in the
thread, for with a connection that answers at once it never waits.

Whatever waits to be written while a transaction is under way makes up the next: one commit, and so one wait
for the disk, for all accounts together. Each has a savepoint, so that what fails takes nobody else with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar, cast

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine import URL, Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.ledger import sqlite
from worker.ledger.failures import leave_read_only_sessions

T = TypeVar("T")
Work = Callable[[AsyncConnection], Coroutine[Any, Any, T]]
"""What is to be done within one transaction. It awaits nothing but its connection."""

READERS: Final = 2


class FileThreads:
    """Reads and writes one SQLite file, which is open and migrated.

    Args:
        url: Of the file.
        timeout: Seconds for a connection.
    """

    def __init__(self, url: URL, timeout: float) -> None:
        self._engine = create_engine(
            url.set(drivername="sqlite+pysqlite"), pool_size=READERS + 1, pool_timeout=timeout
        )
        sqlite.set_up_plain(self._engine)
        leave_read_only_sessions(self._engine)
        self._writer = self._engine.execution_options(writes=True)
        self._reading = ThreadPoolExecutor(READERS, thread_name_prefix="ledger-reader")
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="ledger-writer")
        self._waiting: list[tuple[Work[Any], asyncio.Future[Any]]] = []
        self._groups: asyncio.Task[None] | None = None
        self._reads: set[asyncio.Future[Any]] = set()

    async def read(self, work: Work[T]) -> T:
        """Do work in a transaction that only reads."""
        reading = asyncio.get_running_loop().run_in_executor(self._reading, _read, self._engine, work)
        self._reads.add(reading)
        reading.add_done_callback(self._reads.discard)
        return await asyncio.shield(reading)

    async def write(self, work: Work[T], turn: asyncio.Lock) -> T:
        """Do work in a transaction, perhaps with that of others; return when it is committed.

        Given up while it waits, it is not done; given up later, it may be.

        Args:
            work: See `Work`.
            turn: Held by whoever writes the file in this process.
        """
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, done))
        if self._groups is None or self._groups.done():
            self._groups = asyncio.create_task(self._write_all(turn))
        return await done

    async def _write_all(self, turn: asyncio.Lock) -> None:
        """Write what waits, and what comes to wait meanwhile."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            async with turn:
                waiting, self._waiting = self._waiting, []
                works = {done: work for work, done in waiting if not done.done()}
                writing = loop.run_in_executor(
                    self._writing, _write_group, self._writer, list(works.values())
                )
                await asyncio.wait([writing])
            # Where all of it failed, nothing is committed, and all hear of it.
            failed = writing.exception()
            ends = writing.result() if failed is None else [failed] * len(works)
            for done, end in zip(works, ends, strict=True):
                if done.done():
                    continue  # whoever asked has given up
                if isinstance(end, BaseException):
                    done.set_exception(end)
                else:
                    done.set_result(end)

    async def close(self) -> None:
        """Close all connections, once what is under way has ended."""
        if under_way := {*self._reads, *([self._groups] if self._groups else [])}:
            await asyncio.wait(under_way)
        for threads in (self._reading, self._writing):
            threads.shutdown()
        self._engine.dispose()


class _AtOnce:
    """A connection whose every answer is there at once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.execute_now = connection.execute

    @property
    def dialect(self) -> Dialect:
        return self._connection.dialect

    async def execute(self, *statement: Any) -> Any:  # noqa: ANN401  # as SQLAlchemy has it
        return self.execute_now(*statement)


def _read(engine: Engine, work: Work[T]) -> T:
    with engine.connect() as connection:
        return _run(work, connection)


def _write_group(engine: Engine, works: Sequence[Work[Any]]) -> list[Any]:
    """Return how each work ended: what it returned, or its error."""
    with engine.begin() as connection:
        if len(works) == 1:
            return [_run(works[0], connection)]
        return [_write_one(work, connection) for work in works]


def _write_one(work: Work[Any], connection: Connection) -> Any:  # noqa: ANN401  # whatever it returns
    try:
        with connection.begin_nested():
            return _run(work, connection)
    except Exception as error:  # handed to whoever asked: a fault of one is not everybody's
        # A full disk, say, may undo all of it (SQLite, "Response To Errors Within A Transaction").
        if not sqlite.is_in_transaction(connection):
            raise
        return error


def _run(work: Work[T], connection: Connection) -> T:
    running = work(cast("AsyncConnection", _AtOnce(connection)))
    try:
        running.send(None)
    except StopIteration as end:
        return cast("T", end.value)
    running.close()
    raise AssertionError("work in the ledger waited for something else than the ledger")
