"""The journal: what people have done by the page, when, and how it ended."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Final

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.ledger.schema import journal
from worker.ledger.store import Ledger
from worker.outside.texts import line

PAGE: Final = 50
"""Lines that are shown at once."""
FREE_TEXTS: Final = ("who", "what", "result")
"""What a line holds beside names and numbers of ours."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that somebody did.

    Attributes:
        account: Of which account; empty where it concerns all of them, or none.
        who: Who did it.
        action: A stable name of what was done, such as `replay`.
        what: To what, such as a reason, or a file's version.
        count: To how many.
        result: How it ended, in a sentence.
    """

    account: str
    who: str
    action: str
    what: str = ""
    count: int = 0
    result: str = ""


@dataclass(frozen=True, slots=True)
class JournalLine:
    """An action in the journal.

    Attributes:
        id: Greater than those of all lines before.
        at: When, in seconds since 1970, by the ledger's clock.
    """

    id: int
    at: float
    action: Action


async def write_line(connection: AsyncConnection, action: Action, now: float) -> None:
    """Add a line to the journal, inside the caller's transaction.

    Addresses and secrets in its free texts are masked, for `forget` does not look there. Names stay as they
    are: a word of an account's name may be somebody's secret, too.
    """
    told = {each.name: getattr(action, each.name) for each in fields(Action)}
    told |= {name: line(told[name]) for name in FREE_TEXTS}
    await connection.execute(insert(journal).values(at=now, **told))


@dataclass(frozen=True, slots=True)
class Journal:
    """The journal of all accounts. All methods raise `LedgerUnavailable`."""

    ledger: Ledger

    async def append(self, action: Action) -> None:
        """Add a line; see `write_line`."""
        async with self.ledger.database.write() as connection:
            await write_line(connection, action, await self.ledger.time.now(connection))

    async def page(
        self, account: str | None = None, *, before: int | None = None, limit: int = PAGE
    ) -> list[JournalLine]:
        """Return the newest lines, the newest of them first.

        Args:
            account: Whose; None for all accounts.
            before: Lines older than the one with this id only, as the next page needs them.
            limit: So many lines at most.
        """
        columns = [journal.c[each.name] for each in fields(Action)]
        query = select(journal.c.id, journal.c.at, *columns).order_by(journal.c.id.desc()).limit(limit)
        if account is not None:
            query = query.where(journal.c.account == account)
        if before is not None:
            query = query.where(journal.c.id < before)
        async with self.ledger.database.read() as connection:
            rows = (await connection.execute(query)).all()
        return [JournalLine(number, at, Action(*told)) for number, at, *told in rows]

    async def count(self, account: str, action: str, what: str) -> int:
        """Return how often an action was done to something of an account."""
        that = (journal.c.account == account) & (journal.c.action == action) & (journal.c.what == what)
        query = select(func.count()).select_from(journal).where(that)
        async with self.ledger.database.read() as connection:
            return (await connection.execute(query)).scalar_one()

    async def done_before(self, account: str, action: str, what: str) -> int:
        """Return to how many things of an account an action was done before it was done to one, or so far."""
        of = journal.c
        done = (of.account == account) & (of.action == action)
        first = select(func.min(of.id)).where(done, of.what == what).scalar_subquery()
        before = select(func.count(of.what.distinct())).where(done, of.what != what)
        before = before.where(of.id < func.coalesce(first, of.id + 1))
        async with self.ledger.database.read() as connection:
            return (await connection.execute(before)).scalar_one()

    async def latest(self, account: str, what: str) -> JournalLine | None:
        """Return the newest line of an account about something; None where there is none."""
        columns = [journal.c[each.name] for each in fields(Action)]
        query = select(journal.c.id, journal.c.at, *columns).order_by(journal.c.id.desc()).limit(1)
        query = query.where(journal.c.account == account, journal.c.what == what)
        async with self.ledger.database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else JournalLine(row.id, row.at, Action(*row[2:]))

    async def of(self, account: str, actions: Collection[str], limit: int) -> list[JournalLine]:
        """Return an account's newest lines of some actions, the newest of them first; so many at most."""
        columns = [journal.c[each.name] for each in fields(Action)]
        query = select(journal.c.id, journal.c.at, *columns).order_by(journal.c.id.desc()).limit(limit)
        query = query.where(journal.c.account == account, journal.c.action.in_(actions))
        async with self.ledger.database.read() as connection:
            rows = (await connection.execute(query)).all()
        return [JournalLine(number, at, Action(*told)) for number, at, *told in rows]

    async def drop(self, account: str) -> int:
        """Delete an account's lines; return how many there were."""
        async with self.ledger.database.write() as connection:
            return (await connection.execute(delete(journal).where(journal.c.account == account))).rowcount
