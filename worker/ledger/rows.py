"""Rows as every database takes them: text without what PostgreSQL refuses, and insert-or-update."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final

from sqlalchemy import Executable, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.ledger.schema import accounts

MAX_ID: Final = 255
"""Characters of an id that are kept as they are; PostgreSQL indexes no text of any length."""


def plain(text: str) -> str:
    """Return text that every database takes as it is: no NUL, no lone surrogates."""
    if "\0" not in text:
        try:
            text.encode()
        except UnicodeEncodeError:
            return ascii(text)
        return text
    return ascii(text)


def id_key(text: str) -> str:
    """Return a user's or an event's id as the ledger keeps it; a very long one is cut, and told by its hash.

    What it returned stays as it is.
    """
    text = plain(text)
    if len(text) <= MAX_ID:
        return text
    return f"{text[: MAX_ID - 33]}…{blake2b(text.encode(), digest_size=16).hexdigest()}"


def insert(connection: AsyncConnection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return the insert statement of the connection's database, which knows `on_conflict_…`."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def insert_account(connection: AsyncConnection, account: str) -> Executable:
    """Return the statement that makes an account's row where there is none."""
    return insert(connection, accounts).values(account=account).on_conflict_do_nothing()


async def upsert(connection: AsyncConnection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows, or update those whose key is there; columns that no row names stay as they are."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    statement = insert(connection, table)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    await connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), rows)
