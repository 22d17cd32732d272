"""How an account comes to another holder: by a number that no tenure has had, in no ledger that ever was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.ledger.rows import insert_account
from worker.ledger.schema import accounts

RELEASE_COUNTS: Final = 60.0
"""Seconds for which the word of a holder who left counts: a restart is faster, and no backup put back is."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a new holder is told; see `Tenure`."""

    epoch: int
    created_tags: int
    known_since: float
    in_doubt: bool


async def take_over(connection: AsyncConnection, account: str, *, holder: str, now: float) -> Taken:
    """Give an account to a holder, inside the caller's transaction; `now` is in seconds since 1970."""
    await connection.execute(insert_account(connection, account))
    ours = accounts.c.account == account
    # Locked, so that each of those who take at once has a number of its own (PostgreSQL).
    before = (await connection.execute(select(accounts).where(ours).with_for_update())).one()
    # Of what was released long ago, or in the future, much may have happened that this ledger, put back
    # from a copy perhaps, knows nothing of. And where clocks differ, the later one counts.
    clean = before.released_at is not None and abs(now - before.released_at) <= RELEASE_COUNTS
    known_since = before.known_since if clean else max(now, before.written_at)
    epoch = _next_epoch(before.epoch, now)
    values = {"epoch": epoch, "holder": holder, "written_at": now, "known_since": known_since}
    await connection.execute(update(accounts).where(ours).values(**values, released_at=None, batch=0))
    was_held = before.written_at > 0
    return Taken(epoch, before.created_tags, known_since, was_held and not clean)


def _next_epoch(before: int, now: float) -> int:
    """Return a greater number, which is the time where that can be.

    In a ledger that was emptied, or put back from a copy, mere counting would give the numbers of tenures
    that still run.
    """
    return max(before + 1, round(now * 1000))
