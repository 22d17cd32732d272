"""The time by the ledger's own clock, on which all who share it agree, whatever their own say."""

from __future__ import annotations

from sqlalchemy import extract, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.clock import Clock


class LedgerTime:
    """Tells the time that is compared between hosts.

    Args:
        clock: This machine's, which is the ledger's own where that is a file.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def now(self, connection: AsyncConnection) -> float:
        """Return the time of day in seconds since 1970: PostgreSQL's, or for SQLite that of its only host."""
        if connection.dialect.name == "sqlite":
            return self._clock.time()
        asked = self._clock.monotonic()
        query = select(extract("epoch", func.clock_timestamp()))
        now = float((await connection.execute(query)).scalar_one())
        self._clock.heard("the ledger", now, within=self._clock.monotonic() - asked)
        return now
