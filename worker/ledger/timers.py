"""Timers that have run out, for whoever publishes what is due.

A timer stays until its event has come in again and has ended; see `ledger.due`. So nothing is lost where a
message is, and one can see how many are on their way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, bindparam, case, delete, func, select, tuple_, update

from worker.ledger.due import lock_timers, these_timers, write_due
from worker.ledger.schema import due
from worker.ledger.store import Ledger
from worker.subscribers.due_effect import DueEffect

MOST_AT_ONCE: Final = 100
"""Of one account, on their way at once: what comes in meanwhile never waits behind more than these."""
CLAIM: Final = 30.0
"""Seconds until another worker publishes what one has begun to publish, and was killed."""
LOST_AFTER: Final = 600.0
"""Seconds after which a message that has not come in may be lost; twice as many after each further one."""
LONGEST: Final = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Claimed:
    """A timer that has run out, and that nobody else publishes for a moment.

    Attributes:
        published: How often RabbitMQ has confirmed it so far.
    """

    id: str
    message: bytes
    published: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """The timers of one account.

    Attributes:
        count: How many there are, those that are on their way included.
        next_at: When the first of those that were never published takes effect, in seconds since 1970; None
            where there is none.
        published: How many were published, and have not ended.
    """

    count: int
    next_at: float | None
    published: int = 0

    def late(self, now: float) -> float:
        """Return for how many seconds the first one waits; not of those that a long plan keeps waiting."""
        if self.next_at is None or self.published >= MOST_AT_ONCE:
            return 0.0
        return max(0.0, now - self.next_at)


NONE_WAITING: Final = Waiting(0, None)


@dataclass(frozen=True, slots=True)
class Timers:
    """The timers of all accounts, by the ledger's clock. All methods raise `LedgerUnavailable`."""

    ledger: Ledger

    async def ran_out(self, names: Collection[str]) -> set[str]:
        """Return which of these accounts have something to publish now."""
        async with self.ledger.database.read() as connection:
            now = await self.ledger.time.now(connection)
            query = select(due.c.account).where(due.c.not_before <= now).distinct()
            return {name for name in (await connection.execute(query)).scalars() if name in names}

    async def claim(self, account: str, *, lost: bool) -> list[Claimed]:
        """Return what is to be published now, the oldest first, and keep others from it for a moment.

        Args:
            account: Whose.
            lost: Whether what was published, and has not come in for long, cannot be on its way any more.
        """
        async with self.ledger.database.write() as connection:
            now = await self.ledger.time.now(connection)
            on_their_way = (due.c.account == account) & (due.c.at <= now) & (due.c.not_before > now)
            count = (await connection.execute(select(func.count()).where(on_their_way))).scalar_one()
            query = select(due.c.id, due.c.message, due.c.published)
            query = query.where((due.c.account == account) & (due.c.not_before <= now))
            query = query.order_by(due.c.at, due.c.id).limit(max(0, MOST_AT_ONCE - count))
            # Of workers that look at once, each takes others (PostgreSQL; SQLite has one writer).
            found = await connection.execute(query.with_for_update(skip_locked=True))
            ran_out = [Claimed(*row) for row in found]
            claimed = [each for each in ran_out if lost or not each.published]
            waited_for = [each for each in ran_out if each not in claimed]
            for those, seconds in ((claimed, CLAIM), (waited_for, LOST_AFTER)):
                put_off = update(due).where(these_timers(account, [each.id for each in those]))
                await connection.execute(put_off.values(not_before=now + seconds))
        return claimed

    async def confirmed(self, account: str, claimed: Sequence[Claimed]) -> None:
        """Note that RabbitMQ has these, so that nobody publishes them any more; unless one does not come."""
        if not claimed:
            return
        this = (due.c.account == account) & (due.c.id == bindparam("of"))
        noted = update(due).where(this).values(published=bindparam("times"), not_before=bindparam("until"))
        async with self.ledger.database.write() as connection:
            await lock_timers(connection, account, [each.id for each in claimed])
            now = await self.ledger.time.now(connection)
            rows = [
                {"of": each.id, "times": each.published + 1, "until": now + _patience(each.published)}
                for each in claimed
            ]
            await connection.execute(noted, rows)

    async def release(self, account: str, claimed: Sequence[Claimed]) -> None:
        """Let anybody publish these again at once."""
        ids = [each.id for each in claimed]
        async with self.ledger.database.write() as connection:
            await lock_timers(connection, account, ids)
            await connection.execute(
                update(due).where(these_timers(account, ids)).values(not_before=due.c.at)
            )

    async def waiting(self) -> tuple[float, dict[str, Waiting]]:
        """Return what time it is, and the timers by account."""
        never_published = case((due.c.published == 0, due.c.at))
        published = func.count(case((due.c.published > 0, 1)))
        query = select(due.c.account, func.count(), func.min(never_published), published)
        async with self.ledger.database.read() as connection:
            now = await self.ledger.time.now(connection)
            rows = await connection.execute(query.group_by(due.c.account))
            return now, {account: Waiting(*counted) for account, *counted in rows}

    async def now(self) -> float:
        """Return what time it is."""
        async with self.ledger.database.read() as connection:
            return await self.ledger.time.now(connection)

    async def set(self, account: str, effects: Iterable[DueEffect]) -> None:
        """Set timers; one that is there already stays as it is."""
        async with self.ledger.database.write() as connection:
            await write_due(connection, account, (), effects)

    async def count(self, account: str, prefix: str) -> int:
        """Return how many timers of an account have an id that begins so."""
        query = select(func.count()).select_from(due).where(_begin_with(account, prefix))
        async with self.ledger.database.read() as connection:
            return (await connection.execute(query)).scalar_one()

    async def drop_these(self, account: str, ids: Collection[str]) -> None:
        """Delete these timers, as far as they are there."""
        async with self.ledger.database.write() as connection:
            await lock_timers(connection, account, ids)
            await connection.execute(delete(due).where(these_timers(account, ids)))

    async def drop_of(self, account: str, events: Collection[tuple[str | None, str, str]]) -> int:
        """Delete the timers of events, each by its id, type and time; return how many there were."""
        of = due.c.event_id, due.c.event_type, due.c.event_time
        theirs = (due.c.account == account) & tuple_(*of).in_(events)
        async with self.ledger.database.write() as connection:
            return (await connection.execute(delete(due).where(theirs))).rowcount

    async def drop_waiting(self, account: str, prefix: str) -> int:
        """Delete those timers whose id begins so that nobody publishes yet; return how many there were.

        What is on its way comes in all the same, and stays until it has ended.
        """
        waiting = _begin_with(account, prefix) & (due.c.not_before == due.c.at)
        async with self.ledger.database.write() as connection:
            return (await connection.execute(delete(due).where(waiting))).rowcount

    async def drop(self, account: str, prefix: str = "") -> int:
        """Delete an account's timers whose id begins so; return how many there were."""
        async with self.ledger.database.write() as connection:
            return (await connection.execute(delete(due).where(_begin_with(account, prefix)))).rowcount


def _begin_with(account: str, prefix: str) -> ColumnElement[bool]:
    return (due.c.account == account) & due.c.id.startswith(prefix, autoescape=True)


def _patience(published: int) -> float:
    return float(min(LOST_AFTER * 2.0**published, LONGEST))
