"""Erasing addresses from texts that are about somebody else, or about nobody.

No index finds them, and the history may have millions of lines. So it is read in portions, outside of any
transaction, and what is found is written in short ones: workers go on meanwhile. What they add while it is
read is erased at the end, together with the person.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import Column, ColumnElement, Row, Table, and_, delete, func, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.ledger.database import Database
from worker.ledger.letter_tables import dead_letter_runs, dead_letters
from worker.ledger.schema import accounts, due, history, tokens, workers
from worker.subscribers.identity import naming
from worker.subscribers.mentioning import pieces

ERASED: Final = "(erased)"
PORTION: Final = 10_000
"""Lines of the history that are looked through at once."""
FREE_TEXT: Final[tuple[tuple[Table, tuple[Column[str], ...]], ...]] = (
    (history, (history.c.event_id, history.c.event_type, history.c.detail, history.c.calls)),
    (
        dead_letters,
        (dead_letters.c.event_id, dead_letters.c.event_type, dead_letters.c.detail, dead_letters.c.note),
    ),
    (dead_letter_runs, (dead_letter_runs.c.event_id,)),
    (due, (due.c.event_id, due.c.event_type, due.c.what)),
    (workers, (workers.c.state,)),
    (tokens, (tokens.c.problem,)),
)
"""Where an address may stand that is not the row's own: in what a publisher or Kit chose to write."""


async def newest_line(database: Database) -> int:
    """Return the number of the history's newest line, beside which no older one is still being written.

    Raises:
        LedgerUnavailable: It could not be asked.
    """
    async with database.write() as connection:
        # Who adds lines of an account holds its row until they are there (PostgreSQL; SQLite has one writer).
        await connection.execute(select(accounts.c.account).order_by(accounts.c.account).with_for_update())
        return (await connection.execute(select(func.max(history.c.id)))).scalar() or 0


async def erase_old_mentions(
    database: Database, addresses: Collection[str], before: int, only: Collection[str] | None = None
) -> None:
    """Erase addresses from the lines of the history before a number, a portion at a time.

    Where it ends half-way, it can begin anew.

    Args:
        database: The ledger's.
        addresses: Which.
        before: The number of a line.
        only: In lines of these accounts; None for all.

    Raises:
        LedgerUnavailable: The ledger could not be used; some mentions may be gone.
    """
    after = 0
    while (last := await _end_of_portion(database, after, before)) is not None:
        portion = (history.c.id > after) & (history.c.id <= last) & _of(history, only)
        await _erase_in_portion(database, addresses, portion)
        after = last


async def erase_mentions(
    connection: AsyncConnection, addresses: Collection[str], since: int, only: Collection[str] | None = None
) -> None:
    """Erase addresses from the history's lines from a number on, and from all other free text.

    Args:
        connection: The ledger's.
        addresses: Which.
        since: The number of a line.
        only: In texts of these accounts, and of workers; None for all.
    """
    for table, columns in FREE_TEXT:
        lines = history.c.id >= since if table is history else true()
        await _erase_in(connection, table, columns, addresses, lines & _of(table, only))


def _of(table: Table, only: Collection[str] | None) -> ColumnElement[bool]:
    return true() if only is None or "account" not in table.c else table.c.account.in_(only)


async def _end_of_portion(database: Database, after: int, before: int) -> int | None:
    lines = select(history.c.id).where(history.c.id > after, history.c.id < before)
    portion = lines.order_by(history.c.id).limit(PORTION).subquery()
    async with database.read() as connection:
        last: int | None = (await connection.execute(select(func.max(portion.c.id)))).scalar()
    return last


async def _erase_in_portion(
    database: Database, addresses: Collection[str], portion: ColumnElement[bool]
) -> None:
    columns = dict(FREE_TEXT)[history]
    async with database.read() as connection:
        named = select(history.c.id).where(portion, _named(columns, addresses))
        if (await connection.execute(named.limit(1))).first() is None:
            return
    async with database.write() as connection:
        await _erase_in(connection, history, columns, addresses, portion)


def _named(columns: Sequence[Column[str]], addresses: Collection[str]) -> ColumnElement[bool]:
    # A history's calls and a worker's state are JSON in ASCII, and SQLite knows no case beyond ASCII.
    found = pieces(addresses)
    return or_(*(column.icontains(piece, autoescape=True) for column in columns for piece in found))


async def _erase_in(
    connection: AsyncConnection,
    table: Table,
    columns: Sequence[Column[str]],
    addresses: Collection[str],
    rows: ColumnElement[bool],
) -> None:
    patterns = [naming(address) for address in addresses]
    found = await connection.execute(select(table).where(rows, _named(columns, addresses)).with_for_update())
    for row in found.all():
        await _erase(connection, table, row, _without(row, columns, patterns))


def _without(
    row: Row[tuple[object, ...]], columns: Sequence[Column[str]], patterns: Sequence[re.Pattern[str]]
) -> dict[str, str]:
    """Return the row's texts that name somebody, as they are without."""
    changed = {}
    for name in (column.name for column in columns):
        text = before = getattr(row, name) or ""
        for pattern in patterns:
            text = pattern.sub(ERASED, text)
        if text != before:
            changed[name] = text
    return changed


async def _erase(
    connection: AsyncConnection, table: Table, row: Row[tuple[object, ...]], changed: dict[str, str]
) -> None:
    this = and_(*(key == getattr(row, key.name) for key in table.primary_key))
    if not changed:
        return
    if table is history and not row.email:
        await connection.execute(delete(table).where(this))
    else:
        await connection.execute(update(table).where(this).values(**changed))
