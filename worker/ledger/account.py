"""One account's way to the ledger during a session: reads and writes that wait until the ledger works."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Final

import structlog

from worker.errors import LedgerUnavailable
from worker.ledger.store import Ledger, Tenure
from worker.retrying import Retrying
from worker.subscribers.known import Batch, Known

RELEASE_TIMEOUT: Final = 1.0
LONGEST: Final = 5.0
"""Seconds between two tries: nothing of the account goes on meanwhile."""
log = structlog.get_logger()


class AccountLedger:
    """Reads and writes one account's records, once the account is taken.

    A session takes it with `take` when the broker has made this worker the active one, and no sooner: whoever
    had it before loses it. Reads and writes wait for that.

    Args:
        account: Its name.
        ledger: Where the records are kept.
    """

    def __init__(self, account: str, ledger: Ledger) -> None:
        self._account = account
        self._ledger = ledger
        self._retrying = Retrying(
            LedgerUnavailable,
            account=account,
            clock=ledger.clock,
            failing="ledger_unavailable",
            over="ledger_back",
            longest=LONGEST,
        )
        self._tenure: Tenure | None = None
        self._is_taken = asyncio.Event()
        self._saves = 0

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

    async def take(self, kit_account: int) -> Tenure:
        """Take the account, or take it anew where it was lost, however long that takes.

        Args:
            kit_account: Kit's id of the account behind the credential; 0 where Kit did not say.
        """
        self._tenure = await self._retrying.until_done(lambda: self._ledger.take(self._account, kit_account))
        self._is_taken.set()
        return self._tenure

    async def load(self, emails: Collection[str], user_ids: Collection[str]) -> Known:
        """Return what the ledger knows of these people, however long that takes.

        Args:
            emails: Addresses.
            user_ids: As `id_key` writes them.

        Raises:
            EpochLost: Somebody else has taken the account since, and what was in hand then is theirs. Whoever
                holds nothing older may take it anew: the broker has given it back.
        """
        tenure = await self._held()
        return await self._retrying.until_done(lambda: self._ledger.load(tenure, emails, user_ids))

    async def save(self, batch: Batch) -> None:
        """Write, however long that takes; raises as `load` does.

        A write that was made, and whose answer was lost, is not made again: it has a number, which belongs to
        the tenure in which it began.
        """
        self._saves += 1
        batch.number = self._saves
        tenure = await self._held()
        await self._retrying.until_done(lambda: self._ledger.save(tenure, batch))

    async def release(self) -> None:
        """Say that all that was called is answered and written; in vain where the ledger is gone."""
        tenure, self._tenure = self._tenure, None
        self._is_taken.clear()
        if tenure is None:
            return
        try:
            async with asyncio.timeout(RELEASE_TIMEOUT):
                await self._ledger.release(tenure)
        except (LedgerUnavailable, TimeoutError) as error:
            log.info("release_failed", account=self._account, problem=str(error))

    async def _held(self) -> Tenure:
        while (tenure := self._tenure) is None:
            await self._is_taken.wait()
        return tenure
