"""How an account comes to another holder: by a number that no tenure has had, in no ledger that ever was."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, case, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.clock import MAX_SKEW
from worker.events.delivery import NEVER
from worker.ledger.names import read_names
from worker.ledger.rows import insert_account
from worker.ledger.schema import accounts, people
from worker.ledger.taggings import take_recent_taggings
from worker.ledger.witness import Witness
from worker.subscribers.identity import home_app
from worker.subscribers.known import NO_MOVES, NO_TAGGINGS, KitName, RecentMoves, RecentTaggings
from worker.subscribers.move_guard import WITHIN

RELEASE_COUNTS: Final = 60.0
"""Seconds for which the word of a holder who left counts, by the ledger's clock."""


@dataclass(frozen=True, slots=True)
class Tenure:
    """A worker's time with an account.

    Attributes:
        epoch: Its number; whoever takes the account next has a greater one.
        created_tags: How many tags placeholders have created in this account so far.
        kit_account: Kit's id of the account behind the credential; 0 where Kit did not say. What was done in
            another one, a sandbox perhaps, is still to be done in this.
        known_since: Seconds since 1970. What Kit answered before may be out of date: a holder since then
            has left without saying what became of its last calls.
        in_doubt: Whether that was the last holder, some of whose calls may still be under way.
        not_before: When the account was last written for by another one's clock, or ours.
        batch: The number of the last batch that was written in it.
        went_back: Whether the ledger is older than it was: the last tenure that was seen is not in it.
        names: What names in the account's file have meant in Kit so far.
        home_app: Whose ids tell people apart by themselves; see `person_key`.
        recent_moves: How many people moved lately, and of how many.
        recent_taggings: How many new taggings there were lately.
    """

    account: str
    epoch: int
    created_tags: int
    kit_account: int = 0
    known_since: float = 0.0
    in_doubt: bool = False
    not_before: datetime = NEVER
    batch: int = 0
    went_back: bool = False
    names: tuple[KitName, ...] = ()
    home_app: str = ""
    recent_moves: RecentMoves = NO_MOVES
    recent_taggings: RecentTaggings = NO_TAGGINGS


@dataclass(frozen=True, slots=True)
class Taker:
    """Who takes, and what time it is, in seconds since 1970.

    Attributes:
        kit_account: See `Tenure`.
        now: By the taker's own clock, as the times of Kit's answers are.
        shared: By the ledger's clock.
        witness: What the taker has seen of the ledger.
        apps: Those of the account, as its file is now.
    """

    name: str
    kit_account: int
    now: float
    shared: float
    witness: Witness
    apps: Collection[str] = ()


async def take_over(connection: AsyncConnection, account: str, taker: Taker) -> Tenure:
    """Give an account to a holder, inside the caller's transaction."""
    await connection.execute(insert_account(connection, account))
    ours = accounts.c.account == account
    # Locked, so that each of those who take at once has a number of its own (PostgreSQL).
    before = (await connection.execute(select(accounts).where(ours).with_for_update())).one()
    newest, now = taker.witness.newest(account), taker.now
    # Where clocks differ, the later one counts.
    clean = _is_clean(account, before, taker)
    known_since = before.known_since if clean else max(now, before.written_at)
    epoch = _next_epoch(max(before.epoch, newest), taker.shared)
    # What it was at first it stays, for ids were kept by it.
    home = home_app(taker.apps) if before.home_app is None else before.home_app
    values = {"epoch": epoch, "holder": taker.name, "known_since": known_since, "written_at": later(now)}
    values |= {"home_app": home}
    await connection.execute(update(accounts).where(ours).values(**values, released_at=None, batch=0))
    was_held = max(before.written_at, newest) > 0
    return Tenure(
        account,
        epoch,
        before.created_tags,
        taker.kit_account,
        known_since,
        in_doubt=was_held and not clean,
        not_before=datetime.fromtimestamp(before.written_at, UTC) if _is_sane(before, now) else NEVER,
        went_back=before.epoch < newest,
        names=await read_names(connection, account, taker.kit_account),
        home_app=home,
        recent_moves=await read_recent_moves(connection, account, now),
        recent_taggings=await take_recent_taggings(connection, account, now),
    )


async def read_recent_moves(connection: AsyncConnection, account: str, now: float) -> RecentMoves:
    """Return an account's moves within the last hour, inside the caller's transaction."""
    ours = people.c.account == account
    moved = select(people.c.moved_at).where(ours, people.c.moved_at.between(now - WITHIN, now))
    known = select(func.count()).select_from(people).where(ours)
    times = tuple((await connection.execute(moved)).scalars())
    return RecentMoves(times, (await connection.execute(known)).scalar() or 0)


def later(now: float | ColumnElement[float]) -> ColumnElement[float]:
    """Return the time of the last write from now on: it does not go back where clocks differ a little."""
    written_at = accounts.c.written_at
    return case((written_at.between(now, now + 2 * MAX_SKEW), written_at), else_=now)


def _is_sane(before: Row[Any], now: float) -> bool:
    """Tell whether the account was last written for at a time that can be: no clock was off by a day, say."""
    return bool(before.written_at <= now + 2 * MAX_SKEW)


def _is_clean(account: str, before: Row[Any], taker: Taker) -> bool:
    """Tell whether all that was called is answered and written in this ledger, by the last holder's word.

    Not where the word is not the last one: of a copy that was put back, much may have happened since that it
    knows nothing of. Nor where it is long ago, or in the future.
    """
    if before.released_at is None or not taker.witness.knows(account, before.epoch):
        return False
    return bool(abs(taker.shared - before.released_at) <= RELEASE_COUNTS)


def _next_epoch(before: int, now: float) -> int:
    """Return a greater number, which is the time where that can be.

    In a ledger that was emptied, or put back from a copy, mere counting would give the numbers of tenures
    that still run.
    """
    return max(before + 1, round(now * 1000))
