"""An account's records in the order in which Kit lists its people, and one of them as it is now."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from sqlalchemy import Row, Select, select, tuple_

from worker.ledger.database import Database
from worker.ledger.failures import DamagedRowError
from worker.ledger.record_json import UnreadableError, load_record
from worker.ledger.schema import due, subscribers
from worker.subscribers.record import Record

_OF: Final = subscribers.c


class ListedRecord(NamedTuple):
    """A record in the order in which Kit lists people.

    Attributes:
        updated_at: When it was last written, in seconds since 1970.
    """

    kit_id: int
    record: Record
    updated_at: float


class KitAccountOf(NamedTuple):
    """An account, and Kit's id of the one that it is there: records may be of another one, a sandbox perhaps.

    Attributes:
        kit_id: 0 where Kit does not say.
    """

    account: str
    kit_id: int = 0


async def in_order_of_kit(
    database: Database, of: KitAccountOf, after: tuple[int, str], upto: int | None, limit: int
) -> list[ListedRecord]:
    """Return records by Kit's id, and of one id by address.

    Args:
        database: The ledger's.
        of: Whose.
        after: The id and the address of the last one of the portion before.
        upto: The greatest id that is meant; None for all.
        limit: So many at most.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    query = _records(of).where(_OF.kit_id >= after[0], tuple_(_OF.kit_id, _OF.email) > after)
    query = query if upto is None else query.where(_OF.kit_id <= upto)
    async with database.read() as connection:
        rows = (await connection.execute(query.order_by(_OF.kit_id, _OF.email).limit(limit))).all()
    return [_listed(of.account, row) for row in rows]


async def record_now(database: Database, of: KitAccountOf, email: str) -> ListedRecord | None:
    """Return one record, if Kit's id of it is known; raises as `in_order_of_kit` does."""
    query = _records(of).where(_OF.email == email, _OF.kit_id.is_not(None))
    async with database.read() as connection:
        row = (await connection.execute(query)).one_or_none()
    return None if row is None else _listed(of.account, row)


async def is_due(database: Database, account: str, email: str, by: float) -> bool:
    """Tell whether something of a person takes effect by then, in seconds since 1970; raises likewise."""
    query = select(due.c.id).where(due.c.account == account, due.c.email == email, due.c.at <= by).limit(1)
    async with database.read() as connection:
        return (await connection.execute(query)).one_or_none() is not None


def _records(of: KitAccountOf) -> Select[Any]:
    query = select(_OF.email, _OF.kit_id, _OF.state, _OF.facts, _OF.updated_at).where(
        _OF.account == of.account
    )
    return query.where(_OF.kit_account.in_((0, of.kit_id))) if of.kit_id else query


def _listed(account: str, row: Row[Any]) -> ListedRecord:
    try:
        return ListedRecord(
            row.kit_id, load_record(row.email, row.kit_id, row.state, row.facts), row.updated_at
        )
    except UnreadableError as error:
        raise DamagedRowError(f"the ledger holds a row of {account} that cannot be read") from error
