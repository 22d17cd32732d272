"""Rows of the index of dead letters, written beside the rest of a batch, and erased with their person."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import Any

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.ledger.letter_tables import dead_letter_ends, dead_letters
from worker.ledger.rows import adding, insert
from worker.subscribers.identity import id_of, plain
from worker.subscribers.known import LetterEntry


class LetterPlace(StrEnum):
    """In which of an account's queues a letter is."""

    DEAD = "dead"
    ARCHIVE = "archive"


async def write_letters(
    connection: AsyncConnection,
    account: str,
    entries: Iterable[LetterEntry],
    now: float,
    place: LetterPlace = LetterPlace.DEAD,
) -> None:
    """Note that these letters are in a queue, inside the caller's transaction; notes about them stay.

    Args:
        connection: To the ledger's database.
        account: Whose letters.
        entries: In the queue's order.
        now: By the ledger's clock: whoever looks through the queue from later on meets them.
        place: Which queue.
    """
    rows = [_row(account, each, now, place) for each in entries]
    if not rows:
        return
    statement = insert(connection, dead_letters)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in {"account", "letter_id"}}
    keys = ["account", "letter_id"]
    await connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), rows)


async def write_ends(connection: AsyncConnection, account: str, ends: Mapping[tuple[int, str], int]) -> None:
    """Add how events ended that runs put back, inside the caller's transaction.

    A worker that is killed between this and its ack leaves an event to another, which ends it once more.

    Args:
        connection: Where.
        account: Its name; its row is locked, so nobody else adds to these.
        ends: How many, by run and by kind of end.
    """
    if ends:
        rows = [
            {"account": account, "run": run, "outcome": outcome, "count": count}
            for (run, outcome), count in ends.items()
        ]
        await connection.execute(adding(connection.dialect.name, dead_letter_ends, ("count",)), rows)


async def erase_letters(
    connection: AsyncConnection, account: str, emails: Collection[str], user_ids: Collection[str]
) -> None:
    """Erase the rows about a person, inside the caller's transaction.

    An id is taken for the person's in whichever app. Where that is too much, a look at the queue brings the
    rows back.
    """
    by_id = dead_letters.c.user_id.in_([id_of(each) for each in user_ids])
    theirs = dead_letters.c.email.in_(emails) | by_id
    await connection.execute(delete(dead_letters).where(dead_letters.c.account == account, theirs))


def _row(account: str, entry: LetterEntry, now: float, place: LetterPlace) -> dict[str, Any]:
    return {
        "account": account,
        "letter_id": entry.id,
        "place": place,
        "reason": plain(entry.reason),
        "detail": plain(entry.detail),
        "event_type": plain(entry.event_type),
        "event_id": plain(entry.event_id),
        "event_time": plain(entry.event_time),
        "failed_at": plain(entry.failed_at),
        "attempts": entry.attempts,
        "email": plain(entry.email),
        "user_id": entry.user_id,
        "noted_at": now,
    }
