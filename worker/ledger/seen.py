"""Which event types came lately, how often, and what became of them: from the history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select

from worker.ledger.database import Database
from worker.ledger.schema import history

LATELY: Final = 24 * 3600.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One event type in the last 24 hours.

    Attributes:
        last_at: When the last one ended, in seconds since 1970.
        outcomes: How many ended how.
    """

    last_at: float
    outcomes: Mapping[str, int]

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self.outcomes.values())


async def seen_lately(database: Database, account: str, now: float) -> dict[str, Seen]:
    """Return the event types that came in the last 24 hours, by type.

    Args:
        database: The ledger's.
        account: Its name.
        now: Seconds since 1970, by the clock of this machine: workers note the time by theirs.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    found: dict[str, Seen] = {}
    async with database.read() as connection:
        query = (
            select(
                history.c.event_type, history.c.outcome, func.count().label("count"), func.max(history.c.at)
            )
            .where(history.c.account == account, history.c.at > now - LATELY)
            .group_by(history.c.event_type, history.c.outcome)
        )
        for kind, outcome, count, last_at in await connection.execute(query):
            before = found.get(kind, Seen(0.0, {}))
            found[kind] = Seen(max(before.last_at, last_at), {**before.outcomes, outcome: count})
    return found
