"""One account's way to the ledger during a session: reads and writes that wait until the ledger works."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Final, Protocol

import structlog

from worker.clock import Clock
from worker.errors import EpochLost, LedgerUnavailable
from worker.ledger.store import Tenure
from worker.retrying import Retrying
from worker.subscribers.known import Batch, Known

RELEASE_TIMEOUT: Final = 1.0
LONGEST: Final = 5.0
"""Seconds between two tries: nothing of the account goes on meanwhile."""
log = structlog.get_logger()


class Keeps(Protocol):
    """What keeps the records; `worker.ledger.store.Ledger` does."""

    async def take(self, account: str, kit_account: int) -> Tenure:
        """Begin to write for an account."""

    async def load(self, tenure: Tenure, emails: Collection[str], user_ids: Collection[str]) -> Known:
        """Read."""

    async def save(self, tenure: Tenure, batch: Batch) -> None:
        """Write."""

    async def release(self, tenure: Tenure) -> None:
        """Say that nothing is in doubt."""


class AccountLedger:
    """Reads and writes one account's records.

    Args:
        account: Its name.
        ledger: Where they are kept.
        kit_account: Returns Kit's id of the account behind the credential; asked when it is first needed,
            which is when the broker has made this worker the active one.
        taken: Is told of each tenure that begins.
    """

    def __init__(
        self,
        account: str,
        ledger: Keeps,
        *,
        kit_account: Callable[[], Awaitable[int]],
        taken: Callable[[Tenure], None],
        clock: Clock,
    ) -> None:
        self._account = account
        self._ledger = ledger
        self._kit_account = kit_account
        self._taken = taken
        self._retrying = Retrying(
            LedgerUnavailable,
            account=account,
            clock=clock,
            failing="ledger_unavailable",
            over="ledger_back",
            longest=LONGEST,
        )
        self._tenure: Tenure | None = None
        self._saves = 0
        self._taking = asyncio.Lock()

    @property
    def problem(self) -> str:
        """Why the ledger cannot be used, for people; empty while it can. Nothing is applied meanwhile."""
        return self._retrying.problem

    @property
    def known_since(self) -> float:
        """From when on Kit's answers are known, in seconds since 1970."""
        return self._tenure.known_since if self._tenure else float("inf")

    def is_over(self, epoch: int) -> bool:
        """Tell whether the account was taken away, given its present epoch."""
        return self._tenure is not None and self._tenure.epoch < epoch

    async def release(self) -> None:
        """Say that all that was called is answered and written; in vain where the ledger is gone."""
        tenure, self._tenure = self._tenure, None
        if tenure is None:
            return
        try:
            async with asyncio.timeout(RELEASE_TIMEOUT):
                await self._ledger.release(tenure)
        except (LedgerUnavailable, TimeoutError) as error:
            log.info("release_failed", account=self._account, problem=str(error))

    async def load(self, emails: Collection[str], user_ids: Collection[str], *, fresh: bool) -> Known:
        """Return what the ledger knows of these people, however long that takes.

        Args:
            emails: Addresses.
            user_ids: As `id_key` writes them.
            fresh: True where nothing older than these is in hand. Then the account may be taken anew: the
                broker has given it to us since whoever took it last.

        Raises:
            EpochLost: Somebody else has taken the account, and what is in hand is theirs.
        """
        return await self._retrying.until_done(lambda: self._load_once(emails, user_ids, fresh=fresh))

    async def save(self, batch: Batch) -> None:
        """Write, however long that takes; raises as `load` does.

        A write that was made, and whose answer was lost, is not made again: it has a number.
        """
        self._saves += 1
        batch.number = self._saves
        tenure: Tenure | None = None

        async def work() -> None:
            nonlocal tenure
            tenure = tenure or await self._held()  # numbers belong to it
            await self._ledger.save(tenure, batch)

        await self._retrying.until_done(work)

    async def _load_once(self, emails: Collection[str], user_ids: Collection[str], *, fresh: bool) -> Known:
        try:
            return await self._ledger.load(await self._held(), emails, user_ids)
        except EpochLost:
            if not fresh:
                raise
            self._tenure = None
            return await self._ledger.load(await self._held(), emails, user_ids)

    async def _held(self) -> Tenure:
        async with self._taking:  # a read and a write at once would take it from each other
            if self._tenure is None:
                self._tenure = await self._ledger.take(self._account, await self._kit_account())
                self._taken(self._tenure)
            return self._tenure
