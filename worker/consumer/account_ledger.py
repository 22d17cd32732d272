"""One session's way to the ledger: takes the account when it must, and waits out whatever is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeVar

import structlog

from worker.accounts.account import Account
from worker.consumer.holds import Holds
from worker.consumer.shared import Shared
from worker.errors import EpochLost, LedgerUnavailable, LedgerWentBack
from worker.events.delivery import NEVER
from worker.kit.catalog import Catalog
from worker.ledger.newest import kept_of
from worker.ledger.taggings import count_people
from worker.ledger.takeover import Tenure
from worker.retrying import Retrying
from worker.subscribers.glimpse import Glimpse
from worker.subscribers.known import NO_MOVES, NO_TAGGINGS, Batch, Known, RecentMoves, RecentTaggings

R = TypeVar("R")
log = structlog.get_logger()

LONGEST: Final = 5.0
"""Seconds between two tries, at most."""
RELEASE_TIMEOUT: Final = 1.0


class AccountLedger:
    """Reads and writes one account's records during a session.

    Args:
        account: As its file is.
        shared: The ledger, in which they are kept, and which Kit account is whose.
        catalog: Knows Kit's id of the account, and what placeholders have created.
        holds: Whether Kit is to be left alone, and asked something harmless first.

    Attributes:
        retrying: Says why the ledger cannot be used, if so; nothing is applied meanwhile.
    """

    def __init__(self, account: Account, shared: Shared, catalog: Catalog, holds: Holds) -> None:
        self._account = account
        self._shared = shared
        self._ledger = ledger = shared.ledger
        self._catalog = catalog
        self._holds = holds
        self.retrying = Retrying(
            LedgerUnavailable,
            account=account.name,
            clock=ledger.clock,
            failing="ledger_unavailable",
            over="ledger_back",
            longest=LONGEST,
        )
        self._tenure: Tenure | None = None
        self._saves = 0
        self._taking = asyncio.Lock()

    @property
    def problem(self) -> str:
        """Why the ledger cannot be used, for people, whoever found out; empty while it can."""
        return self.retrying.problem or self._ledger.database.usability.problem

    @property
    def known_since(self) -> float:
        """From when on Kit's answers are known, in seconds since 1970."""
        return self._tenure.known_since if self._tenure else float("inf")

    @property
    def epoch(self) -> int:
        """Of this session's tenure; 0 while the account is not taken."""
        return self._tenure.epoch if self._tenure else 0

    @property
    def home_app(self) -> str:
        """Whose ids tell people apart by themselves; it counts from the tenure on."""
        return self._tenure.home_app if self._tenure else ""

    @property
    def recent_moves(self) -> RecentMoves:
        """How many people moved in the hour before this tenure."""
        return self._tenure.recent_moves if self._tenure else NO_MOVES

    @property
    def recent_taggings(self) -> RecentTaggings:
        """How many new taggings there were in the hour before this tenure."""
        return self._tenure.recent_taggings if self._tenure else NO_TAGGINGS

    @property
    def not_before(self) -> datetime:
        """When the account was last written for before this tenure: what came without a time came later."""
        return self._tenure.not_before if self._tenure else NEVER

    async def load(self, emails: Collection[str], user_ids: Collection[str], *, may_take: bool) -> Known:
        """Return what the ledger knows of these people, however long that takes.

        Args:
            emails: Addresses.
            user_ids: As `id_key` writes them.
            may_take: True where nothing older than these is in hand. Then the account may be taken anew: the
                broker has given it to us since whoever took it last.

        Raises:
            EpochLost: Somebody else has taken the account, and what is in hand is theirs.
            LedgerWentBack: What is known of the people in hand is not in the ledger any more.
        """
        return await self.retrying.until_done(lambda: self._load_once(emails, user_ids, may_take=may_take))

    async def _load_once(
        self, emails: Collection[str], user_ids: Collection[str], *, may_take: bool
    ) -> Known:
        try:
            return await self._seen(self._ledger.load(await self._held(), emails, user_ids))
        except LedgerWentBack:
            raise
        except EpochLost:
            if not may_take:
                raise
            self._tenure = None
            self._holds.tenure_ended()
            return await self._seen(self._ledger.load(await self._held(), emails, user_ids))

    async def confirm(self) -> None:
        """Have the ledger say that the account is still ours, however long that takes; raises as `load`."""
        await self.load((), (), may_take=False)

    async def _seen(self, asking: Awaitable[R]) -> R:
        """Return the ledger's answer, which it gives only while the account is ours."""
        asked = self._ledger.clock.monotonic()
        answer = await asking
        self._holds.tenure_seen(asked)
        return answer

    async def kept(self, emails: Collection[str]) -> Mapping[str, Sequence[bytes]]:
        """Return the newest events of these people, however long that takes; see `ledger.newest`."""
        database, name = self._ledger.database, self._account.name
        return await self.retrying.until_done(lambda: kept_of(database, name, emails))

    @property
    def has_news(self) -> bool:
        """Whether there is anything to write besides what is known of people."""
        return self._catalog.lists.has_named

    async def save(self, batch: Batch) -> None:
        """Write, however long that takes; raises as `load` does.

        A write that was made, and whose answer was lost, is not made again: it has a number.
        """
        self._saves += 1
        batch.number = self._saves
        batch.created_tags = self._catalog.take_created()
        batch.calls = self._catalog.client.take_sent()
        batch.names = self._catalog.lists.take_named()
        tenure: Tenure | None = None

        async def work() -> None:
            nonlocal tenure
            tenure = tenure or await self._held()  # numbers belong to it
            await self._seen(self._ledger.save(tenure, batch))

        await self.retrying.until_done(work)
        if tenure is not None and tenure is self._tenure:
            self._tenure = replace(tenure, batch=batch.number)

    async def people(self) -> int:
        """Return how many people of the account are known, however long that takes."""
        database = self._ledger.database
        return await self.retrying.until_done(lambda: count_people(database, self._account.name))

    async def forgotten(self, seen: Glimpse) -> Mapping[tuple[str, str], datetime]:
        """Return by which of its signs the person of an event was forgotten, however long that takes."""
        return await self.retrying.until_done(lambda: self._ledger.forgotten(self._account.name, seen))

    async def release(self) -> None:
        """Say that all that was called is answered and written; in vain where the ledger is gone."""
        tenure, self._tenure = self._tenure, None
        if tenure is None:
            return
        try:
            async with asyncio.timeout(RELEASE_TIMEOUT):
                await self._ledger.release(tenure)
        except (LedgerUnavailable, TimeoutError) as error:
            log.info("release_failed", account=self._account.name, problem=str(error))

    async def _held(self) -> Tenure:
        """Return this session's tenure, which begins once the broker has made this worker the active one.

        A worker that only stands by never asks Kit, as another one may call there.
        """
        async with self._taking:  # a read and a write at once would take it from each other
            if self._tenure is None:
                kit_account = await self._holds.ask(self._own_kit_account)
                account, asked = self._account, self._ledger.clock.monotonic()
                self._tenure = tenure = await self._ledger.take(account.name, kit_account, account.apps)
                self._holds.tenure_began(asked, in_doubt=tenure.in_doubt)
                self._catalog.count_created(tenure.created_tags)
                self._catalog.lists.recall(tenure.names)
            return self._tenure

    async def _own_kit_account(self) -> int:
        """Return Kit's id of the account, which is no other account's; 0 where Kit does not say."""
        kit_account = await self._catalog.account_id()
        await self._shared.take_kit_account(self._account, self._catalog)
        return kit_account
