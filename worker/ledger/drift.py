"""Comparisons of accounts with Kit: begun by whoever asks, carried out by a worker, one in each account."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Row, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.ledger.drift_tables import drift_found, drift_runs
from worker.ledger.failures import DamagedRowError
from worker.ledger.rows import upsert
from worker.ledger.store import Ledger
from worker.outside.texts import line
from worker.subscribers.drifted import DriftRow
from worker.subscribers.identity import id_key

GOING: Final = "going"
STOPPED: Final = "stopped"
DONE: Final = "done"
FAILED: Final = "failed"
LOST_AFTER: Final = 30.0
"""Seconds without a sign after which another worker carries on with a comparison."""
_OF: Final = drift_runs.c
_FOUND: Final = drift_found.c


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a comparison has come.

    Attributes:
        after: Kit's cursor of the last page that was compared; empty before the first.
        last_id: The greatest of Kit's ids that was compared.
        people: How many people of the ledger were compared.
        left_out: How many of them differ, and have something on its way.
        calls: How many calls to Kit it has taken.
        names: Of the tags and custom fields that somebody renamed or deleted: how many people have what was
            deleted, by its kind, its name, and what it is called in Kit now; which is empty where it is gone.
        counts: How many differences it has found, by class.
    """

    after: str = ""
    last_id: int = 0
    people: int = 0
    left_out: int = 0
    calls: int = 0
    names: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DriftRun:
    """An account's last comparison.

    Attributes:
        state: `GOING`, `STOPPED`, `DONE` or `FAILED`.
        who: Who asked for it.
        asked_at: When it was begun, in seconds since 1970, by the ledger's clock.
        worker: Which worker is at it; empty where none is.
        problem: Why it failed, for people.
        ended_at: When the last one was done; None where none was.
        counts: How many differences that one found, by class.
    """

    account: str
    state: str
    who: str
    asked_at: float
    worker: str
    progress: Progress
    problem: str
    ended_at: float | None
    counts: Mapping[str, int]


class FoundPerson(NamedTuple):
    """Of whom Kit has something otherwise."""

    email: str
    rows: tuple[DriftRow, ...]


@dataclass(frozen=True, slots=True)
class DriftRuns:
    """The comparisons of all accounts. All methods raise `LedgerUnavailable`."""

    ledger: Ledger

    async def begin(self, account: str, who: str) -> DriftRun:
        """Begin a comparison; one that is going on goes on, and one that was stopped does again."""
        async with self.ledger.database.write() as connection:
            now = await self.ledger.time.now(connection)
            query = select(drift_runs).where(_OF.account == account)
            row = (await connection.execute(query.with_for_update())).one_or_none()
            if row is None or row.state in {DONE, FAILED}:
                await connection.execute(delete(drift_found).where(_FOUND.account == account))
                new = {"account": account, **_progress_row(Progress()), "worker": "", "seen_at": 0.0}
                kept = {"ended_at": row and row.ended_at, "counts": row.counts if row else "{}"}
                new |= {"state": GOING, "who": line(who), "asked_at": now, "problem": "", **kept}
                await upsert(connection, drift_runs, [new])
            elif row.state == STOPPED:
                again = update(drift_runs).where(_OF.account == account)
                await connection.execute(again.values(state=GOING, seen_at=0.0))
            return _run_of((await connection.execute(query)).one())

    async def stop(self, account: str) -> bool:
        """Let a comparison rest where it is; tell whether there was one that went on."""
        stopped = update(drift_runs).where(_OF.account == account, _OF.state == GOING)
        async with self.ledger.database.write() as connection:
            return (await connection.execute(stopped.values(state=STOPPED, seen_at=0.0))).rowcount == 1

    async def get(self, account: str) -> DriftRun | None:
        """Return an account's last comparison; None where there was none."""
        async with self.ledger.database.read() as connection:
            rows = await connection.execute(select(drift_runs).where(_OF.account == account))
            return next(map(_run_of, rows), None)

    async def all(self) -> dict[str, DriftRun]:
        """Return the last comparison of each account."""
        async with self.ledger.database.read() as connection:
            return {row.account: _run_of(row) for row in await connection.execute(select(drift_runs))}

    async def found(self, account: str, *, after: str = "", limit: int | None = None) -> list[FoundPerson]:
        """Return the people of whom a comparison has found something otherwise so far, by address.

        Args:
            account: Whose.
            after: Those after this address only.
            limit: So many at most; None for all.
        """
        query = select(_FOUND.email, _FOUND.differences).where(_FOUND.account == account)
        query = query.where(_FOUND.email > after).order_by(_FOUND.email).limit(limit)
        async with self.ledger.database.read() as connection:
            rows = await connection.execute(query)
            return [FoundPerson(email, _rows_of(account, text)) for email, text in rows]

    async def count(self, account: str) -> int:
        """Return of how many people something was found."""
        query = select(func.count()).select_from(drift_found).where(_FOUND.account == account)
        async with self.ledger.database.read() as connection:
            return (await connection.execute(query)).scalar_one()

    async def drop(self, account: str) -> int:
        """Delete what is kept of an account's comparisons; return of how many people."""
        async with self.ledger.database.write() as connection:
            await connection.execute(delete(drift_runs).where(_OF.account == account))
            return (await connection.execute(delete(drift_found).where(_FOUND.account == account))).rowcount

    # -- for whoever carries it out -------------------------------------------------------------------

    async def free(self) -> set[str]:
        """Return the accounts whose comparison nobody is at."""
        async with self.ledger.database.read() as connection:
            free = _free(await self.ledger.time.now(connection))
            return set((await connection.execute(select(_OF.account).where(free))).scalars())

    async def claim(self, accounts: Collection[str]) -> list[DriftRun]:
        """Return those of these accounts' comparisons that nobody is at, and keep others from them."""
        async with self.ledger.database.write() as connection:
            now = await self.ledger.time.now(connection)
            query = select(drift_runs).where(_free(now), _OF.account.in_(accounts))
            query = query.with_for_update(skip_locked=True)
            runs = [_run_of(row) for row in await connection.execute(query)]
            ours = update(drift_runs).where(_OF.account.in_([each.account for each in runs]))
            await connection.execute(ours.values(seen_at=now, worker=id_key(self.ledger.worker)))
        return runs

    async def sign(self, account: str, progress: Progress, found: Sequence[FoundPerson] = ()) -> bool:
        """Note how far it has come, and what was found; tell whether it is still ours to carry on with."""
        async with self.ledger.database.write() as connection:
            now = await self.ledger.time.now(connection)
            ours = (
                (_OF.account == account) & (_OF.state == GOING) & (_OF.worker == id_key(self.ledger.worker))
            )
            noted = update(drift_runs).where(ours).values(seen_at=now, **_progress_row(progress))
            if (await connection.execute(noted)).rowcount == 0:
                return False
            rows = [
                {"account": account, "email": each.email, "differences": _text_of(each.rows)}
                for each in found
            ]
            await upsert(connection, drift_found, rows)
        return True

    async def end(self, account: str, problem: str = "") -> None:
        """Note that a comparison of ours is done, with all that it has found, or why it has failed."""
        ours = (_OF.account == account) & (_OF.state == GOING) & (_OF.worker == id_key(self.ledger.worker))
        async with self.ledger.database.write() as connection:
            now = await self.ledger.time.now(connection)
            values: dict[str, Any] = {"state": DONE, "ended_at": now, "counts": _OF.counting}
            if problem:
                values = {"state": FAILED, "problem": line(problem)}
            await connection.execute(update(drift_runs).where(ours).values(values))

    async def let_go(self, accounts: Collection[str]) -> None:
        """Let another worker carry on at once with what we are at."""
        ours = update(drift_runs).where(_OF.account.in_(accounts), _OF.worker == id_key(self.ledger.worker))
        async with self.ledger.database.write() as connection:
            await connection.execute(ours.values(seen_at=0.0))


async def erase_drift(connection: AsyncConnection, account: str, emails: Collection[str]) -> None:
    """Delete what was found of a person, inside the caller's transaction."""
    await connection.execute(delete(drift_found).where(_FOUND.account == account, _FOUND.email.in_(emails)))


def _free(now: float) -> ColumnElement[bool]:
    return (_OF.state == GOING) & (_OF.seen_at < now - LOST_AFTER)


def _run_of(row: Row[Any]) -> DriftRun:
    names = {(kind, name, now): count for kind, name, now, count in msgspec.json.decode(row.names)}
    counting = msgspec.json.decode(row.counting)
    progress = Progress(row.after, row.last_id, row.people, row.left_out, row.calls, names, counting)
    worker = row.worker if row.seen_at else ""
    return DriftRun(
        row.account, row.state, row.who, row.asked_at, worker, progress, row.problem, row.ended_at,
        msgspec.json.decode(row.counts),
    )  # fmt: skip


def _progress_row(progress: Progress) -> dict[str, Any]:
    names = [(*name, count) for name, count in progress.names.items()]
    return {
        "after": progress.after,
        "last_id": progress.last_id,
        "people": progress.people,
        "left_out": progress.left_out,
        "calls": progress.calls,
        "names": msgspec.json.encode(names).decode(),
        "counting": msgspec.json.encode(progress.counts).decode(),
    }


def _text_of(rows: Sequence[DriftRow]) -> str:
    return msgspec.json.encode(rows).decode()


def _rows_of(account: str, text: str) -> tuple[DriftRow, ...]:
    try:
        return msgspec.json.decode(text, type=tuple[DriftRow, ...])
    except msgspec.MsgspecError as error:
        raise DamagedRowError(f"the ledger holds a row of {account} that cannot be read") from error
