"""Erasing an address from texts that are about somebody else, or about nobody."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import Column, Row, Table, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.ledger.schema import history, tokens, workers
from worker.subscribers.identity import naming

ERASED: Final = "(erased)"
FREE_TEXT: Final[tuple[tuple[Table, tuple[Column[str], ...]], ...]] = (
    (history, (history.c.event_id, history.c.event_type, history.c.detail, history.c.calls)),
    (workers, (workers.c.state,)),
    (tokens, (tokens.c.problem,)),
)
"""Where an address may stand that is not the row's own: in what a publisher or Kit chose to write."""


async def erase_mentions(connection: AsyncConnection, addresses: Collection[str]) -> None:
    """Erase addresses from all free text; a line of the history that names nobody else goes as a whole."""
    for address in sorted(addresses):
        # A history's calls, and a worker's state, are JSON of ASCII letters.
        forms = {address, json.dumps(address)[1:-1]}
        patterns = [naming(form) for form in sorted(forms)]
        for table, columns in FREE_TEXT:
            named = [column.icontains(form, autoescape=True) for column in columns for form in forms]
            found = (await connection.execute(select(table).where(or_(*named)))).all()
            for row in found:
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
    (key,) = table.primary_key
    this = key == getattr(row, key.name)
    if not changed:
        return
    if table is history and not row.email:
        await connection.execute(delete(table).where(this))
    else:
        await connection.execute(update(table).where(this).values(**changed))
