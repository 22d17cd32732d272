"""What all views share: the account files as they are now, the ledger, the queues, and who may come in."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, TypeVar

from pydantic import SecretStr

from worker.accounts.account import Account
from worker.accounts.load import Loaded
from worker.accounts.reading import AccountFiles
from worker.broker.address import check_amqp_url
from worker.broker.looking import Looking
from worker.broker.reconnecting import ReconnectingConnection
from worker.clock import Clock
from worker.errors import LedgerUnavailable
from worker.kit.access import KitAccess
from worker.kit.credentials import OAuthApp, StoredKey
from worker.ledger.counts import Counts, counted
from worker.ledger.database import Database
from worker.ledger.journal import Action, Journal, JournalLine
from worker.ledger.kit_accounts import KitAccounts, SeenAtKit
from worker.ledger.registry import Registry
from worker.ledger.seen import Seen, seen_lately
from worker.ledger.store import Ledger
from worker.ledger.tokens import TokenStore
from worker.ledger.wholly import wholly
from worker.ops.check_kit import KitCheck, KitReport, check_account
from worker.ops.depths import Depth, Depths
from worker.ops.kit_reads import KitReads
from worker.ops.letters.letters import Letters
from worker.page.applying import Applying
from worker.page.attempts import Attempts
from worker.page.backfilling import Backfilling
from worker.page.behind import Behind
from worker.page.examples import AccountExamples
from worker.page.file_lines import FileLines
from worker.page.kit_names import KitNames
from worker.page.people_looks import PeopleLooks
from worker.page.rights import Signer
from worker.page.state import Workers
from worker.page.words import NO_KEY_YET, NOT_CONNECTED, Told
from worker.settings import Settings

T = TypeVar("T")
NAME: Final = "kit-worker page"
NO_LEDGER: Final = "There is no ledger yet: the first worker that starts makes it."


class Site:
    """What all views share.

    Args:
        settings: From the environment.
        files: The accounts' files.
        loaded: What was read of them.

    Attributes:
        applying: Makes and carries out plans to bring people under a file, once the ledger is there.
        attempts: Counts wrong tokens.
        backfilling: Plans files of members, and hands them over; and `behind` what else takes its time.
        clock: The time.
        examples: The accounts' own examples.
        files: The accounts' files.
        kit_names: What Kit has, for those who type names.
        ledger: The workers'; to be used only once `has_ledger` says that it is there.
        kit: The way to Kit.
        lines: Where rules stand in the accounts' files.
        letters: The dead letters; likewise.
        looks: At whom changed files would treat otherwise; likewise.
        is_open: Whether everybody who gets here is an operator: on loopback, where no token is set.
        signer: Signs sessions, links and messages.
    """

    def __init__(self, settings: Settings, files: AccountFiles, loaded: Loaded) -> None:
        self.attempts = Attempts()
        self.clock = Clock()
        self.is_open = settings.page_token is None
        # Made up where none is set: sessions end with this process then, and nobody can write links.
        self.signer = Signer(settings.page_secret or SecretStr(secrets.token_urlsafe(32)))
        self.settings = settings
        urls = check_amqp_url(settings.amqp_url.get_secret_value())
        self._broker = ReconnectingConnection(urls, NAME, clock=self.clock)
        self._depths = Depths(Looking(self._broker), lambda: self.loaded.names, archives=True)
        self.files = files
        self.loaded = loaded
        self.ledger = Ledger(Database(settings.ledger_url.get_secret_value()), worker=NAME, clock=self.clock)
        self._registry = Registry(self.ledger, NAME)
        self._has_ledger = False
        self.lines = FileLines()
        self.examples = AccountExamples(settings.config_dir)
        self._kit_reads = KitReads()
        self._begun: set[asyncio.Task[Any]] = set()
        self.letters = Letters(settings, self.ledger, self._depths, self.account)
        self.looks = PeopleLooks(self.ledger, self.clock, settings.kit_rate_limit)
        self.applying = Applying(self.ledger, self.clock, settings.kit_rate_limit, self.looks.give_way)
        self.backfilling = Backfilling(self.ledger, self.clock, settings, self.looks.give_way)
        self.behind = Behind(self.begin)
        self.kit = KitAccess(settings, self.ledger)
        self.kit_names = KitNames(self.kit, self.clock)

    async def run(self) -> None:
        """Follow files and queues, and ask Kit what it has, until cancelled."""
        try:
            async with self.ledger, asyncio.TaskGroup() as group:
                for each in (self._broker, self._depths, self.kit_names, self.looks):
                    group.create_task(each.run())
                group.create_task(self._follow_files())
                group.create_task(self._follow_ledger())
        finally:
            for task in self._begun:
                task.cancel()

    def begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Do something to its end, also where whoever asked for it does not wait so long."""
        task = asyncio.create_task(work)
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)
        return task

    async def _follow_ledger(self) -> None:
        while True:
            with suppress(LedgerUnavailable):
                if await wholly(self.has_ledger()):
                    break
            await self._depths.looked.wait()
            self._depths.looked.clear()
        async with asyncio.TaskGroup() as group:
            for each in (self.letters, self.applying, self.backfilling):
                group.create_task(each.run())

    async def _follow_files(self) -> None:
        watch = self.files.watch()
        while True:
            await watch.changed()
            self.loaded = await asyncio.to_thread(self.files.read)

    @property
    def broker_problem(self) -> str:
        """Why the queues cannot be looked at now; empty where they can."""
        return f"The queues cannot be looked at: {self._broker.problem}." if self._broker.problem else ""

    def put(self, account: Account) -> None:
        """Take an account as its file is now; the next look at all files comes within seconds."""
        accounts = {**self.loaded.accounts, account.name: account}
        by_name = {**self.loaded.by_name, account.name: ()}
        self.loaded = replace(self.loaded, accounts=accounts, by_name=by_name)

    def account(self, name: str) -> Account | None:
        """Return an account, if its file is valid."""
        return self.loaded.accounts.get(name)

    def depth(self, name: str) -> Depth:
        """Return how much waited in an account's queues some seconds ago."""
        return self._depths.of(name)

    async def workers(self) -> Workers:
        """Return what the workers say of themselves."""
        try:
            if not await self.has_ledger():
                return Workers(problem=NO_LEDGER)
            connected = await TokenStore(self.ledger, None).connected()
            return Workers(
                await self._registry.overview(), connected=connected, lacking=dict(self._lacking(connected))
            )
        except LedgerUnavailable as error:
            return Workers(problem=f"The ledger cannot be read: {error}.")

    def _lacking(self, connected: Collection[str]) -> Iterator[tuple[str, Told]]:
        """Yield the accounts whose key or tokens are to be in the ledger, and are not there yet."""
        for name, account in self.loaded.accounts.items():
            if name not in connected and isinstance(account.credential, StoredKey):
                yield name, NO_KEY_YET
            elif name not in connected and isinstance(account.credential, OAuthApp):
                yield name, NOT_CONNECTED

    async def seen_lately(self, name: str) -> tuple[dict[str, Seen], str]:
        """Return which event types came lately in an account, and why nobody knows, if so."""
        return await self._read({}, lambda: seen_lately(self.ledger.database, name, self.clock.time()))

    async def counted(self, name: str | None, since: float, until: float) -> tuple[dict[int, Counts], str]:
        """Return what happened by the quarter of an hour, of one account or all; or why nobody knows."""
        return await self._read({}, lambda: counted(self.ledger.database, since, until, name))

    async def _read(self, none: T, read: Callable[[], Awaitable[T]]) -> tuple[T, str]:
        """Return what is read from the ledger, or none of it and why."""
        try:
            return (await read(), "") if await self.has_ledger() else (none, NO_LEDGER)
        except LedgerUnavailable as error:
            return none, f"The ledger cannot be read: {error}."

    async def has_ledger(self) -> bool:
        """Tell whether there is a ledger: to look into it would make one."""
        self._has_ledger = self._has_ledger or bool(await self.ledger.database.version())
        return self._has_ledger

    async def note(self, action: Action) -> None:
        """Note in the journal what somebody did; nothing where no ledger is; raises `LedgerUnavailable`."""
        if await self.has_ledger():
            await Journal(self.ledger).append(action)

    async def journal(self, account: str | None, before: int | None) -> list[JournalLine]:
        """Return what was done, the newest first: of one account, or all, and before one of the lines.

        Raises:
            LedgerUnavailable: The ledger could not be read.
        """
        return await Journal(self.ledger).page(account, before=before) if await self.has_ledger() else []

    async def pause(self, name: str, why: str, lasts: float | None) -> bool:
        """Pause an account, for so many seconds if somebody said so; tell whether it was not paused yet.

        Raises:
            LedgerUnavailable: The workers would not hear of it.
        """
        until = None if lasts is None else await self._registry.now() + lasts
        return await self._registry.pause(name, why, until=until, anew=False)

    async def resume(self, name: str, since: float | None) -> bool:
        """Undo `pause`, if it is still the one of then, or any; tell whether it was. Raises as that does."""
        return await self._registry.resume(name, since=since)

    async def seen_at_kit(self, name: str) -> SeenAtKit | None:
        """Return what Kit said last of an account; None also while the ledger cannot be read."""
        with suppress(LedgerUnavailable):
            if await self.has_ledger():
                return await KitAccounts(self.ledger).last(name)
        return None

    async def saw_at_kit(self, report: KitReport) -> None:
        """Keep what Kit said; a ledger that does not take it loses only that."""
        with suppress(LedgerUnavailable):
            if report.state is KitCheck.OK and await self.has_ledger():
                await KitAccounts(self.ledger).saw(report.account, report.name, report.plan)

    def look_into_kit(self, account: Account) -> KitAccess | None:
        """Return the way to Kit for a look at one person; None where the page has looked often enough."""
        limit = self.settings.kit_rate_limit or (account.credential.limit if account.credential else 0)
        room = self._kit_reads.take(account.name, limit, self.clock.monotonic())
        return self.kit if room else None

    async def ask_kit(self, account: Account) -> KitReport:
        """Return how an account's Kit stands; whatever fails is in the report."""
        return await check_account(self.settings, account, self.kit, self.clock)
