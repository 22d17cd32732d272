"""What each event did, as the ledger remembers it for some days."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, delete, select

from worker.errors import LedgerUnavailable
from worker.ledger.database import Database
from worker.ledger.rows import fitting
from worker.ledger.schema import accounts, history, subscribers
from worker.subscribers.identity import id_key
from worker.subscribers.parts import TagWish, tag_told

PORTION: Final = 5000
REST: Final = 0.1
"""SQLite lets those who wait look every 0.1 s whether they can write."""


@dataclass(frozen=True, slots=True)
class Line:
    """One event in the history.

    Attributes:
        email: Empty where nobody could be read of it, or it asked for nothing.
        event_type: Empty where none could be read.
        event_time: ISO 8601; the time of receipt where none could be read.
        at: When it ended, in seconds since 1970.
        outcome: applied, superseded, duplicate, ignored or dead_lettered.
        detail: Why it was dead-lettered.
        calls: Each with `call`, `what`, `status` and `rules`: 0 is the event's own lists, n its n-th rule.
            The status of a tag is 201 where it is known to be a new one, also in a call for many people.
        version: Of the account's file at that moment: the beginning of its SHA-256.
    """

    account: str
    email: str
    event_id: str | None
    event_type: str
    event_time: str
    at: float
    outcome: str
    detail: str
    calls: tuple[Mapping[str, Any], ...]
    version: str
    worker: str

    def is_about(self, tag: str) -> bool:
        """Tell whether the event put a tag on or took it off; tags compare without case."""
        wishes = (TagWish(tag.strip(), present) for present in (True, False))
        asked = {tag_told(wish).lower() for wish in wishes}
        return any(str(call["what"]).lower() in asked for call in self.calls)


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines, the newest first.

    Attributes:
        before: What `history_page` is given for the next older ones; None where there are none.
        numbers: Of the lines, for `line_of`.
    """

    lines: tuple[Line, ...]
    before: int | None
    numbers: tuple[int, ...] = ()


async def history_page(
    database: Database,
    *,
    account: str,
    emails: Collection[str] | None = None,
    before: int | None = None,
    limit: int = 50,
) -> Page:
    """Return a page of one account's lines.

    Args:
        database: The ledger's.
        account: Its name.
        emails: Of a person; None for anybody.
        before: Of the page that was shown last, what it says; None for the newest.
        limit: So many lines at most.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    rows = await _rows(database, emails, None, account, before=before, limit=limit + 1)
    shown = rows[:limit]
    older = shown[-1].id if len(rows) > limit else None
    return Page(tuple(map(_line, shown)), older, tuple(row.id for row in shown))


async def line_of(database: Database, account: str, number: int) -> Line | None:
    """Return the line of an account that has a number; None where the account has none of that.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    rows = await _rows(database, None, None, account, before=number + 1, limit=1)
    return _line(rows[0]) if rows and rows[0].id == number else None


async def find_history(
    database: Database,
    *,
    emails: Collection[str] | None = None,
    event_id: str | None = None,
    account: str | None = None,
    tag: str | None = None,
    limit: int = 1000,
) -> list[Line]:
    """Return the newest lines that fit all that is given, the oldest of them first.

    Args:
        database: The ledger's.
        emails: Of a person; None for anybody.
        event_id: As the publisher gave it; None for any event.
        account: Its name; None for any account.
        tag: One that was put on or taken off, in any case; None for all events.
        limit: So many lines at most.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    found, before = list[Line](), None
    portion = limit if tag is None else PORTION
    while len(found) < limit:
        rows = await _rows(database, emails, event_id, account, before=before, limit=portion)
        lines = [_line(row) for row in rows]
        found += [line for line in lines if tag is None or line.is_about(tag)]
        if len(rows) < portion:
            break
        before = rows[-1].id
    return found[:limit][::-1]


async def lines_of(database: Database, account: str, event_ids: Collection[str]) -> list[Line]:
    """Return the lines of these events of an account, the oldest first; raises as `find_history` does."""
    columns = [getattr(history.c, name) for name in Line.__dataclass_fields__]
    query = select(history.c.id, *columns).where(history.c.account == account)
    query = query.where(history.c.event_id.in_(map(id_key, event_ids))).order_by(history.c.id)
    async with database.read() as connection:
        return [_line(row) for row in await connection.execute(query)]


async def lines_saying(
    database: Database, account: str, text: str, *, after: int = 0, limit: int = PORTION
) -> list[tuple[int, Line]]:
    """Return lines of an account whose `detail` has a text, the oldest first, each with its number.

    Args:
        database: The ledger's.
        account: Its name.
        text: Which.
        after: Only lines with greater numbers.
        limit: So many at most.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    columns = [getattr(history.c, name) for name in Line.__dataclass_fields__]
    query = select(history.c.id, *columns).where(history.c.account == account, history.c.id > after)
    query = query.where(history.c.detail.contains(text, autoescape=True)).order_by(history.c.id).limit(limit)
    async with database.read() as connection:
        return [(row.id, _line(row)) for row in await connection.execute(query)]


async def _rows(
    database: Database,
    emails: Collection[str] | None,
    event_id: str | None,
    account: str | None,
    *,
    before: int | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Return lines older than one of them, the newest first."""
    columns = [getattr(history.c, name) for name in Line.__dataclass_fields__]
    query = select(history.c.id, *columns).order_by(history.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(history.c.id < before)
    query = fitting(query, history, emails, event_id, account)
    async with database.read() as connection:
        return (await connection.execute(query)).all()


def _line(row: Row[Any]) -> Line:
    values = {name: row._mapping[name] for name in Line.__dataclass_fields__}  # noqa: SLF001  # it is public
    try:
        return Line(**{**values, "calls": tuple(json.loads(row.calls))})
    except (ValueError, TypeError) as error:
        raise LedgerUnavailable(f"the ledger holds a line of {row.account} that cannot be read") from error


async def addresses(database: Database, email: str) -> set[str]:
    """Return an address, and where whoever had it has gone: the history went along.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    found, asked = {email}, set[str]()
    # In any account; naming them all lets the index find each row.
    left = subscribers.c.account.in_(select(accounts.c.account)) & subscribers.c.moved_to.is_not(None)
    async with database.read() as connection:
        while new := found - asked:
            asked |= new
            query = select(subscribers.c.moved_to).where(left, subscribers.c.email.in_(new))
            found.update((await connection.execute(query)).scalars())
    return found


async def prune_history(
    database: Database, before: float, *, portion: int = PORTION, rest: float = REST
) -> int:
    """Delete what ended before a moment, in seconds since 1970; return how many lines.

    It goes in portions, since who deletes millions of lines at once keeps everybody else from writing.

    Args:
        database: The ledger's.
        before: The moment.
        portion: Lines that are deleted in one transaction.
        rest: Seconds between two of these.

    Raises:
        LedgerUnavailable: The ledger could not be written; some may be gone.
    """
    pruned = 0
    old = select(history.c.id).where(history.c.at < before).order_by(history.c.at).limit(portion)
    while True:
        async with database.write() as connection:
            gone = (await connection.execute(delete(history).where(history.c.id.in_(old)))).rowcount
        pruned += gone
        if gone < portion:
            return pruned
        await asyncio.sleep(rest)
