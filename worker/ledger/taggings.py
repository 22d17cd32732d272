"""New taggings, written beside the rest of a batch: how many there were, and which are held."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from sqlalchemy import delete, exists, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.events.values import time_text
from worker.ledger.database import Database
from worker.ledger.rows import adding, insert
from worker.ledger.schema import subscribers
from worker.ledger.tagging_tables import held_taggings, taggings
from worker.subscribers.identity import plain
from worker.subscribers.known import Batch, RecentTaggings
from worker.subscribers.record import Record
from worker.subscribers.tagging_guard import MINUTE, WITHIN

PORTION: Final = 500
"""People whose rows are written at once: databases take 32,766 values in a statement, and no more."""
_OF: Final = held_taggings.c


async def take_recent_taggings(connection: AsyncConnection, account: str, now: float) -> RecentTaggings:
    """Return the same for whoever takes the account; what was counted ahead counts as called from now on."""
    recent = await read_recent_taggings(connection, account, now)
    ours = (taggings.c.account == account) & (taggings.c.ahead != 0)
    await connection.execute(update(taggings).where(ours).values(ahead=0))
    return recent


async def read_recent_taggings(
    connection: AsyncConnection, account: str, now: float, *, called: bool = False
) -> RecentTaggings:
    """Return an account's new taggings within the last hour, inside the caller's transaction.

    Args:
        connection: The ledger's.
        account: Its name.
        now: In seconds since 1970.
        called: Without those that are counted and not called yet, as whoever has the account knows it.
    """
    of = taggings.c
    since = now - WITHIN - MINUTE
    count = of.count - of.ahead if called else of.count
    counted = await connection.execute(select(of.at, count).where(of.account == account, of.at > since))
    held = select(exists().where(_OF.account == account))
    holds = bool((await connection.execute(held)).scalar())
    by_minute = {row.at: row[1] for row in counted}
    return RecentTaggings(by_minute, await _people(connection, account), holds)


async def taggings_lately(database: Database, account: str, now: float) -> RecentTaggings:
    """Return an account's new taggings within the last hour, as whoever has it knows them.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    async with database.read() as connection:
        return await read_recent_taggings(connection, account, now, called=True)


async def count_people(database: Database, account: str) -> int:
    """Return how many people of an account are known; raises `LedgerUnavailable`."""
    async with database.read() as connection:
        return await _people(connection, account)


async def _people(connection: AsyncConnection, account: str) -> int:
    query = select(func.count()).select_from(subscribers).where(subscribers.c.account == account)
    return (await connection.execute(query)).scalar() or 0


async def write_taggings(connection: AsyncConnection, account: str, batch: Batch) -> None:
    """Write what a batch says of new taggings, inside the caller's transaction."""
    if batch.taggings or batch.ahead:
        await _count(connection, account, batch.taggings, batch.ahead)
    for at in range(0, len(batch.records) if batch.holds else 0, PORTION):
        await _write_held(connection, account, batch.records[at : at + PORTION])


async def _count(
    connection: AsyncConnection, account: str, counted: Mapping[int, int], ahead: Mapping[int, int]
) -> None:
    minutes = sorted({*counted, *ahead})
    rows = [
        {"account": account, "at": minute, "count": counted.get(minute, 0), "ahead": ahead.get(minute, 0)}
        for minute in minutes
    ]
    await connection.execute(adding(connection.dialect.name, taggings, ("count", "ahead")), rows)


async def _write_held(connection: AsyncConnection, account: str, records: Collection[Record]) -> None:
    """Let the rows of these people be what their records hold; what is held still keeps its number."""
    emails = [plain(record.email) for record in records]
    rows = [row for record in records for row in _held_rows(account, record)]
    keys = [(row["email"], row["tag_key"]) for row in rows]
    gone = delete(held_taggings).where(_OF.account == account, _OF.email.in_(emails))
    await connection.execute(gone.where(tuple_(_OF.email, _OF.tag_key).not_in(keys)) if keys else gone)
    if rows:
        new = insert(connection, held_taggings)
        changed = {name: new.excluded[name] for name in ("event_type", "event_time")}
        keyed = new.on_conflict_do_update(index_elements=["account", "email", "tag_key"], set_=changed)
        await connection.execute(keyed, rows)


def _held_rows(account: str, record: Record) -> Iterator[dict[str, Any]]:
    for key, held in record.held.items():
        yield {
            "account": account,
            "email": plain(record.email),
            "tag_key": plain(key),
            "tag": plain(held.name),
            "event_type": plain(held.event_type),
            "event_time": time_text(held.order.time),
            "since": held.since,
            "timer": "",
        }


async def erase_held(connection: AsyncConnection, account: str, emails: Collection[str]) -> None:
    """Delete what is held of a person, inside the caller's transaction."""
    await connection.execute(delete(held_taggings).where(_OF.account == account, _OF.email.in_(emails)))


async def prune_taggings(database: Database, now: float) -> None:
    """Delete what was counted so long ago that it counts no more, a portion at a time.

    Raises:
        LedgerUnavailable: The ledger could not be written; some may be gone.
    """
    of, before = taggings.c, now - 2 * WITHIN
    oldest = select(func.min(of.at)).where(of.at < before).scalar_subquery()
    gone = 1
    while gone:
        async with database.write() as connection:
            old = delete(taggings).where(of.at < before, of.at < oldest + WITHIN)
            gone = (await connection.execute(old)).rowcount


async def drop_taggings(database: Database, account: str) -> int:
    """Delete all that is held and counted of an account; return how many were held."""
    async with database.write() as connection:
        await connection.execute(delete(taggings).where(taggings.c.account == account))
        return (await connection.execute(delete(held_taggings).where(_OF.account == account))).rowcount
