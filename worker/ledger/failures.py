"""What can go wrong with the ledger's database, and the one error that all of it becomes."""

from __future__ import annotations

import asyncio
import sqlite3
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import asyncpg
from sqlalchemy import Engine, ExceptionContext, event
from sqlalchemy.exc import SQLAlchemyError

from worker.errors import LedgerUnavailable
from worker.ledger.migrations import DamagedLedgerError, NewerLedgerError
from worker.outside.network import why
from worker.outside.texts import line

FAILURES: Final = (SQLAlchemyError, sqlite3.Error, asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
_LOST_TABLES: Final = (
    "put it back from a backup, or, with none of its tables left, restart the workers to begin with an empty "
    "one, which knows nothing of the events applied so far"
)


_LOST_COLUMNS: Final = (
    "it may have become an older one in use: restart this program, which migrates it; if that does not help, "
    "it was made by no released version: put it back from a backup"
)


class DamagedRowError(LedgerUnavailable):
    """A row of one account cannot be read, in a database that can be used."""


class Usability:
    """Whether a database could be used when it was used last.

    Writing and reading are told apart, for a full or read-only disk is read well.
    """

    def __init__(self) -> None:
        self._problems: dict[str, str] = {}

    @property
    def problem(self) -> str:
        """Why it cannot be used, for people; empty while it can."""
        return next(iter(self._problems.values()), "")

    @contextmanager
    def of_use(self, *, writes: bool) -> Iterator[None]:
        """Note how the use within the block ends; whoever writes can read, too."""
        kind = "write" if writes else "read"
        try:
            yield
        except DamagedRowError:
            raise  # it is its account's, and no other's
        except LedgerUnavailable as error:
            self._problems[kind] = str(error)
            raise
        self._problems.pop("read", None)
        self._problems.pop(kind, None)


def leave_read_only_sessions(engine: Engine) -> None:
    """Have no connection be used again once one was refused a write as read-only.

    A session of PostgreSQL, and an open file of SQLite, stays so after the database has become writable.
    """

    def check(context: ExceptionContext) -> None:
        if _is_read_only(context.original_exception):
            context.is_disconnect = True

    event.listen(engine, "handle_error", check)


def _is_read_only(error: BaseException) -> bool:
    if isinstance(error, sqlite3.Error):
        return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_READONLY
    return bool(getattr(error, "sqlstate", None) == asyncpg.ReadOnlySQLTransactionError.sqlstate)


_REMEDIES: Final = {
    "28P01": "correct the user name and password in LEDGER_URL",
    "28000": "let this user in from here (pg_hba.conf), or correct LEDGER_URL",
    "3D000": "make the database, or correct the end of LEDGER_URL",
    "53300": "raise max_connections, or use fewer workers",
    "42501": "give the user of LEDGER_URL the right",
}
"""By SQLSTATE (PostgreSQL, appendix A): what to do about it."""


@asynccontextmanager
async def usable_within(seconds: float, name: str) -> AsyncIterator[asyncio.Timeout]:
    """Turn every failure of the database within the block into one error; a block that takes longer fails.

    Args:
        seconds: For the block; it may set the timeout anew.
        name: Of the ledger, for people.

    Raises:
        LedgerUnavailable: The text says what is wrong and, where that is known, what to do.
    """
    try:
        async with asyncio.timeout(seconds) as limit:
            yield limit
    except NewerLedgerError as error:
        raise LedgerUnavailable(
            f"the ledger {name} is newer than this program ({error}); install the newer program"
        ) from error
    except DamagedLedgerError as error:
        text = f"the ledger {name} is damaged ({error}); put it back from a backup"
        raise LedgerUnavailable(text) from error
    except TimeoutError as error:
        text = f"the ledger {name} did not answer within {seconds:.0f} s"
        raise LedgerUnavailable(text) from error
    except ssl.SSLCertVerificationError as error:
        remedy = "where its CA is your own, LEDGER_URL names its file by &sslrootcert=FILE"
        raise LedgerUnavailable(f"the ledger {name} is not trusted: {_cause(error)}; {remedy}") from error
    except FAILURES as error:
        text = f"cannot be used: {_cause(error)}"
        if _lacks_table(error):
            text = f"has lost tables ({_cause(error)}); {_LOST_TABLES}"
        elif _lacks_column(error):
            text = f"lacks what this version keeps in it ({_cause(error)}); {_LOST_COLUMNS}"
        raise LedgerUnavailable(f"the ledger {name} {text}") from error


def _lacks_table(error: BaseException) -> bool:
    """Whether the database says that a table is not there: for this program, that it was dropped in use."""
    cause = getattr(error, "orig", None) or error
    if isinstance(cause, sqlite3.Error):
        return str(cause).startswith("no such table")
    return bool(getattr(cause, "sqlstate", None) == asyncpg.UndefinedTableError.sqlstate)


def _lacks_column(error: BaseException) -> bool:
    """Likewise, of a column: to open a ledger brings it to the version of this program."""
    cause = getattr(error, "orig", None) or error
    if isinstance(cause, sqlite3.Error):
        return "no such column" in str(cause) or "has no column named" in str(cause)
    return bool(getattr(cause, "sqlstate", None) == asyncpg.UndefinedColumnError.sqlstate)


def _cause(error: BaseException) -> str:
    """Return what the database says, in one line and without the statement and its values."""
    cause = getattr(error, "orig", None) or error
    if isinstance(cause, OSError):
        return f"{why(cause)}; correct LEDGER_URL, or start PostgreSQL"
    if remedy := _REMEDIES.get(getattr(cause, "sqlstate", None) or ""):
        return f"{line(str(cause), 200)}; {remedy}"
    return " ".join(str(cause).split())[:200] or type(cause).__name__
