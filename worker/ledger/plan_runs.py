"""What is done of plans of `apply`: who began it, and how far it is.

A run sets the timers of a plan's people one portion after another. Whoever carries on with it, of several
who may, sees by the last number how far it is, and nobody sets timers once it was stopped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, select, update

from worker.ledger.due import write_due
from worker.ledger.journal import Action, write_line
from worker.ledger.plan_tables import plan_runs, plans
from worker.ledger.plans import PLAN_COLUMNS, KeptPlan
from worker.ledger.rows import upsert
from worker.ledger.store import Ledger
from worker.outside.texts import line
from worker.subscribers.due_effect import DueEffect


class PlanAction(StrEnum):
    """What is done of a plan."""

    APPLY = "apply"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class PlanRun:
    """What is done of a plan, or was.

    Attributes:
        plan: The plan's id.
        begun_at: In seconds since 1970, by the ledger's clock; the others likewise.
        times: How often it was begun.
        round: Of the runs of plans of that hash, from 1: each undo ends one, and the next one's events are
            others.
        seen: The number of the last person whose timer is set, if it takes one.
        people: How many timers that is.
        stopped_at: When somebody stopped it; None where nobody has.
        ended_at: None while it is under way.
        ends: How many people's events ended how, once it has ended.
    """

    plan: int
    action: PlanAction
    who: str
    begun_at: float
    times: int
    round: int
    seen: int
    people: int
    stopped_at: float | None
    ended_at: float | None
    ends: Counter[str]


_OF: Final = plan_runs.c
_COLUMNS: Final = tuple(_OF[each.name] for each in fields(PlanRun))


@dataclass(frozen=True, slots=True)
class PlanRuns:
    """What is done of the plans of all accounts. All methods raise `LedgerUnavailable`."""

    ledger: Ledger

    async def start(self, plan: KeptPlan, action: PlanAction, who: str, number: int = 1) -> None:
        """Note that a plan is done, or taken back, in a round; once more, that what is left of it is."""
        async with self.ledger.database.write() as connection:
            times = select(_OF.times).where((_OF.plan == plan.id) & (_OF.action == action))
            before = (await connection.execute(times)).scalar() or 0
            row = {
                "plan": plan.id, "action": action, "account": plan.account, "who": line(who),
                "begun_at": await self.ledger.time.now(connection), "times": before + 1,
                "round": number, "seen": 0, "people": 0, "stopped_at": None, "ended_at": None, "ends": "{}",
            }  # fmt: skip
            await upsert(connection, plan_runs, [row])

    async def set_timers(
        self, plan: KeptPlan, run: PlanRun, last: int, effects: Collection[DueEffect]
    ) -> None:
        """Set the timers of a run's next people; nothing where somebody stopped it, or set them meanwhile.

        Args:
            plan: Which.
            run: As it was when the next people were read.
            last: The number of the last of them.
            effects: Their timers.
        """
        values = {"seen": last, "people": _OF.people + len(effects)}
        goes_on = _is(run) & _OF.stopped_at.is_(None) & (_OF.seen == run.seen)
        async with self.ledger.database.write() as connection:
            noted = await connection.execute(update(plan_runs).where(goes_on).values(values))
            if noted.rowcount:
                await write_due(connection, plan.account, (), effects)

    async def stop(self, plan: KeptPlan, action: PlanAction) -> None:
        """Let no more timers of a run be set."""
        async with self.ledger.database.write() as connection:
            now = await self.ledger.time.now(connection)
            this = (_OF.plan == plan.id) & (_OF.action == action) & _OF.ended_at.is_(None)
            await connection.execute(update(plan_runs).where(this).values(stopped_at=now))

    async def end(self, run: PlanRun, ends: Mapping[str, int], told: Action) -> None:
        """Note how a run ended, and say so in the journal; not where it has ended, or was begun anew."""
        this = _is(run) & _OF.ended_at.is_(None)
        async with self.ledger.database.write() as connection:
            now = await self.ledger.time.now(connection)
            values = {"ended_at": now, "ends": msgspec.json.encode(ends).decode()}
            ended = await connection.execute(update(plan_runs).where(this).values(values))
            if ended.rowcount:
                await write_line(connection, told, now)

    async def of(self, plan: KeptPlan) -> dict[PlanAction, PlanRun]:
        """Return all that is done of a plan, or was."""
        async with self.ledger.database.read() as connection:
            rows = await connection.execute(select(*_COLUMNS).where(_OF.plan == plan.id))
            return {run.action: run for run in map(_run_of, rows)}

    async def under_way(self) -> list[tuple[KeptPlan, PlanRun]]:
        """Return what is done of plans and has not ended, in all accounts."""
        query = select(*PLAN_COLUMNS, *_COLUMNS).join(plan_runs, _OF.plan == plans.c.id)
        async with self.ledger.database.read() as connection:
            rows = (await connection.execute(query.where(_OF.ended_at.is_(None)))).all()
        count = len(PLAN_COLUMNS)
        return [(KeptPlan(*row[:count]), _run_of(row[count:])) for row in rows]


def _is(run: PlanRun) -> ColumnElement[bool]:
    """Return the condition for a run as it was begun then, and not anew."""
    return (_OF.plan == run.plan) & (_OF.action == run.action) & (_OF.times == run.times)


def _run_of(row: Sequence[Any]) -> PlanRun:
    values = dict(zip((each.name for each in fields(PlanRun)), row, strict=True))
    ends = Counter(msgspec.json.decode(values["ends"], type=dict[str, int]))
    return PlanRun(**values | {"action": PlanAction(values["action"]), "ends": ends})
