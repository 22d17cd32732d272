"""What the ledger knows of one person, and which events said so; nobody's turn is needed to look."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.ledger.database import Database
from worker.ledger.failures import DamagedRowError
from worker.ledger.record_json import UnreadableError, load_record
from worker.ledger.schema import accounts, history, subscribers
from worker.ledger.signs import signs_of
from worker.ledger.takeover import Tenure, read_recent_moves
from worker.subscribers.known import RecentMoves
from worker.subscribers.record import Record


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """One person in one account.

    Attributes:
        addresses: All of the person's, also those of before.
        user_ids: The platform's, as the ledger keys them.
        record: What is known under the address that the person has now; None where nothing is.
    """

    addresses: frozenset[str]
    user_ids: frozenset[str]
    record: Record | None


@dataclass(frozen=True, slots=True)
class Cause:
    """The event that set something.

    Attributes:
        event_time: ISO 8601.
        event_type: Empty where the history does not reach back so far, or several are of that time.
        event_id: As the publisher gave it; None where it did not, or likewise.
        version: Of the account's file at that moment; empty likewise.
        rule: Of the event's mapping: 0 for its own lists, n for its n-th rule.
    """

    event_time: str
    event_type: str = ""
    event_id: str | None = None
    version: str = ""
    rule: int = 0


async def known_person(database: Database, account: str, email: str) -> KnownPerson:
    """Return what an account knows of a person.

    Args:
        database: The ledger's.
        account: Its name.
        email: An address, as `normalize_email` writes it, that the person has or had.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    async with database.read() as connection:
        addresses, user_ids, _ = await signs_of(connection, account, {email})
        records = await _records(connection, account, addresses)
    return KnownPerson(frozenset(addresses), frozenset(user_ids), _present(records, email))


async def records_of(database: Database, account: str, emails: Collection[str]) -> Mapping[str, Record]:
    """Return what an account knows under these addresses; raises as `known_person` does."""
    async with database.read() as connection:
        return await _records(connection, account, emails)


async def tenure_now(database: Database, account: str) -> Tenure | None:
    """Return whose turn it is in an account, to look at what is known; None where it never was anybody's.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    of = accounts.c
    query = select(of.epoch, of.created_tags, of.known_since, of.home_app).where(of.account == account)
    async with database.read() as connection:
        found = (await connection.execute(query)).one_or_none()
    if found is None or found.home_app is None:
        return None
    return Tenure(
        account, found.epoch, found.created_tags, known_since=found.known_since, home_app=found.home_app
    )


async def moves_lately(database: Database, account: str, now: float) -> RecentMoves:
    """Return how many people of an account got another address in the hour before a moment.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    async with database.read() as connection:
        return await read_recent_moves(connection, account, now)


async def causes(
    database: Database, account: str, addresses: Collection[str], times: Collection[str]
) -> Mapping[str, Cause]:
    """Return which event of a person was of which time, as far as the history tells them apart.

    Args:
        database: The ledger's.
        account: Its name.
        addresses: The person's.
        times: Of the events, ISO 8601.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    of = history.c
    query = (
        select(of.id, of.event_time, of.event_type, of.event_id, of.version)
        .where(of.email.in_(addresses), of.account == account, of.event_time.in_(times))
        .where(of.outcome.not_in(("duplicate", "ignored")))
    )
    async with database.read() as connection:
        rows = (await connection.execute(query)).all()
    found: dict[str, Cause] = {}
    for _, time, kind, event_id, version in sorted(rows, key=lambda row: row.id):
        cause, before = Cause(time, kind, event_id, version), found.get(time)
        # One that was replayed ended twice, the last time under the file of then.
        found[time] = cause if before is None or _is_same(before, cause) else Cause(time)
    return found


def _is_same(one: Cause, other: Cause) -> bool:
    return (one.event_type, one.event_id) == (other.event_type, other.event_id)


async def _records(
    connection: AsyncConnection, account: str, addresses: Collection[str]
) -> Mapping[str, Record]:
    of = subscribers.c
    query = select(of.email, of.kit_id, of.state, of.facts).where(
        of.account == account, of.email.in_(addresses)
    )
    try:
        return {row.email: load_record(*row) for row in await connection.execute(query)}
    except UnreadableError as error:
        raise DamagedRowError(f"the ledger holds a row of {account} that cannot be read") from error


def _present(records: Mapping[str, Record], email: str) -> Record | None:
    """Return the record of the address that the person has now."""
    record, passed = records.get(email), {email}
    while record is not None and record.is_left and record.moved is not None:
        if record.moved.to in passed:
            return record
        passed.add(record.moved.to)
        record = records.get(record.moved.to)
    return record
