"""What PostgreSQL needs that no file does: TLS, an encoding for every address, and poolers on the way."""

from __future__ import annotations

import ssl
from typing import Any, Final

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from worker.errors import LedgerUnavailable

VERIFYING: Final = {"verify-ca", "verify-full"}
"""The values of `ssl` at which a CA has to vouch for the server; at the latter, for its name as well."""
STANDS_STILL_FOR: Final = 3
"""So many times as long as a statement may take, nobody may say nothing within a transaction.

Else a worker that stands still (SIGSTOP, a machine that sleeps) would hold its account's row, and no other
could take the account, until the system found its connection dead.
"""
OURS: Final = ["ssl", "sslrootcert"]
NO_STATEMENTS: Final[dict[str, Any]] = {
    "statement_cache_size": 0, "prepared_statement_cache_size": 0, "prepared_statement_name_func": str,
}  # fmt: skip
"""Has asyncpg keep nothing in a server: each statement is parsed in the same message that executes it.

In PgBouncer's transaction mode the next transaction may be in another server's session, where no statement
that was prepared before would be found. That costs a round trip for each statement, so it is done only there.
"""


async def connected(url: URL, seconds: float, name: str) -> AsyncEngine:
    """Return the way to a server, which is another one where a pooler stands between.

    Args:
        url: As `check_ledger_url` allows it.
        seconds: For a statement, and for connecting.
        name: Of the ledger, for people.

    Raises:
        LedgerUnavailable: Its database cannot hold every address, or the file of its CA cannot be read.
    """
    careful = _engine(url, seconds, NO_STATEMENTS)
    try:
        async with careful.connect() as connection:
            await _refuse_narrow(connection, name)
            pooled = await _is_pooled(connection)
    except BaseException:
        await careful.dispose()
        raise
    if pooled:
        return careful
    await careful.dispose()
    # A pooler would refuse a setting that it does not know.
    still = f"{seconds * STANDS_STILL_FOR * 1000:.0f}"
    return _engine(url, seconds, {"server_settings": {"idle_in_transaction_session_timeout": still}})


def _engine(url: URL, seconds: float, more: dict[str, Any]) -> AsyncEngine:
    arguments = {"timeout": seconds, "command_timeout": seconds, **_tls(url), **more}
    return create_async_engine(
        url.difference_update_query(OURS), pool_size=5, max_overflow=5, pool_timeout=seconds,
        pool_pre_ping=False, connect_args=arguments,
    )  # fmt: skip


def _tls(url: URL) -> dict[str, Any]:
    """Return what asyncpg is to know of TLS; it takes the name of a mode, but no CA."""
    mode, root = (str(url.query[name]) if name in url.query else None for name in OURS)
    if mode is None:
        return {}
    if mode not in VERIFYING:
        return {"ssl": mode}
    try:
        context = ssl.create_default_context(cafile=root)
    except (OSError, ssl.SSLError) as error:
        text = f"the ledger's sslrootcert={root} cannot be read as a file of certificates ({error})"
        raise LedgerUnavailable(text) from error
    context.check_hostname = mode == "verify-full"
    return {"ssl": context}


async def _is_pooled(connection: AsyncConnection) -> bool:
    """Tell whether a pooler stands between: it gives its clients numbers that no server's process has."""
    told = (await connection.get_raw_connection()).driver_connection
    if told is None:
        return False
    process = (await connection.exec_driver_sql("SELECT pg_backend_pid()")).scalar_one()
    return bool(told.get_server_pid() != process)


async def _refuse_narrow(connection: AsyncConnection, name: str) -> None:
    """Refuse a database that cannot hold every address and name: one event would stop a whole account.

    Raises:
        LedgerUnavailable: It is of another encoding than UTF-8.
    """
    encoding = (await connection.exec_driver_sql("SHOW server_encoding")).scalar_one()
    if encoding != "UTF8":
        raise LedgerUnavailable(
            f"the ledger {name} has the encoding {encoding}, which cannot hold every address: make a "
            "database WITH ENCODING 'UTF8' TEMPLATE template0, and bring over with pg_dump and pg_restore "
            "what this one holds"
        )
