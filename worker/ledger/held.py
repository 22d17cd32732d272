"""Which new taggings are held, for people, and how they are let through.

What is let through has a timer from then on, as all that comes in later has (`ledger.due`). Its row stays
until the worker has put the tag on; where the timer is gone before, it is held as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import ColumnElement, bindparam, case, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.ledger.due import write_due
from worker.ledger.schema import accounts, due
from worker.ledger.store import Ledger
from worker.ledger.tagging_tables import held_taggings
from worker.subscribers.due_effect import DueEffect

PORTION: Final = 1000
"""Taggings that are let through in one transaction."""
_OF: Final = held_taggings.c


@dataclass(frozen=True, slots=True)
class HeldGroup:
    """What is held of one tag by one type of event.

    Attributes:
        event_type: Empty where it is not known any more.
        people: How many would get the tag.
        oldest: When the first of the events was, ISO 8601.
        newest: When the last one was.
        examples: Addresses of some of the people.
    """

    event_type: str
    tag: str
    people: int
    oldest: str
    newest: str
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HeldPlan:
    """What is held in an account, as one can see it and let it through.

    Attributes:
        groups: The largest first.
        count: How many taggings that is, those on their way apart.
        on_the_way: How many were let through, and are not put on yet.
        hash: Of all that is held; empty where nothing is. What is held later changes nothing about it.
    """

    account: str
    groups: tuple[HeldGroup, ...]
    count: int
    on_the_way: int
    hash: str


class PlanGoneError(Exception):
    """What is held is not any more what a plan says."""


@dataclass(frozen=True, slots=True)
class _Marks:
    """What a hash is made of: numbers only grow, and none comes again."""

    count: int
    last: int
    total: int

    def hash(self, account: str) -> str:
        text = f"{account}\0{self.count}\0{self.last}\0{self.total}"
        return f"{self.last:x}-{sha256(text.encode()).hexdigest()[:8]}"


async def held_plan(ledger: Ledger, account: str) -> HeldPlan:
    """Return what is held in an account; raises `LedgerUnavailable`."""
    on_the_way = select(func.count()).where(_OF.account == account, _is_on_the_way())
    columns = [
        _OF.event_type, _OF.tag, func.count(), func.min(_OF.event_time), func.max(_OF.event_time),
        func.min(_OF.email), func.max(_OF.email), func.max(_OF.number), func.sum(_OF.number),
    ]  # fmt: skip
    query = select(*columns).where(_is_held(account)).group_by(_OF.event_type, _OF.tag)
    async with ledger.database.read() as connection:
        rows = (await connection.execute(query)).all()
        sent = (await connection.execute(on_the_way)).scalar_one()
    found = [
        HeldGroup(kind, tag, count, oldest, newest, tuple(sorted({one, other})))
        for kind, tag, count, oldest, newest, one, other, _, _ in rows
    ]
    groups = sorted(found, key=lambda group: (-group.people, group.tag, group.event_type))
    count = sum(group.people for group in groups)
    marks = _Marks(count, max((row[7] for row in rows), default=0), sum(int(row[8]) for row in rows))
    return HeldPlan(account, tuple(groups), count, sent, marks.hash(account) if count else "")


async def held_counts(ledger: Ledger) -> dict[str, int]:
    """Return how many taggings are held in each account, those on their way apart."""
    waiting = func.sum(case((_is_on_the_way(), 0), else_=1))
    query = select(_OF.account, waiting).group_by(_OF.account)
    async with ledger.database.read() as connection:
        return {account: int(count) for account, count in await connection.execute(query) if count}


async def let_through(
    ledger: Ledger,
    account: str,
    effect: Callable[[str, Sequence[str], float], DueEffect],
    *,
    plan: str | None = None,
    count: int | None = None,
) -> int:
    """Let through what is held; return how many taggings that is.

    Args:
        ledger: Where.
        account: Its name.
        effect: Returns the timer that lets tags of a person through, given the address and a moment.
        plan: The hash of what is let through, and nothing that was held since.
        count: So many of the oldest at most; None for all of the plan.

    Raises:
        PlanGoneError: It is not any more what the plan says; nothing was let through.
        LedgerUnavailable: Perhaps some are let through; the others are held as before.
    """
    last = None if plan is None else await _check(ledger, account, plan)
    done = 0
    while count is None or done < count:
        limit = PORTION if count is None else min(PORTION, count - done)
        async with ledger.database.write() as connection:
            now = await ledger.time.now(connection)
            portion = await _let_some_through(connection, account, effect, (last, limit, now))
        done += portion
        if portion < limit:
            break
    return done


async def _check(ledger: Ledger, account: str, plan: str) -> int:
    """Return the number of the last tagging of a plan."""
    try:
        last = int(plan.partition("-")[0], 16)
    except ValueError as error:
        raise PlanGoneError from error
    marks = select(func.count(), func.max(_OF.number), func.sum(_OF.number))
    query = marks.where(_is_held(account), _OF.number <= min(last, 2**62))
    async with ledger.database.read() as connection:
        count, newest, total = (await connection.execute(query)).one()
    if not count or _Marks(count, newest, int(total)).hash(account) != plan:
        raise PlanGoneError
    return last


async def _let_some_through(
    connection: AsyncConnection,
    account: str,
    effect: Callable[[str, Sequence[str], float], DueEffect],
    which: tuple[int | None, int, float],
) -> int:
    last, limit, now = which
    # First, as in a worker's write: of two who hold what the other needs, PostgreSQL ends one.
    ours = select(accounts.c.account).where(accounts.c.account == account)
    await connection.execute(ours.with_for_update())
    query = select(_OF.email, _OF.tag, _OF.number).where(_is_held(account)).order_by(_OF.number).limit(limit)
    query = query if last is None else query.where(_OF.number <= last)
    rows: list[Any] = list(await connection.execute(query))
    effects, timers = list[DueEffect](), list[dict[str, Any]]()
    for email, theirs in groupby(sorted(rows, key=itemgetter(0)), key=itemgetter(0)):
        tags = list(theirs)
        effects.append(effect(email, [tag for _, tag, _ in tags], now))
        timers += [{"of": number, "by": effects[-1].id} for _, _, number in tags]
    if timers:
        noted = update(held_taggings).where(_OF.number == bindparam("of"))
        await connection.execute(noted.values(timer=bindparam("by")), timers)
        await write_due(connection, account, (), effects)
    return len(rows)


def _is_on_the_way() -> ColumnElement[bool]:
    timer = select(due.c.id).where(due.c.account == _OF.account, due.c.id == _OF.timer)
    return (_OF.timer != "") & timer.exists()


def _is_held(account: str) -> ColumnElement[bool]:
    return (_OF.account == account) & ~_is_on_the_way()
