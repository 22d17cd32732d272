"""Carries out comparisons with Kit, in the worker that has the account; by night it begins them itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from typing import Final

import structlog

from worker.accounts.account import Account
from worker.consumer.shared import Shared
from worker.consumer.supervisors import Supervisors
from worker.errors import CredentialRefused, KitWorkerError, LedgerUnavailable, TryLater
from worker.ledger.drift import DriftRun, DriftRuns
from worker.ops.drift.compare import CLASSES
from worker.ops.drift.night import is_time
from worker.ops.drift.share import BudgetShare
from worker.ops.drift.walk import Walk
from worker.ops.readiness import WORKING
from worker.ops.told_impact import limit_of
from worker.subscribers.identity import id_key

log = structlog.get_logger()

LOOK_EVERY: Final = 2.0
"""Seconds between two looks whether somebody asks for a comparison."""
WATCH_EVERY: Final = 15.0
SIGN_EVERY: Final = 10.0
AGAIN_AFTER: Final = 15.0
"""Seconds until what failed is tried again."""
TRIES: Final = 120
"""So many failures without any step between them end a comparison."""
NIGHTLY: Final = "every night"
"""In place of who asks for a comparison."""
PASSING: Final = (TryLater, LedgerUnavailable, CredentialRefused)


class DriftRunner:
    """Carries out the comparisons of the accounts that this worker has.

    Args:
        shared: With the ledger, and the way to Kit.
        supervisors: The accounts at work.
        rate_limit: `KIT_RATE_LIMIT`; 0 where the credential decides.
    """

    def __init__(self, shared: Shared, supervisors: Supervisors, rate_limit: int) -> None:
        self._shared = shared
        self._supervisors = supervisors
        self._rate_limit = rate_limit
        self._runs = DriftRuns(shared.ledger)
        self._mine: set[str] = set()
        self._shares: dict[str, BudgetShare] = {}

    async def run(self) -> None:
        """Work until cancelled; what is under way then, another worker can carry on with at once."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch())
                while True:
                    with suppress(LedgerUnavailable):  # presence says so
                        await self._take_on(group)
                    await asyncio.sleep(LOOK_EVERY)
        finally:
            if self._mine:
                with suppress(LedgerUnavailable):
                    await self._runs.let_go(self._mine)

    # -- whose ----------------------------------------------------------------------------------------

    async def _take_on(self, group: asyncio.TaskGroup) -> None:
        free = await self._runs.free() - self._mine
        ours = [name for name in free if self._is_at_work(name) and await self._is_ours(name)]
        for run in await self._runs.claim(ours) if ours else ():
            self._mine.add(run.account)
            group.create_task(self._carry_out(run))

    def _is_at_work(self, name: str) -> bool:
        supervisor = self._supervisors[name]
        return supervisor is not None and supervisor.catalog is not None

    async def _is_ours(self, name: str) -> bool:
        """Tell whether no other worker that lives has the account."""
        seen = await self._shared.registry.overview()
        holder = seen.holders.get(name, "")
        live = {each.worker for each in seen.workers if each.live}
        return holder not in live - {id_key(self._shared.worker_id)}

    def _is_quiet(self, name: str) -> bool:
        """Tell whether the account is at work, and has nothing to do."""
        supervisor = self._supervisors[name]
        if supervisor is None:
            return False
        status = supervisor.status
        return status.state in WORKING and not (status.oldest_unsettled or status.pending_subscribers)

    # -- a comparison ---------------------------------------------------------------------------------

    async def _carry_out(self, run: DriftRun) -> None:
        name = run.account
        try:
            await self._compare(run)
        except Exception as error:  # the edge: whoever waits for it is told, and others go on
            log.exception("drift_crashed", account=name)
            with suppress(LedgerUnavailable):
                await self._runs.end(name, f"a fault of this program: {type(error).__name__}")
        finally:
            self._mine.discard(name)
            with suppress(LedgerUnavailable):
                await self._runs.let_go([name])

    async def _compare(self, run: DriftRun) -> None:
        supervisor, name = self._supervisors[run.account], run.account
        if supervisor is None or supervisor.account.credential is None:
            return
        account = supervisor.account
        async with self._shared.kit.client(name, supervisor.account.credential) as client:
            client.gate = share = self._share(account)
            walk = Walk(self._shared.ledger, client, share, account)
            walk.progress = run.progress
            working = asyncio.create_task(self._until_done(walk, name))
            signing = asyncio.create_task(self._while_ours(walk, name))
            try:
                await asyncio.wait({working, signing}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                working.cancel()
                signing.cancel()
                await asyncio.wait({working, signing})
            if not working.cancelled():
                working.result()

    def _share(self, account: Account) -> BudgetShare:
        """Return the share of an account, which outlives a comparison as Kit's minute does."""
        name = account.name
        if name not in self._shares:
            limit = limit_of(account, self._rate_limit)
            self._shares[name] = BudgetShare(limit, lambda: self._is_quiet(name), self._shared.clock)
        return self._shares[name]

    async def _while_ours(self, walk: Walk, name: str) -> None:
        """Give a sign now and then, until it is to end or the account is another worker's."""
        ours = True
        while ours:
            await asyncio.sleep(SIGN_EVERY)
            with suppress(LedgerUnavailable):
                ours = self._is_at_work(name) and await self._is_ours(name)
                ours = ours and await self._runs.sign(name, walk.progress)

    async def _until_done(self, walk: Walk, name: str) -> None:
        failures = 0
        while True:
            try:
                async with aclosing(walk.steps()) as steps:
                    async for step in steps:
                        failures = 0
                        if not await self._runs.sign(name, step.progress, step.found):
                            return
                await self._runs.end(name)
            except PASSING as error:
                failures += 1
                if failures >= TRIES:
                    await self._failed(name, error)
                    return
                log.info("drift_waits", account=name, problem=str(error))
                await asyncio.sleep(AGAIN_AFTER)
            except KitWorkerError as error:
                await self._failed(name, error)
                return
            else:
                self._tell_end(walk, name)
                return

    async def _failed(self, name: str, error: KitWorkerError) -> None:
        log.error("drift_failed", account=name, problem=str(error))
        await self._runs.end(name, str(error))

    def _tell_end(self, walk: Walk, name: str) -> None:
        counts, progress = walk.progress.counts, walk.progress
        told = {"people": progress.people, "left_out": progress.left_out, "calls": progress.calls}
        say = log.warning if counts else log.info
        say("drift_compared", account=name, differences=sum(counts.values()), classes=dict(counts), **told)
        self._tell(name, counts)

    # -- by itself ------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Begin a comparison where it is night, and tell by metrics what the last ones found."""
        while True:
            with suppress(LedgerUnavailable):
                runs = await self._runs.all()
                now = datetime.fromtimestamp(await self._shared.registry.now(), UTC)
                self._shared.metrics.drift.clear()
                for name, account in self._supervisors.accounts.items():
                    await self._look_at(account, runs.get(name), now)
            await asyncio.sleep(WATCH_EVERY)

    async def _look_at(self, account: Account, run: DriftRun | None, now: datetime) -> None:
        last = None if run is None else datetime.fromtimestamp(run.asked_at, UTC)
        options = account.options
        if options.drift == "nightly" and is_time(account.name, options.timezone, now, last):
            await self._runs.begin(account.name, NIGHTLY)
        if run is not None and run.ended_at is not None:
            self._tell(account.name, run.counts)

    def _tell(self, name: str, counts: Mapping[str, int]) -> None:
        for kind in CLASSES:
            self._shared.metrics.drift.labels(name, kind).set(counts.get(kind, 0))
