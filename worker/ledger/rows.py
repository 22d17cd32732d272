"""Rows as every database takes them: text without what PostgreSQL refuses, and insert-or-update."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

from sqlalchemy import Executable, Select, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.events.values import time_text
from worker.json_text import json_text
from worker.ledger.record_json import dump_record
from worker.ledger.schema import accounts
from worker.subscribers.identity import id_key, plain
from worker.subscribers.known import HistoryEntry, Person
from worker.subscribers.record import Record


def insert(connection: AsyncConnection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return the insert statement of the connection's database, which knows `on_conflict_…`."""
    return insert_as(connection.dialect.name, table)


def insert_as(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return the same by the dialect of a connection."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def insert_account(connection: AsyncConnection, account: str) -> Executable:
    """Return the statement that makes an account's row where there is none."""
    return insert(connection, accounts).values(account=account).on_conflict_do_nothing()


async def upsert(connection: AsyncConnection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows, or update those whose key is there; columns that no row names stay as they are."""
    if not rows:
        return
    await connection.execute(_upserting(connection.dialect.name, table, tuple(rows[0])), rows)


@cache  # to make a statement takes longer than to have it carried out
def _upserting(dialect: str, table: Table, columns: Collection[str]) -> Executable:
    keys = [column.name for column in table.primary_key]
    statement = insert_as(dialect, table)
    changed = {name: statement.excluded[name] for name in columns if name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)


@cache
def adding(dialect: str, table: Table, numbers: Collection[str]) -> Executable:
    """Return the statement that inserts rows, or adds their numbers to those of the row that is there.

    Args:
        dialect: Of the connection.
        table: Which.
        numbers: The columns to add to.
    """
    statement, keys = insert_as(dialect, table), [column.name for column in table.primary_key]
    sums = {name: table.c[name] + statement.excluded[name] for name in numbers}
    return statement.on_conflict_do_update(index_elements=keys, set_=sums)


def fitting(
    query: Select[Any],
    table: Table,
    emails: Collection[str] | None,
    event_id: str | None,
    account: str | None,
) -> Select[Any]:
    """Return a query for those rows only that fit all that is given, of a table that has an event in each."""
    if emails is not None:
        query = query.where(table.c.email.in_(emails))
    shown_id = None if event_id is None else id_key(event_id)
    for column, value in ((table.c.event_id, shown_id), (table.c.account, account)):
        query = query if value is None else query.where(column == value)
    return query


def subscriber_row(account: str, kit_account: int, record: Record, at: float) -> dict[str, Any]:
    """Return a subscriber's row, as it is written at a time; of a Kit account, or 0 where that is unknown."""
    return {
        "account": account,
        "email": record.email,
        "kit_account": kit_account,
        "kit_id": record.kit_id,
        **dump_record(record)._asdict(),
        "moved_to": record.moved and record.moved.to,
        "updated_at": at,
    }


def person_row(account: str, person: Person) -> dict[str, Any]:
    """Return a person's row."""
    return {
        "account": account,
        "user_id": person.user_id,
        "email": person.email,
        "moved_at": person.moved_at,
    }


def entry_row(account: str, entry: HistoryEntry, worker: str) -> dict[str, Any]:
    """Return a line of the history."""
    return {
        "account": account,
        "email": plain(entry.email),
        "event_id": None if entry.event_id is None else id_key(entry.event_id),
        "event_type": plain(entry.event_type),
        "event_time": time_text(entry.event_time),
        "at": entry.at,
        "outcome": entry.outcome,
        "detail": plain(entry.detail),
        "calls": json_text(entry.calls),
        "version": entry.version,
        "worker": id_key(worker),
    }
