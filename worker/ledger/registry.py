"""Who works, on what, and what is paused: what workers and commands tell each other through the ledger."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, bindparam, case, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.ledger.pauses import Pause, goes, going_on
from worker.ledger.rows import insert_account, upsert
from worker.ledger.schema import accounts, claims, consumers, workers
from worker.ledger.store import Ledger
from worker.ledger.together import Together
from worker.metrics import VERSION
from worker.outside.texts import line, redacted
from worker.subscribers.identity import id_key, plain

LIVE_FOR: Final = 90.0
"""Seconds after its last sign for which a worker counts: longer than RabbitMQ takes to notice a dead one."""
REPLACED_AFTER: Final = 20.0
"""Seconds after its last sign for which a process is told beside another one of the same name: whoever was
killed and started again is one worker; two that live, and share a name by mistake, are both seen."""
FORGOTTEN_AFTER: Final = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class WorkerView:
    """A worker, as others see it.

    Attributes:
        seen_at: When it last gave a sign, in seconds since 1970.
        live: Whether that is recent enough for it to be at work.
        accounts: What it says of each account, as in `/readyz`, without what it does not know.
        version: Its own; empty for one of before versions were told.
    """

    worker: str
    version: str
    instance: str
    seen_at: float
    live: bool
    accounts: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Overview:
    """All workers of one ledger.

    Attributes:
        paused: The accounts that are paused.
        holders: The accounts that a worker has taken and not left, with its name.
        now: When this was seen; all times here are by the ledger's clock.
    """

    workers: tuple[WorkerView, ...]
    paused: Mapping[str, Pause]
    holders: Mapping[str, str]
    now: float


@dataclass(frozen=True, slots=True)
class Registry:
    """One process's place among the workers of a ledger. All methods raise `LedgerUnavailable`.

    Attributes:
        instance: Names this process; the worker's own name may be given to several by mistake.
    """

    ledger: Ledger
    worker: str
    instance: str = field(default_factory=lambda: uuid.uuid4().hex)
    _consumed: set[str] = field(default_factory=set)
    _told: dict[str, Any] = field(default_factory=dict)
    _consuming: Together[str, int] = field(default_factory=Together)
    _pausing: Together[None, dict[str, Pause]] = field(default_factory=Together)

    async def beat(self, state: Mapping[str, Any]) -> None:
        """Give a sign, with the state of all accounts."""
        async with self.ledger.database.write() as connection:
            now = await self.ledger.time.now(connection)
            # By this, workers of before pauses had an end hear of it. First: who waits here holds no row.
            await connection.execute(going_on().where(accounts.c.paused_until <= now))
            seen = update(workers).where(workers.c.instance == self.instance).values(seen_at=now)
            is_known = self._told == state and (await connection.execute(seen)).rowcount == 1
            if not is_known:
                told = json.dumps({"version": VERSION, "accounts": _without_addresses(state)})
                row = {"instance": self.instance, "worker": id_key(self.worker), "state": told}
                await upsert(connection, workers, [{**row, "seen_at": now}])
            ours = update(consumers).where(consumers.c.instance == self.instance).values(seen_at=now)
            if (await connection.execute(ours)).rowcount != len(self._consumed):
                # Made anew: the ledger was replaced, or was cleared while a clock was ahead.
                rows = [self._consumer(name, now) for name in sorted(self._consumed)]
                await upsert(connection, consumers, rows)
            await connection.execute(delete(workers).where(self._was_before(now)))
            for table in (workers, consumers):
                await connection.execute(delete(table).where(table.c.seen_at < now - FORGOTTEN_AFTER))
        self._told.clear()
        self._told.update(state)

    def _was_before(self, now: float) -> ColumnElement[bool]:
        """Return the condition for processes that this one has come in place of, killed or frozen."""
        namesakes = (workers.c.worker == id_key(self.worker)) & (workers.c.instance != self.instance)
        return namesakes & (workers.c.seen_at < now - REPLACED_AFTER)

    async def leave(self) -> None:
        """Say that this process has ended."""
        async with self.ledger.database.write() as connection:
            for table in (workers, consumers):
                await connection.execute(delete(table).where(table.c.instance == self.instance))

    async def consumes(self, account: str) -> int:
        """Register as a consumer of an account's queue; return how many others are."""
        return await self._consuming.ask(account, self._consume)

    async def _consume(self, names: Collection[str]) -> dict[str, int]:
        of = consumers.c
        others = select(of.account, func.count().label("others")).where(
            of.account.in_(names), of.instance != self.instance
        )
        async with self.ledger.database.write() as connection:
            now = await self.ledger.time.now(connection)
            await upsert(connection, consumers, [self._consumer(name, now) for name in sorted(names)])
            self._consumed.update(names)
            live = others.where(of.seen_at > now - LIVE_FOR).group_by(of.account)
            found = {row.account: row.others for row in await connection.execute(live)}
        return {name: found.get(name, 0) for name in names}

    def _consumer(self, account: str, now: float) -> dict[str, Any]:
        return {"instance": self.instance, "account": account, "seen_at": now}

    async def epochs(self, *names: str) -> dict[str, int]:
        """Return the epochs of these accounts, or of all: a tenure with a lower one is over."""
        query = select(accounts.c.account, accounts.c.epoch, accounts.c.released_at)
        if names:
            query = query.where(accounts.c.account.in_(names))

        async def read(connection: AsyncConnection) -> Sequence[Row[Any, Any, Any]]:
            return (await connection.execute(query)).all()

        # Calls wait for this answer, also while the event loop has much to do.
        rows = await self.ledger.database.transact(read, writes=False)
        for row in rows:
            self.ledger.witness.saw(row.account, row.epoch, running=row.released_at is None)
        return {row.account: row.epoch for row in rows}

    async def now(self) -> float:
        """Return the time by the ledger's clock, in seconds since 1970."""
        async with self.ledger.database.read() as connection:
            return await self.ledger.time.now(connection)

    async def paused(self) -> dict[str, Pause]:
        """Return the accounts that are paused."""
        return await self._pausing.ask(None, self._paused)

    async def _paused(self, _: object) -> dict[None, dict[str, Pause]]:
        of = accounts.c
        query = select(of.account, of.paused_at, of.paused_until, of.paused_why)
        async with self.ledger.database.read() as connection:
            still = query.where(~goes(await self.ledger.time.now(connection)))
            rows = await connection.execute(still)
            return {None: {name: Pause(at, until, why or "") for name, at, until, why in rows}}

    async def pause(
        self, account: str, why: str = "", *, until: float | None = None, anew: bool = True
    ) -> bool:
        """Let no worker consume an account, until `resume` or an end; tell whether that is so by this.

        One that is paused stays so since when it was; its reason and its end are now these.

        Args:
            account: Its name.
            why: For people; addresses in it are masked.
            until: When it goes on by itself, in seconds since 1970, by the ledger's clock; None for never.
            anew: Whether to change a pause that there is.
        """
        async with self.ledger.database.write() as connection:
            await connection.execute(insert_account(connection, account))
            now = await self.ledger.time.now(connection)
            since = case((goes(now), now), else_=accounts.c.paused_at)
            values = {"paused_at": since, "paused_until": until, "paused_why": line(plain(why))}
            this = update(accounts).where(accounts.c.account == account)
            done = await connection.execute((this if anew else this.where(goes(now))).values(values))
            return done.rowcount == 1

    async def resume(self, account: str, *, since: float | None = None) -> bool:
        """Undo `pause`; tell whether that could be.

        Args:
            account: Its name.
            since: When the pause began that somebody saw: only that one is undone. None for any.
        """
        this = going_on().where(accounts.c.account == account)
        async with self.ledger.database.write() as connection:
            done = await connection.execute(
                this if since is None else this.where(accounts.c.paused_at == since)
            )
            return done.rowcount == 1

    async def claims(self) -> dict[str, str]:
        """Return which account has what, by the mark of an app or a credential."""
        query = select(claims.c.mark, claims.c.account)
        async with self.ledger.database.read() as connection:
            return {row.mark: row.account for row in await connection.execute(query)}

    async def keep_claims(self, held: Mapping[str, str]) -> None:
        """Remember which account has what; what these had besides is free, and others keep theirs."""
        before, names = await self.claims(), set(held.values())
        free = [{"old": mark} for mark, name in before.items() if name in names and mark not in held]
        new = [{"mark": mark, "account": name} for mark, name in held.items() if before.get(mark) != name]
        async with self.ledger.database.write() as connection:
            if free:
                await connection.execute(delete(claims).where(claims.c.mark == bindparam("old")), free)
            await upsert(connection, claims, new)

    async def overview(self) -> Overview:
        """Return all workers, what is paused, and who has which account."""
        query = select(workers).order_by(workers.c.worker, workers.c.seen_at)
        async with self.ledger.database.read() as connection:
            now = await self.ledger.time.now(connection)
            rows = (await connection.execute(query)).all()
        live_since = now - LIVE_FOR
        views = tuple(_view(row, live=row.seen_at > live_since) for row in rows)
        return Overview(views, await self.paused(), await self._holders(), now)

    async def _holders(self) -> dict[str, str]:
        query = select(accounts.c.account, accounts.c.holder)
        held = (accounts.c.holder != "") & accounts.c.released_at.is_(None)
        async with self.ledger.database.read() as connection:
            return {row.account: row.holder for row in await connection.execute(query.where(held))}


def _without_addresses(state: Any) -> Any:  # noqa: ANN401  # whatever JSON holds
    """Return a state whose sentences name nobody: it lies in the ledger until the next sign, or for a day."""
    if isinstance(state, Mapping):
        return {key: _without_addresses(value) for key, value in state.items()}
    if isinstance(state, list | tuple):
        return [_without_addresses(value) for value in state]
    return redacted(state) if isinstance(state, str) else state


def _view(row: Row[Any], *, live: bool) -> WorkerView:
    state = json.loads(row.state)
    if not isinstance(state.get("version"), str):  # of a worker that tells its accounts only
        state = {"version": "", "accounts": state}
    return WorkerView(row.worker, state["version"], row.instance, row.seen_at, live, state["accounts"])
