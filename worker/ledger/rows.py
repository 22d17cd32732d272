"""Rows as every database takes them: text without what PostgreSQL refuses, and insert-or-update."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Executable, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.ledger.schema import accounts


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
