"""Plans of `apply`, as the ledger keeps them: what is planned, and for whom.

A plan is kept from when it is made until others of the account have taken its place, so that whoever carries
on with it after another one was killed knows what is left, and so that it can be taken back.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.ledger.plan_tables import plan_runs, planned_people, plans
from worker.ledger.store import Ledger
from worker.outside.texts import line
from worker.subscribers.identity import plain

KEPT: Final = 3
"""Plans of one account that were begun; of more the oldest go."""
PORTION: Final = 5_000
"""People of a plan who are deleted in one transaction."""


class PlannedPerson(msgspec.Struct, frozen=True, array_like=True):
    """What one person would gain and lose: tags and custom fields by their names.

    Attributes:
        due: What would take effect later: the ids of timers, each with what it will do.
        due_no_more: The ids of timers that would not be set any more, or would do something else.
    """

    email: str
    gains: tuple[str, ...]
    loses: tuple[str, ...]
    fields: tuple[str, ...]
    due: tuple[tuple[str, str], ...] = ()
    due_no_more: tuple[str, ...] = ()


class _What(msgspec.Struct, frozen=True, array_like=True):
    gains: tuple[str, ...]
    loses: tuple[str, ...]
    fields: tuple[str, ...]
    due: tuple[tuple[str, str], ...] = ()
    due_no_more: tuple[str, ...] = ()


def _what(of: PlannedPerson | _What) -> dict[str, Any]:
    return {name: getattr(of, name) for name in _What.__struct_fields__}


_WHAT: Final = msgspec.json.Decoder(_What)


@dataclass(frozen=True, slots=True)
class KeptPlan:
    """A plan that the ledger keeps.

    Attributes:
        version: Of the account's file for which it is.
        hash: What tells it apart from every other one; empty where nobody would have anything otherwise.
        who: Who made it.
        made_at: In seconds since 1970, by the ledger's clock.
        people: For how many it is.
        taggings: How many taggings would be new in Kit.
        told: What people are told of it, as JSON.
    """

    id: int
    account: str
    version: str
    hash: str
    who: str
    made_at: float
    people: int
    taggings: int
    told: str


class SaidOfPlan(NamedTuple):
    """What is known of a plan once it is made; see `KeptPlan`."""

    hash: str
    people: int
    taggings: int
    told: str


_PLAN: Final = plans.c
_ROW: Final = planned_people.c
_RUN: Final = plan_runs.c
PLAN_COLUMNS: Final = tuple(_PLAN[each.name] for each in fields(KeptPlan))


@dataclass(frozen=True, slots=True)
class Plans:
    """The plans of all accounts. All methods raise `LedgerUnavailable`."""

    ledger: Ledger

    # -- making one -----------------------------------------------------------------------------------

    async def begin(self, account: str, version: str, who: str) -> int:
        """Note that a plan is being made, and return its id; those that it takes the place of go."""
        await self._prune(account)
        async with self.ledger.database.write() as connection:
            row = {
                "account": account, "version": version, "hash": "", "who": line(who),
                "made_at": await self.ledger.time.now(connection), "people": 0, "taggings": 0, "told": "",
            }  # fmt: skip
            begun = await connection.execute(insert(plans).values(row).returning(_PLAN.id))
            return int(begun.scalar_one())

    async def add(self, plan: int, account: str, number: int, people: Sequence[PlannedPerson]) -> None:
        """Keep people of a plan; the first of them has a number, and the others those that follow."""
        rows = [
            {
                "plan": plan,
                "number": number + at,
                "account": account,
                "email": plain(person.email),
                "what": msgspec.json.encode(_What(**_what(person))).decode(),
            }
            for at, person in enumerate(people)
        ]
        if rows:
            async with self.ledger.database.write() as connection:
                await connection.execute(insert(planned_people), rows)

    async def made(self, plan: int, said: SaidOfPlan) -> bool:
        """Note that a plan is made, and what is said of it; False where another has taken its place."""
        async with self.ledger.database.write() as connection:
            now = await self.ledger.time.now(connection)
            noted = update(plans).where(_PLAN.id == plan).values(made_at=now, **said._asdict())
            if (await connection.execute(noted)).rowcount:
                return True
        await self._drop([plan])
        return False

    # -- finding one ----------------------------------------------------------------------------------

    async def newest(self, account: str, hash_: str) -> KeptPlan | None:
        """Return the newest plan of an account with a hash; None where it has none with that."""
        return next((plan for plan in await self.all_of(account) if plan.hash == hash_), None)

    async def all_of(self, account: str) -> list[KeptPlan]:
        """Return an account's plans that are made, the newest first."""
        query = select(*PLAN_COLUMNS).where(_PLAN.account == account, _PLAN.told != "")
        async with self.ledger.database.read() as connection:
            return [KeptPlan(*row) for row in await connection.execute(query.order_by(_PLAN.id.desc()))]

    async def people(self, plan: int, *, after: int, limit: int) -> dict[int, PlannedPerson]:
        """Return people of a plan by their numbers, those after a number only."""
        query = select(_ROW.number, _ROW.email, _ROW.what).where(_ROW.plan == plan, _ROW.number > after)
        async with self.ledger.database.read() as connection:
            rows = await connection.execute(query.order_by(_ROW.number).limit(limit))
            return {row.number: PlannedPerson(row.email, **_what(_WHAT.decode(row.what))) for row in rows}

    # -- deleting them --------------------------------------------------------------------------------

    async def drop(self, account: str) -> int:
        """Delete an account's plans; return how many there were."""
        async with self.ledger.database.read() as connection:
            found = await connection.execute(select(_PLAN.id).where(_PLAN.account == account))
            ids = list(found.scalars())
        await self._drop(ids)
        return len(ids)

    async def _prune(self, account: str) -> None:
        """Delete plans that were never begun, and the oldest of those that were."""
        ended = func.count(_RUN.ended_at) == func.count(_RUN.plan)
        query = select(_PLAN.id, func.count(_RUN.plan), ended).where(_PLAN.account == account)
        query = query.outerjoin(plan_runs, _RUN.plan == _PLAN.id).group_by(_PLAN.id)
        async with self.ledger.database.read() as connection:
            rows = (await connection.execute(query.order_by(_PLAN.id.desc()))).all()
        begun = [id_ for id_, runs, _ in rows if runs]
        gone = [id_ for id_, runs, is_over in rows if not runs or (is_over and id_ not in begun[: KEPT - 1])]
        await self._drop(gone)

    async def _drop(self, ids: Collection[int]) -> None:
        for plan in ids:
            while True:
                some = select(_ROW.number).where(_ROW.plan == plan).limit(PORTION)
                these = (_ROW.plan == plan) & _ROW.number.in_(some)
                async with self.ledger.database.write() as connection:
                    if not (await connection.execute(delete(planned_people).where(these))).rowcount:
                        break
        async with self.ledger.database.write() as connection:
            await connection.execute(delete(plan_runs).where(_RUN.plan.in_(ids)))
            await connection.execute(delete(plans).where(_PLAN.id.in_(ids)))


async def erase_planned(connection: AsyncConnection, account: str, emails: Collection[str]) -> None:
    """Delete what is planned for a person, inside the caller's transaction."""
    theirs = (_ROW.account == account) & _ROW.email.in_(emails)
    await connection.execute(delete(planned_people).where(theirs))
