"""Tries, in a transaction that is undone, what a worker does to the ledger's tables."""

from __future__ import annotations

from sqlalchemy import Connection, Table, delete, false, insert, inspect, select, update

from worker.ledger.migrations import lock
from worker.ledger.schema import tables


def try_all(connection: Connection) -> None:
    """Make the tables where there are none, and write into each nothing at all.

    Raises:
        SQLAlchemyError: The database forbids it.
    """
    lock(connection)
    there = set(inspect(connection).get_table_names())
    if "meta" not in there:
        tables.create_all(connection)
        there = set(tables.tables)
    for table in tables.sorted_tables:
        if table.name in there:  # an older ledger may lack one
            _write_nothing(connection, table)


def _write_nothing(connection: Connection, table: Table) -> None:
    """Insert, change and delete no rows: the right to that is looked at all the same."""
    keys = list(table.primary_key.columns)
    none = select(*keys).where(false())
    connection.execute(insert(table).from_select(keys, none, include_defaults=False))
    connection.execute(update(table).where(false()).values({key: key for key in keys}))
    connection.execute(delete(table).where(false()))
