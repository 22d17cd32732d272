"""What takes effect later: the rows of the ledger's timers, written beside the rest of a batch, and found.

A timer is there from the moment on when its event was settled, until the event has come in again and has
ended, in whichever way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.events.values import time_text
from worker.ledger.database import Database
from worker.ledger.rows import fitting, insert
from worker.ledger.schema import due
from worker.subscribers.due_effect import DueAnew, DueEffect, EventName, SetTimer
from worker.subscribers.identity import id_key, plain
from worker.subscribers.parts import TagWish, tag_told


async def write_due(
    connection: AsyncConnection, account: str, past: Collection[str], new: Iterable[DueEffect]
) -> None:
    """Cross off what has come in, and set new timers, inside the caller's transaction.

    One that is there already stays as it is: the same event was told twice.
    """
    if past:
        await lock_timers(connection, account, past)
        await connection.execute(delete(due).where(these_timers(account, past)))
    if rows := [_due_row(account, each) for each in new]:
        await connection.execute(insert(connection, due).on_conflict_do_nothing(), rows)


async def write_anew(connection: AsyncConnection, account: str, heard: Iterable[tuple[str, DueAnew]]) -> None:
    """Of events that were heard anew, set the timers that they ask for, and no others.

    Args:
        connection: Inside the caller's transaction.
        account: Whose.
        heard: By the address that the person of the events has now.
    """
    of_people = {plain(email): anew for email, anew in heard}
    if not of_people:
        return
    theirs = (due.c.account == account) & due.c.email.in_(of_people)
    found = await connection.execute(
        select(due.c.email, due.c.id, due.c.event_type, due.c.event_id, due.c.event_time).where(theirs)
    )
    rows = {
        effect.id: {**_due_row(account, effect), "email": email}
        for email, anew in of_people.items()
        for effect in anew.effects
    }
    old = [
        id_
        for email, id_, *event in found
        if id_ not in rows and EventName(*event) in of_people[email].events
    ]
    await lock_timers(connection, account, [*old, *rows])
    await connection.execute(delete(due).where(these_timers(account, old)))
    if rows:
        statement = insert(connection, due)
        told = statement.on_conflict_do_update(
            index_elements=[due.c.account, due.c.id], set_={"what": statement.excluded.what}
        )
        await connection.execute(told, list(rows.values()))


async def timers_of(
    database: Database, account: str, emails: Collection[str]
) -> Mapping[str, Sequence[SetTimer]]:
    """Return the timers of people of an account, by their addresses.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    found = dict[str, list[SetTimer]]()
    query = select(due.c.email, due.c.id, due.c.what, due.c.event_type, due.c.event_id, due.c.event_time)
    async with database.read() as connection:
        theirs = (due.c.account == account) & due.c.email.in_([plain(email) for email in emails])
        for email, id_, what, *event in await connection.execute(query.where(theirs)):
            found.setdefault(email, []).append(SetTimer(id_, what, EventName(*event)))
    return found


async def lock_timers(connection: AsyncConnection, account: str, ids: Collection[str]) -> None:
    """Let nobody else write these until the end of the caller's transaction.

    All take them in one order: of those who hold what the other needs, PostgreSQL ends one.
    """
    query = select(due.c.id).where(these_timers(account, ids)).order_by(due.c.id)
    await connection.execute(query.with_for_update())


def these_timers(account: str, ids: Collection[str]) -> ColumnElement[bool]:
    """Return the condition for the timers of these ids."""
    return (due.c.account == account) & due.c.id.in_(ids)


async def move_due(connection: AsyncConnection, account: str, old: str, new: str) -> None:
    """Let the timers of an address follow it, inside the caller's transaction."""
    moved = update(due).where(due.c.account == account, due.c.email == old)
    await connection.execute(moved.values(email=new))


async def erase_due(
    connection: AsyncConnection, account: str, emails: Collection[str], user_ids: Collection[str]
) -> int:
    """Delete the timers of a person, inside the caller's transaction; return how many there were."""
    theirs = due.c.email.in_(emails) | due.c.user_id.in_(user_ids)
    return (await connection.execute(delete(due).where(due.c.account == account, theirs))).rowcount


def _due_row(account: str, effect: DueEffect) -> Mapping[str, Any]:
    return {
        "account": account,
        "id": effect.id,
        "at": effect.at,
        "not_before": effect.at,
        "email": plain(effect.email),
        "user_id": effect.user_id,
        "event_type": plain(effect.event_type),
        "event_id": None if effect.event_id is None else id_key(effect.event_id),
        "event_time": time_text(effect.event_time),
        "what": plain(effect.what),
        "message": effect.message,
    }


# -- for people -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer, for people.

    Attributes:
        at: When it takes effect, in seconds since 1970.
        event_time: ISO 8601.
        what: What it will do then.
    """

    account: str
    email: str
    event_id: str | None
    event_type: str
    event_time: str
    at: float
    what: str

    def is_about(self, tag: str) -> bool:
        """Tell whether it will put a tag on, or take it off; tags compare without case."""
        return tag_told(TagWish(tag.strip(), present=True)).lower() in self.what.lower()


async def find_due(
    database: Database,
    *,
    emails: Collection[str] | None = None,
    event_id: str | None = None,
    account: str | None = None,
    tag: str | None = None,
    limit: int = 1000,
) -> list[Timer]:
    """Return the timers that fit all that is given, those that run out first.

    Args:
        database: The ledger's.
        emails: Of a person; None for anybody.
        event_id: As the publisher gave it; None for any event.
        account: Its name; None for any account.
        tag: One that will be put on or taken off, in any case; None for all events.
        limit: So many at most.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    columns = [getattr(due.c, name) for name in Timer.__dataclass_fields__]
    query = select(*columns).order_by(due.c.at, due.c.id).limit(limit if tag is None else None)
    query = fitting(query, due, emails, event_id, account)
    async with database.read() as connection:
        found = (Timer(*row) for row in await connection.execute(query))
        return [timer for timer in found if tag is None or timer.is_about(tag)][:limit]
