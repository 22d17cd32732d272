"""What is done to dead letters in the background: which of them, how far it has come, and how it ended.

A run is about the letters whose rows it marks when it begins, and a row goes when its letter is done. So
whoever carries on after another one was killed knows what is left, and nothing is done to what came since.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.ledger.letter_tables import dead_letter_ends, dead_letter_runs, dead_letters
from worker.ledger.letters import LetterPlace
from worker.ledger.store import Ledger

KEPT: Final = 100
"""Runs of one account; of more the oldest go."""
SHOWN: Final = 10


class RunAction(StrEnum):
    """What is done to the letters."""

    REPLAY = "replay"
    DRY_RUN = "dry_run"
    """What a replay would do is told; nothing is done."""
    DISCARD = "discard"
    ARCHIVE = "archive"
    RESTORE = "restore"

    def fits(self, place: LetterPlace) -> bool:
        """Tell whether it can be done to letters in a queue."""
        return self is RunAction.DISCARD or (self is RunAction.RESTORE) == (place is LetterPlace.ARCHIVE)


class Wanted(NamedTuple):
    """What is to be done, to which letters.

    Attributes:
        who: Who wants it, in words that name no address.
        place: In which queue they are.
        reason: Of the group; empty where it is about one letter.
        letter: The id of the only letter, as `id_key` writes it; empty where a group is meant.
        oldest: Whether only the oldest of the group is meant.
        newest: The number of the last letter that is meant, such as that of the newest that somebody saw;
            None for all that are there.
        seen: How many somebody saw; where there are more, since some were restored, none is meant. None for
            however many.
    """

    action: RunAction
    who: str
    place: LetterPlace = LetterPlace.DEAD
    reason: str = ""
    letter: str = ""
    oldest: bool = False
    newest: int | None = None
    seen: int | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """Something that is done to dead letters, or was.

    Attributes:
        place: In which queue they are when it begins.
        reason: Of the group; empty where it is about one letter.
        letter: The number of the only letter; 0 where there are several.
        event_id: Of the only letter's event; empty where there are several, or it has none.
        started_at: In seconds since 1970, by the ledger's clock.
        ended_at: Likewise; None while it is under way.
        total: How many letters it was about when it began.
        done: How many of them it is done with.
        gone: How many of these were no longer in their queue.
        mood, result, remedy: How it ended, for people; empty while it is under way.
    """

    id: int
    account: str
    action: RunAction
    place: LetterPlace
    reason: str
    letter: int
    event_id: str
    who: str
    started_at: float
    ended_at: float | None
    total: int
    done: int
    gone: int
    mood: str
    result: str
    remedy: str


_OF: Final = dead_letter_runs.c
COLUMNS: Final = tuple(_OF[each.name] for each in fields(Run))
"""Of the runs' table, as `run_of` reads them."""
_ROW: Final = dead_letters.c
_END: Final = dead_letter_ends.c


@dataclass(frozen=True, slots=True)
class LetterRuns:
    """The runs of all accounts. All methods raise `LedgerUnavailable`."""

    ledger: Ledger

    async def begin(self, account: str, wanted: Wanted) -> Run | None:
        """Note that something is to be done, and to which letters; None where no letter is meant.

        Letters that another run is about are left to that one; a dry run takes none from others.

        Raises:
            ValueError: That cannot be done to letters in that queue.
        """
        if not wanted.action.fits(wanted.place):
            raise ValueError(f"{wanted.action} of letters in {wanted.place}")
        async with self.ledger.database.write() as connection:
            number = await _insert(connection, account, wanted, await self.ledger.time.now(connection))
            total, only = await _mark(connection, account, wanted, number)
            if not total:
                await connection.execute(delete(dead_letter_runs).where(_OF.id == number))
                return None
            noted = update(dead_letter_runs).where(_OF.id == number)
            await connection.execute(noted.values(total=total, **only))
            await _prune(connection, account)
        return await self.get(account, number)

    async def get(self, account: str, number: int) -> Run | None:
        """Return a run by its id; None where this account has none of that id."""
        query = select(*COLUMNS).where(_OF.account == account, _OF.id == number)
        async with self.ledger.database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else run_of(row)

    async def ends(self, account: str, number: int) -> Mapping[str, int]:
        """Return how many of the events that a run put back have ended, by kind of end, as `Line.outcome`."""
        query = select(_END.outcome, _END["count"]).where(_END.account == account, _END.run == number)
        async with self.ledger.database.read() as connection:
            return {row[0]: row[1] for row in await connection.execute(query)}

    async def latest(self, account: str, limit: int = SHOWN) -> list[Run]:
        """Return an account's newest runs, the newest of them first."""
        query = select(*COLUMNS).where(_OF.account == account).order_by(_OF.id.desc()).limit(limit)
        async with self.ledger.database.read() as connection:
            return [run_of(row) for row in await connection.execute(query)]


async def _insert(connection: AsyncConnection, account: str, wanted: Wanted, now: float) -> int:
    values = {
        "account": account, "action": wanted.action, "place": wanted.place, "reason": wanted.reason,
        "letter": 0, "event_id": "", "who": wanted.who, "started_at": now, "seen_at": 0.0,
        "total": 0, "done": 0, "gone": 0, "mood": "", "result": "", "remedy": "",
    }  # fmt: skip
    inserted = await connection.execute(insert(dead_letter_runs).values(values).returning(_OF.id))
    return int(inserted.scalar_one())


def _meant(account: str, wanted: Wanted) -> ColumnElement[bool]:
    """Return the condition for the letters that are meant."""
    these = (_ROW.letter_id == wanted.letter) if wanted.letter else (_ROW.reason == wanted.reason)
    if wanted.newest is not None:
        these &= _ROW.number <= wanted.newest
    return (_ROW.account == account) & (_ROW.place == wanted.place) & these


async def _mark(
    connection: AsyncConnection, account: str, wanted: Wanted, number: int
) -> tuple[int, dict[str, Any]]:
    """Let the letters that are meant be the run's; return how many there are, and which the only one is."""
    these = _meant(account, wanted)
    if wanted.action is RunAction.DRY_RUN:
        counted = select(func.count()).select_from(dead_letters).where(these)
        total = (await connection.execute(counted)).scalar_one()
    else:
        these &= _ROW.run.is_(None)
        if wanted.oldest:
            first = select(func.min(_ROW.number)).where(these)
            these = _ROW.number == first.scalar_subquery()
        elif wanted.seen is not None:
            there = select(func.count()).select_from(dead_letters).where(these)
            these &= there.scalar_subquery() <= wanted.seen
        total = (await connection.execute(update(dead_letters).where(these).values(run=number))).rowcount
        these = _ROW.run == number
    if total != 1:
        return total, {}
    only = (await connection.execute(select(_ROW.number, _ROW.event_id).where(these))).one()
    return total, {"letter": only.number, "event_id": only.event_id}


async def _prune(connection: AsyncConnection, account: str) -> None:
    """Delete an account's oldest runs, so that no more are kept than may be; none that is under way."""
    newest = select(_OF.id).where(_OF.account == account).order_by(_OF.id.desc()).offset(KEPT).limit(1)
    last = (await connection.execute(newest)).scalar()
    if last is not None:
        old = delete(dead_letter_runs).where(_OF.account == account, _OF.id <= last)
        await connection.execute(old.where(_OF.ended_at.is_not(None)))
        kept = select(_OF.id).where(_OF.account == account)
        ends = delete(dead_letter_ends).where(_END.account == account, _END.run.not_in(kept))
        await connection.execute(ends)


def run_of(row: Row[Any]) -> Run:
    """Return the run of a row."""
    values = dict(zip((each.name for each in fields(Run)), row, strict=True))
    return Run(**{**values, "action": RunAction(row.action), "place": LetterPlace(row.place)})
