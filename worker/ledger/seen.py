"""Which event types came, when last, how often lately, and what became of them: from the history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Select, func, select

from worker.ledger.database import Database
from worker.ledger.schema import history

LATELY: Final = 24 * 3600.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One event type.

    Attributes:
        last_at: When the last one ended, in seconds since 1970.
        outcomes: How many ended how in the last 24 hours.
    """

    last_at: float
    outcomes: Mapping[str, int]

    @property
    def count(self) -> int:
        """How many there were in the last 24 hours."""
        return sum(self.outcomes.values())


async def seen_lately(database: Database, account: str, now: float) -> dict[str, Seen]:
    """Return the event types of which the history has a line, by type; also of those that were ignored.

    Args:
        database: The ledger's.
        account: Its name.
        now: Seconds since 1970, by the clock of this machine: workers note the time by theirs.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    since = now - LATELY
    async with database.read() as connection:
        found = {kind: Seen(last, {}) for kind, last in await connection.execute(_last(account))}
        lately = [kind for kind, seen in found.items() if seen.last_at > since]
        for kind, outcome, count in await connection.execute(_counted(account, lately, since)):
            seen = found[kind]
            found[kind] = replace(seen, outcomes={**seen.outcomes, outcome: count})
    return found


async def event_types(database: Database, account: str) -> list[str]:
    """Return the event types of which the history has a line; raises as `seen_lately` does."""
    async with database.read() as connection:
        return [kind for kind, _ in await connection.execute(_last(account)) if kind]


def _last(account: str) -> Select[Any]:
    """Select each type with its last time; an index leads from one type to the next, past all its lines."""
    of, kind = history.c, func.min(history.c.event_type).label("kind")
    kinds = select(kind).where(of.account == account).cte("kinds", recursive=True)
    after = select(kind).where(of.account == account, of.event_type > kinds.c.kind).scalar_subquery()
    kinds = kinds.union_all(select(after).where(kinds.c.kind.is_not(None)))
    last = select(func.max(of.at)).where(of.account == account, of.event_type == kinds.c.kind)
    return select(kinds.c.kind, last.scalar_subquery()).where(kinds.c.kind.is_not(None))


def _counted(account: str, kinds: list[str], since: float) -> Select[Any]:
    of = history.c
    return (
        select(of.event_type, of.outcome, func.count())
        .where(of.account == account, of.event_type.in_(kinds), of.at > since)
        .group_by(of.event_type, of.outcome)
    )
