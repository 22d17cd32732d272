"""Runs over dead letters, for whoever does them: one at a time carries on, and notes how far it has come."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import delete, select, update

from worker.ledger.letter_runs import COLUMNS, Run, RunAction, run_of
from worker.ledger.letter_tables import dead_letter_runs, dead_letters
from worker.ledger.letters import LetterPlace
from worker.ledger.store import Ledger
from worker.outside.texts import line

LOST_AFTER: Final = 10.0
"""Seconds without a sign after which somebody else carries on with a run."""
_OF: Final = dead_letter_runs.c
_ROW: Final = dead_letters.c


class RunEnd(NamedTuple):
    """How a run ended, for people."""

    mood: str
    result: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class LetterWork:
    """The runs of all accounts that are under way. All methods raise `LedgerUnavailable`."""

    ledger: Ledger

    async def claim(self) -> list[Run]:
        """Return the runs that nobody carries on with, the oldest first, and keep others from them."""
        async with self.ledger.database.write() as connection:
            now = await self.ledger.time.now(connection)
            query = select(*COLUMNS).where(_OF.ended_at.is_(None), _OF.seen_at < now - LOST_AFTER)
            rows = await connection.execute(query.order_by(_OF.id).with_for_update(skip_locked=True))
            runs = [run_of(row) for row in rows]
            these = _OF.id.in_([run.id for run in runs])
            await connection.execute(update(dead_letter_runs).where(these).values(seen_at=now))
        return runs

    async def sign(self, runs: Collection[int]) -> None:
        """Say that somebody carries on with these."""
        async with self.ledger.database.write() as connection:
            now = await self.ledger.time.now(connection)
            await connection.execute(update(dead_letter_runs).where(_OF.id.in_(runs)).values(seen_at=now))

    async def let_go(self, runs: Collection[int]) -> None:
        """Say that nobody does any more, so that others may at once."""
        async with self.ledger.database.write() as connection:
            await connection.execute(update(dead_letter_runs).where(_OF.id.in_(runs)).values(seen_at=0.0))

    async def left(self, run: Run) -> set[str]:
        """Return the ids of the letters that a run is not done with."""
        query = select(_ROW.letter_id).where(_ROW.run == run.id)
        if run.action is RunAction.DRY_RUN:
            which = (_ROW.number == run.letter) if run.letter else (_ROW.reason == run.reason)
            query = select(_ROW.letter_id).where(_ROW.account == run.account, _ROW.place == run.place, which)
            query = query.order_by(_ROW.number).limit(run.total)  # what came since is not meant
        async with self.ledger.database.read() as connection:
            return set((await connection.execute(query)).scalars())

    async def done(
        self, run: Run, ids: Collection[str], *, moved_to: LetterPlace | None = None, gone: bool = False
    ) -> None:
        """Note that a run is done with some letters, of which no more than a few hundred at once.

        Args:
            run: Which.
            ids: The letters'.
            moved_to: Where they are now; None where they are in neither queue any more.
            gone: Whether they were no longer where they should have been.
        """
        these = (_ROW.run == run.id) & _ROW.letter_id.in_(ids)
        values = {"done": _OF.done + len(ids), "gone": _OF.gone + (len(ids) if gone else 0)}
        async with self.ledger.database.write() as connection:
            if moved_to is None:
                await connection.execute(delete(dead_letters).where(these))
            else:
                now = await self.ledger.time.now(connection)
                moved = update(dead_letters).where(these)
                await connection.execute(moved.values(place=moved_to, run=None, noted_at=now))
            await connection.execute(update(dead_letter_runs).where(_OF.id == run.id).values(values))

    async def seen(self, run: Run, count: int) -> None:
        """Note of how many letters a dry run knows by now."""
        async with self.ledger.database.write() as connection:
            await connection.execute(update(dead_letter_runs).where(_OF.id == run.id).values(done=count))

    async def end(self, run: Run, end: RunEnd) -> None:
        """Note how a run ended, without addresses and secrets; letters it is not done with are free again."""
        end = RunEnd(end.mood, line(end.result), line(end.remedy))
        async with self.ledger.database.write() as connection:
            now = await self.ledger.time.now(connection)
            await connection.execute(update(dead_letters).where(_ROW.run == run.id).values(run=None))
            ended = update(dead_letter_runs).where(_OF.id == run.id)
            await connection.execute(ended.values(ended_at=now, **end._asdict()))
