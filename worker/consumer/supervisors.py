"""All accounts at work: one supervisor each, as the account files are now."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import structlog

from worker.accounts.account import Account
from worker.accounts.load import Loaded
from worker.consumer.declaring import DECLARE_EVERY, FIRST_LOOK
from worker.consumer.shared import Shared
from worker.consumer.supervisor import Supervisor

log = structlog.get_logger()

RESTART_AFTER: Final = 5.0
"""Seconds after which an account is started again that a bug ended."""
AT_ONCE: Final = 20
"""Accounts that are declared again together: the ledger is asked once for all of them."""
CLOSING: Final = 3.0
"""Seconds of the grace that are kept for handing back and closing connections."""


class Supervisors:
    """Starts, reloads and stops the accounts of one worker.

    Args:
        shared: What all of them share.
        prefetch: Messages in hand, for each, as configured.
        grace: Seconds that changes under way may take when a session ends while the worker goes on.

    Attributes:
        loaded: The configuration, as it was last read.
        stopping: Whether the worker is about to stop.
    """

    def __init__(self, shared: Shared, prefetch: int, grace: float) -> None:
        self.loaded = Loaded({})
        self.stopping = False
        self._shared = shared
        self._prefetch = prefetch
        self._grace = grace
        self._grace_ends: float | None = None
        self._supervisors: dict[str, Supervisor] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def __getitem__(self, account: str) -> Supervisor | None:
        """Return an account's supervisor; None where it was never started."""
        return self._supervisors.get(account)

    @property
    def running(self) -> dict[str, Supervisor]:
        """The supervisors, by the account's name."""
        return self._supervisors

    @property
    def accounts(self) -> dict[str, Account]:
        """The accounts that are at work, under the mappings in force."""
        return {name: supervisor.account for name, supervisor in self._supervisors.items()}

    @property
    def declared(self) -> list[str]:
        """The names of those whose queues this worker has declared."""
        return [name for name, each in self._supervisors.items() if each.declaring.was_declared]

    @property
    def never_started(self) -> set[str]:
        """The names of accounts that have a file and are not at work, because it is wrong."""
        return {name for name in self.loaded.names if name not in self._supervisors}

    # -- the files as they are now --------------------------------------------------------------------

    async def apply(self, loaded: Loaded) -> None:
        """Bring the running accounts in line with the files; an invalid file leaves its account as it is."""
        self.loaded = loaded
        for name in [name for name in self._supervisors if name not in loaded.accounts]:
            if not loaded.problems_of(name):
                await self._remove(name)
        for name, account in loaded.accounts.items():
            supervisor = self._supervisors.get(name)
            if supervisor is None:
                self._start(account)
            elif _differs(supervisor.account, account):
                await self._replace(supervisor, account)
            else:
                supervisor.try_again()

    def _start(self, account: Account) -> None:
        supervisor = Supervisor(account, self._shared, self._prefetch, self._grace_left)
        self._supervisors[account.name] = supervisor
        task = asyncio.create_task(supervisor.run(), name=f"account {account.name}")
        task.add_done_callback(lambda done: self._ended(account.name, done))
        self._tasks[account.name] = task

    def _ended(self, name: str, task: asyncio.Task[None]) -> None:
        """Start an account again that a bug ended; it must not stay down in silence."""
        if task.cancelled() or task.exception() is None:
            return
        log.error("account_crashed", account=name, exc_info=task.exception())
        if not self.stopping and self._tasks.get(name) is task:
            loop = asyncio.get_running_loop()
            loop.call_later(RESTART_AFTER, self._start_again, self._supervisors[name])

    def _start_again(self, supervisor: Supervisor) -> None:
        """Start an account with its present mapping, unless a new file or key has done so meanwhile."""
        if not self.stopping and self._supervisors.get(supervisor.account.name) is supervisor:
            self._start(supervisor.account)

    async def _replace(self, supervisor: Supervisor, account: Account) -> None:
        now = supervisor.account
        if now.credential == account.credential and now.apps == account.apps:
            await supervisor.reload(account)
            return
        await self._end(account.name)
        self._start(account)

    async def _remove(self, name: str) -> None:
        log.warning(
            "account_removed",
            account=name,
            hint=f"its queue stays bound and keeps its events; kit-worker remove {name} deletes it",
        )
        await self._end(name)

    async def _end(self, name: str) -> None:
        supervisor, task = self._supervisors.pop(name), self._tasks.pop(name)
        supervisor.stop()
        await asyncio.gather(task, return_exceptions=True)

    async def keep_declared(self) -> None:
        """Declare everything in RabbitMQ again every minute, some accounts at once, until cancelled."""
        await asyncio.sleep(FIRST_LOOK)
        while True:
            these = list(self._supervisors.items())
            for first in range(0, len(these), AT_ONCE):
                some = these[first : first + AT_ONCE]
                await asyncio.gather(*(self._declare_again(name, supervisor) for name, supervisor in some))
            await asyncio.sleep(DECLARE_EVERY)

    async def _declare_again(self, name: str, supervisor: Supervisor) -> None:
        if self._supervisors.get(name) is supervisor:  # else it was removed meanwhile
            await supervisor.declaring.declare_again(supervisor.account)

    # -- stopping -------------------------------------------------------------------------------------

    def begin_stop(self, seconds: float) -> None:
        """Let changes under way take so many seconds from now on, and no more."""
        self.stopping = True
        self._grace_ends = self._shared.clock.monotonic() + seconds

    async def stop(self, hurry: asyncio.Event) -> None:
        """Hand everything back: within the grace, or at once where `hurry` is set meanwhile."""
        if self._grace_ends is None:
            self.begin_stop(0.0)
        for supervisor in self._supervisors.values():
            supervisor.stop()
        if self._tasks:
            hurrying = asyncio.create_task(hurry.wait())
            ended = asyncio.gather(*self._tasks.values(), return_exceptions=True)
            timeout = self._grace_left() + CLOSING
            either: set[asyncio.Future[Any]] = {hurrying, ended}
            await asyncio.wait(either, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            hurrying.cancel()
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _grace_left(self) -> float:
        """Return the seconds that a session's changes may still take when it ends."""
        if self._grace_ends is None:
            return self._grace
        return max(0.0, self._grace_ends - self._shared.clock.monotonic())


def _differs(running: Account, account: Account) -> bool:
    return running.version != account.version or running.credential != account.credential
