"""How much happened, by the quarter of an hour: a few numbers, so that nobody counts lines of the history."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.ledger.database import Database
from worker.ledger.rows import adding
from worker.ledger.schema import counts
from worker.subscribers.known import Batch, HistoryEntry

QUARTER: Final = 900
"""Seconds."""
_NUMBERS: Final = ("applied", "superseded", "dead", "calls", "age", "aged")
_BY_OUTCOME: Final = {"applied": "applied", "superseded": "superseded", "dead_lettered": "dead"}


@dataclass(frozen=True, slots=True)
class Counts:
    """What happened in some time.

    Attributes:
        applied: Events that ended so; likewise `superseded`, and `dead` for new dead letters.
        calls: To Kit, answered or not.
        age: Seconds from event to applied, of `aged` events together: of those that no replay brought.
    """

    applied: int = 0
    superseded: int = 0
    dead: int = 0
    calls: int = 0
    age: float = 0.0
    aged: int = 0

    @property
    def mean_age(self) -> float:
        """Seconds from event to applied, on average."""
        return self.age / self.aged if self.aged else 0.0


async def write_counts(connection: AsyncConnection, account: str, batch: Batch, at: float) -> None:
    """Add what a batch tells, inside the caller's transaction: a row for each quarter, mostly one.

    Args:
        connection: Where.
        account: Its name; its row is locked, so nobody else adds to these.
        batch: What is written.
        at: When its calls were made, in seconds since 1970.
    """
    found: defaultdict[int, dict[str, float]] = defaultdict(lambda: dict.fromkeys(_NUMBERS, 0))
    for entry in batch.entries:
        _add(found[_quarter(entry.at)], entry)
    if batch.calls:
        found[_quarter(at)]["calls"] += batch.calls
    rows = [
        {"at": at, "account": account, **numbers} for at, numbers in found.items() if any(numbers.values())
    ]
    if rows:
        await connection.execute(adding(connection.dialect.name, counts, _NUMBERS), rows)


def _add(numbers: dict[str, float], entry: HistoryEntry) -> None:
    if entry.outcome in _BY_OUTCOME:
        numbers[_BY_OUTCOME[entry.outcome]] += 1
    if entry.age is not None:
        numbers["age"] += entry.age
        numbers["aged"] += 1


def _quarter(at: float) -> int:
    return int(at) // QUARTER * QUARTER


async def counted(
    database: Database, since: float, until: float, account: str | None = None
) -> dict[int, Counts]:
    """Return what happened, by the beginning of each quarter of an hour in which something did.

    Args:
        database: The ledger's.
        since: In seconds since 1970; the quarter in which that lies is the first one.
        until: Likewise; the last one.
        account: Whose; None for all together.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    quarters = range(_quarter(since), _quarter(until) + 1, QUARTER)
    numbers = [counts.c[name] for name in _NUMBERS]
    if account is None:
        sums = (func.sum(number) for number in numbers)
        query = select(counts.c.at, *sums).where(counts.c.at.between(quarters[0], quarters[-1]))
        query = query.group_by(counts.c.at)
    else:
        query = select(counts.c.at, *numbers).where(counts.c.at.in_(quarters), counts.c.account == account)
    async with database.read() as connection:
        return {at: _counts(found) for at, *found in await connection.execute(query)}


def _counts(found: list[float]) -> Counts:
    applied, superseded, dead, calls, age, aged = found
    return Counts(int(applied), int(superseded), int(dead), int(calls), float(age), int(aged))


async def prune_counts(database: Database, before: float) -> None:
    """Delete what happened before a moment, in seconds since 1970: a quarter of an hour at a time.

    Raises:
        LedgerUnavailable: The ledger could not be written; some may be gone.
    """
    oldest = select(func.min(counts.c.at)).where(counts.c.at < before - QUARTER).scalar_subquery()
    gone = 1
    while gone:
        async with database.write() as connection:
            gone = (await connection.execute(delete(counts).where(counts.c.at == oldest))).rowcount


async def drop_counts(database: Database, account: str) -> None:
    """Delete what is counted of an account; raises as `prune_counts` does."""
    async with database.write() as connection:
        await connection.execute(delete(counts).where(counts.c.account == account))
