"""A worker's presence in the ledger: it tells and hears, and prunes the history and the counts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from worker.consumer.supervisors import Supervisors
from worker.errors import LedgerUnavailable
from worker.ledger.counts import prune_counts
from worker.ledger.history import prune_history
from worker.ledger.registry import Registry
from worker.ledger.taggings import prune_taggings
from worker.ledger.tokens import TokenStore
from worker.ops.readiness import StatusReport

log = structlog.get_logger()

POLL: Final = 2.0
"""Seconds between two looks at what is paused: a command takes hold within 5."""
CONFIRM: Final = 0.5
"""Seconds without the ledger's word after which it is asked whether accounts at work are still ours.

It says so with all that is read and written, too. Far fewer than `SEEN_FOR`, after which no call is made.
"""
BEAT: Final = 6.0
PRUNE: Final = 3600.0
DAY: Final = 24 * 3600.0


class Presence:
    """Keeps a worker in touch with the others of its ledger.

    Args:
        registry: Where they meet.
        tokens: Tell which accounts are connected to Kit by OAuth.
        report: What `/readyz` says of each account.
        supervisors: The accounts at work.
        history_days: After so many days a line of the history is deleted.
    """

    def __init__(
        self,
        registry: Registry,
        tokens: TokenStore,
        report: StatusReport,
        supervisors: Supervisors,
        history_days: int,
    ) -> None:
        self._registry = registry
        self._tokens = tokens
        self._report = report
        self._supervisors = supervisors
        self._history_days = history_days
        self._problems: dict[str, str] = {}

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._every(POLL, self._hear))
            group.create_task(self._every(CONFIRM, self._confirm))
            group.create_task(self._every(BEAT, self._tell))
            group.create_task(self._every(PRUNE, self._prune))

    async def leave(self) -> None:
        """Say that this worker has stopped; where the ledger is gone, silence will say so."""
        try:
            await self._registry.leave()
        except LedgerUnavailable as error:
            self._note("leave", str(error))

    async def _every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except LedgerUnavailable as error:
                self._note(work.__name__, str(error))
            else:
                self._note(work.__name__, "")
            await asyncio.sleep(seconds)

    def _note(self, work: str, problem: str) -> None:
        """Say when the first kind of work fails, and when none does any more: a full disk is read well."""
        before = bool(self._problems)
        self._problems.pop(work, None)
        if problem:
            self._problems[work] = problem
        if bool(self._problems) != before:
            # Accounts with events in hand say so themselves; the others are held without a line of their own.
            log.warning("presence_lost" if problem else "presence_back", problem=problem)

    async def _hear(self) -> None:
        paused = await self._registry.paused()
        await self._check_epochs()
        connected = await self._tokens.connected()
        for name, supervisor in self._supervisors.running.items():
            supervisor.pause(paused=name in paused)
            supervisor.check_connection(connected.get(name))

    async def _confirm(self) -> None:
        running = self._supervisors.running
        if names := [name for name, each in running.items() if each.unseen_for >= CONFIRM]:
            await self._check_epochs(*names)

    async def _check_epochs(self, *names: str) -> None:
        """Tell these accounts, or all, whether they are still ours."""
        asked = self._registry.ledger.clock.monotonic()
        for name, epoch in (await self._registry.epochs(*names)).items():
            if (supervisor := self._supervisors.running.get(name)) is not None:
                supervisor.check_epoch(epoch, asked)

    async def _tell(self) -> None:
        await self._registry.beat(self._report.accounts())

    async def _prune(self) -> None:
        ledger = self._registry.ledger
        async with ledger.database.read() as connection:
            now = await ledger.time.now(connection)
        before = now - self._history_days * DAY
        await prune_counts(ledger.database, before)
        await prune_taggings(ledger.database, now)
        pruned = await prune_history(ledger.database, before)
        if pruned:
            log.info("history_pruned", lines=pruned)
