"""The newest event of each person, type and subscription, as it came.

The facts of a record say what a mapping made of events; what another mapping would make of them, only the
events themselves tell. Of each kind the newest is kept, so that a person takes a bounded room.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import Executable, delete, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.events.event import OrderKey
from worker.ledger.database import Database
from worker.ledger.failures import DamagedRowError
from worker.ledger.newest_table import newest_events
from worker.ledger.record_json import UnreadableError, load_record
from worker.ledger.rows import insert, insert_as
from worker.ledger.schema import subscribers
from worker.subscribers.identity import id_key
from worker.subscribers.known import NewestEvent
from worker.subscribers.record import Record

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HALF: Final = 2**63
"""Makes numbers of before 1970 positive, so that bytes compare as the numbers do."""


def place_of(order: OrderKey) -> bytes:
    """Return an order key as bytes, which compare as the keys do, in every database."""
    micros = (order.time - _EPOCH) // timedelta(microseconds=1) + _HALF
    arrival = min(order.arrival, 2 * _HALF - 1)
    return b"".join(
        (order.sequence.encode("utf-8", "replace"), b"\0", micros.to_bytes(8), arrival.to_bytes(8))
    )


async def write_newest(connection: AsyncConnection, account: str, events: Iterable[NewestEvent]) -> None:
    """Keep those events that are newer than what is kept, inside the caller's transaction."""
    newest: dict[tuple[str, ...], NewestEvent] = {}
    for event in events:
        key = event.email, event.user_id, event.event_type, event.subscription
        if key not in newest or event.order > newest[key].order:
            newest[key] = event
    if newest:
        # In one order for all, so that of two who write at once neither waits for the other (PostgreSQL).
        await connection.execute(
            _keeping(connection.dialect.name), [_row(account, newest[key]) for key in sorted(newest)]
        )


async def move_newest(connection: AsyncConnection, account: str, old: str, new: str) -> None:
    """Let what is kept of an address follow it, inside the caller's transaction."""
    of = newest_events.c
    theirs = (of.account == account) & (of.email == old)
    columns = [
        literal(new).label("email") if each.name == "email" else each for each in newest_events.columns
    ]
    moved = insert(connection, newest_events).from_select(
        newest_events.columns.keys(), select(*columns).where(theirs)
    )
    await connection.execute(_where_newer(moved))
    await connection.execute(delete(newest_events).where(theirs))


async def erase_newest(
    connection: AsyncConnection, account: str, emails: Collection[str], user_ids: Collection[str]
) -> int:
    """Delete what is kept of a person, inside the caller's transaction; return how many events it was."""
    of = newest_events.c
    theirs = of.email.in_(emails) | of.user_id.in_(user_ids)
    return (await connection.execute(delete(newest_events).where(of.account == account, theirs))).rowcount


async def drop_newest(database: Database, account: str) -> int:
    """Delete all that is kept of an account's events; return how many it was.

    Raises:
        LedgerUnavailable: The ledger could not be written.
    """
    async with database.write() as connection:
        gone = delete(newest_events).where(newest_events.c.account == account)
        return (await connection.execute(gone)).rowcount


class KeptPerson(NamedTuple):
    """What is known of a person, and the newest events.

    Attributes:
        events: The type and the message of each, as `consumer.newest` writes it, the oldest first; one
            that is not kept, because it was too large, say, is empty.
    """

    record: Record
    events: tuple[tuple[str, bytes], ...]


async def kept_people(
    database: Database, account: str, *, after: str = "", limit: int = 1000
) -> list[KeptPerson]:
    """Return people of an account by their addresses, with what is kept of each.

    Args:
        database: The ledger's.
        account: Its name.
        after: The address of the last one of the portion before; empty for the first portion.
        limit: So many at most.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    of = subscribers.c
    query = select(of.email, of.kit_id, of.state, of.facts).where(of.account == account, of.email > after)
    async with database.read() as connection:
        rows = (await connection.execute(query.order_by(of.email).limit(limit))).all()
        events = await _events(connection, account, [row.email for row in rows])
    try:
        return [KeptPerson(load_record(*row), tuple(events.get(row.email, ()))) for row in rows]
    except UnreadableError as error:
        raise DamagedRowError(f"the ledger holds a row of {account} that cannot be read") from error


async def kept_of(database: Database, account: str, emails: Collection[str]) -> Mapping[str, Sequence[bytes]]:
    """Return the messages of these people's events, the oldest first; raises as `kept_people` does."""
    async with database.read() as connection:
        found = await _events(connection, account, emails)
    return {email: [message for _, message in events] for email, events in found.items()}


async def _events(
    connection: AsyncConnection, account: str, emails: Collection[str]
) -> Mapping[str, Sequence[tuple[str, bytes]]]:
    of, found = newest_events.c, dict[str, list[tuple[str, bytes]]]()
    query = select(of.email, of.event_type, of.message).where(of.account == account, of.email.in_(emails))
    for email, event_type, message in await connection.execute(query.order_by(of.email, of.place)):
        found.setdefault(email, []).append((event_type, message))
    return found


@cache
def _keeping(dialect: str) -> Executable:
    return _where_newer(insert_as(dialect, newest_events))


def _where_newer(statement: sqlite.Insert | postgresql.Insert) -> Executable:
    """Return a statement that keeps, of two events of a kind, the one of the greater place."""
    excluded = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=[column.name for column in newest_events.primary_key],
        set_={"place": excluded.place, "message": excluded.message},
        where=excluded.place > newest_events.c.place,
    )


def _row(account: str, event: NewestEvent) -> dict[str, Any]:
    return {
        "account": account,
        "email": event.email,
        "user_id": event.user_id,
        "event_type": id_key(event.event_type),
        "subscription": id_key(event.subscription),
        "place": place_of(event.order),
        "message": event.message,
    }
