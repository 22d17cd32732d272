"""What a SQLite file needs that no server does: its settings, its one write lock, its write-ahead log."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Collection
from contextlib import suppress
from threading import Thread
from typing import Any, Final
from weakref import WeakSet

import aiosqlite
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

LOCK_TIMEOUT: Final = 5.0
"""Seconds that SQLite waits while another process writes."""
LOCK_POLL: Final = 0.05
END_POLL: Final = 0.005
LOG_TIMEOUT: Final = 0.5
"""Seconds that emptying the log waits for those who read it: nobody can write meanwhile."""


def set_up(engine: AsyncEngine, threads: WeakSet[Thread], *, only_looks: bool = False) -> None:
    """Have every connection of an engine work as the ledger needs it.

    Args:
        engine: SQLAlchemy's.
        threads: Those of connections that are closed are added; they are about to end.
        only_looks: Leave a file that may be somebody else's, or nobody's yet, as it is.
    """
    event.listen(engine.sync_engine, "close", lambda closed, _: threads.add(_thread_of(closed)))
    set_up_plain(engine.sync_engine)
    if not only_looks:
        event.listen(engine.sync_engine, "connect", _keep_log)


def set_up_plain(engine: Engine) -> None:
    """Do so for an engine without event loop, of a file that has its log and is open already."""
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "invalidate", _undo)


def is_in_transaction(connection: Connection) -> bool:
    """Tell whether the transaction that was begun is still open."""
    return bool(connection.connection.dbapi_connection.in_transaction)  # type: ignore[union-attr]


async def ended(threads: Collection[Thread]) -> None:
    """Wait until the threads of closed connections have ended.

    For that of a cancelled call SQLAlchemy does not wait. One that ends after the event loop tells of it with
    a traceback.
    """
    while any(thread.is_alive() for thread in threads):  # noqa: ASYNC110  # nobody else tells
        await asyncio.sleep(END_POLL)


async def empty_log(connection: AsyncConnection) -> bool:
    """Take all that the write-ahead log has into the file, and empty it; tell whether that could be done.

    Nobody else may read from the log meanwhile.
    """
    await connection.exec_driver_sql("COMMIT")  # a checkpoint cannot be in a transaction
    await connection.exec_driver_sql(f"PRAGMA busy_timeout={LOG_TIMEOUT * 1000:.0f}")
    busy, *_ = (await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")).one()
    await connection.exec_driver_sql(f"PRAGMA busy_timeout={LOCK_TIMEOUT * 1000:.0f}")
    return not busy


def _thread_of(connection: Any) -> Thread:  # noqa: ANN401  # SQLAlchemy's own adapter
    thread: Thread = connection.driver_connection._thread  # noqa: SLF001  # SQLAlchemy makes it a daemon so
    return thread


def _prepare(connection: Any, _record: object) -> None:  # noqa: ANN401  # SQLAlchemy's own adapter
    connection.isolation_level = None  # the driver must not begin transactions by itself
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={LOCK_TIMEOUT * 1000:.0f}", "synchronous=FULL", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _keep_log(connection: Any, _record: object) -> None:  # noqa: ANN401  # as above
    connection.run_async(_use_write_ahead_log)


async def _use_write_ahead_log(connection: aiosqlite.Connection) -> None:
    """Have readers and the writer not wait for each other.

    While somebody else does the same to a new file, SQLite does not wait but says "locked" at once: each of
    the two may stand in the other's way.
    """
    deadline = asyncio.get_running_loop().time() + LOCK_TIMEOUT
    while True:
        try:
            async with connection.execute("PRAGMA journal_mode=WAL"):
                return
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not is_busy or asyncio.get_running_loop().time() >= deadline:
                raise
        await asyncio.sleep(LOCK_POLL)


def _begin(connection: Connection) -> None:
    # A transaction that reads first and then writes could find the lock taken, with no way to wait for it.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _undo(connection: Any, _record: object, _error: object) -> None:  # noqa: ANN401  # as above
    """Roll back what was cancelled before its connection is closed.

    Closing alone is not enough: SQLite keeps a closed connection, and its lock, for as long as any statement
    of it lives, and the traceback of what was cancelled keeps the last one until it is collected.
    """
    with suppress(ValueError, SQLAlchemyError, sqlite3.Error, OSError):  # a closed connection holds nothing
        connection.rollback()
