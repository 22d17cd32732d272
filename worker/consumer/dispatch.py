"""Takes changes from the backlog to Kit as the budget allows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Generic, TypeVar

from worker.clock import Seconds
from worker.consumer.apply import Attempts, Writes, WritesTogether, is_alone
from worker.consumer.backlog import Backlog, Item, K, Pending, T
from worker.consumer.holds import Holds
from worker.errors import CredentialRefused, EventError, TryLater
from worker.retry import MAX_DELAY

R = TypeVar("R")

RECHECK: Final = 0.5
"""Seconds between two looks at a condition that announces itself to nobody."""


async def _at_once() -> None:
    """Wait for nothing."""


class Dispatcher(Generic[K, T]):
    """Runs one account's changes, several subscribers at once, each subscriber one at a time.

    Args:
        backlog: Where changes wait.
        writer: Makes them true.
        holds: Whether Kit is to be left alone.
        ready: Waits until Kit's budget allows a call.
        settle: Is told of every event's end: None when it was applied, else why it never can be.
        may_start: Whether new changes may start at all.
        worked_at: When an endpoint of Kit, or any, last answered well, in seconds.
        concurrency: How many subscribers at once, where they are written one by one.
        together: Makes many changes true at once, where the account allows that.
        gathered: Waits, before that begins, for what is about to come and could be among them.
        account: Its name, for the log.
    """

    def __init__(  # noqa: PLR0913  # its collaborators, all named
        self,
        backlog: Backlog[K, T],
        writer: Writes[K],
        holds: Holds,
        *,
        ready: Callable[[], Awaitable[None]],
        settle: Callable[[Item[T], EventError | None, int], Awaitable[None]],
        may_start: Callable[[], bool],
        worked_at: Callable[[str | None], float],
        concurrency: int,
        clock: Seconds,
        random: Callable[[], float],
        together: WritesTogether[K] | None = None,
        gathered: Callable[[], Awaitable[None]] = _at_once,
        account: str = "",
    ) -> None:
        self._attempts = Attempts(
            backlog,
            writer,
            holds,
            together=together,
            settle=settle,
            worked_at=worked_at,
            clock=clock,
            random=random,
            account=account,
        )
        self._backlog = backlog
        self._holds = holds
        self._ready = ready
        self._gathered = gathered
        self._may_start = may_start
        self._concurrency = concurrency
        self._together = together is not None
        self._clock = clock
        self._looking = False
        self._round_on = False
        self._single_next = False
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Say that something has changed: an event arrived, or what stood in the way is gone."""
        self._changed.set()

    async def run(self) -> None:
        """Start changes until cancelled; those under way are left to `drain`."""
        while True:
            self._changed.clear()
            delay = self._delay()
            if delay == 0:
                await self._ready()
                if self._together:
                    await self._gathered()
                # While the budget was spent, much may have changed.
                if self._delay() == 0:
                    self._start_next()
                continue
            try:
                async with asyncio.timeout(delay):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def ask(self, question: Callable[[], Awaitable[R]]) -> R:
        """Return Kit's answer to something that no change can do without, with holds as for changes.

        Where Kit refuses the credential there is no answer; `Holds.refused` tells.
        """
        while True:
            try:
                answer = await question()
            except CredentialRefused as error:
                self._holds.refuse(error)
                await asyncio.Event().wait()
            except TryLater as error:
                self._holds.failed(error)
                await asyncio.sleep(max(RECHECK, min(self._holds.hold.until - self._clock(), MAX_DELAY)))
            else:
                self._holds.worked()
                return answer

    @property
    def successes(self) -> int:
        """How many changes were applied so far."""
        return self._attempts.successes

    @property
    def idle(self) -> bool:
        """Whether no change is under way."""
        return not self._tasks

    async def drain(self, seconds: float) -> bool:
        """Wait for the changes under way; tell whether all of them ended in time."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        return not self._tasks

    async def abort(self, seconds: float) -> None:
        """Let the changes under way make no further calls, and wait so long for the calls they are in."""
        for task in self._tasks:
            task.cancel()
        await self.drain(seconds)

    def _delay(self) -> float | None:
        """Return the seconds until the next change may start; None: not before something changes."""
        now = self._clock()
        next_at = self._backlog.next_at()
        if next_at is None or self._is_full:
            return None
        if not self._may_start():
            return RECHECK
        hold = self._holds.hold
        if self._looking or (hold and self._backlog.taken):
            return None  # one call or change at a time shows whether Kit is back
        return max(0.0, hold.until - now, next_at - now)

    @property
    def _is_full(self) -> bool:
        """Whether enough is under way; of changes that are written together, what waits makes up the next."""
        return self._round_on if self._together else self._backlog.taken >= self._concurrency

    def _start_next(self) -> None:
        if self._holds.unanswered:
            self._looking = True
            self._start(self._look())
        elif self._together and not self._holds.hold:
            self._single_next = False
            self._start_round(self._backlog.take_all(self._clock()))
        elif (pending := self._backlog.take(self._clock(), probing=bool(self._holds.hold))) is not None:
            self._probe(pending)

    def _probe(self, pending: Pending[K, T]) -> None:
        """Find out whether Kit works again: one call at a time, which is what a round can do, too.

        Rounds and single changes take turns: a round comes further, but one change in it may be to blame.
        """
        if self._together and not self._single_next and not is_alone(pending):
            self._single_next = True
            others = self._backlog.take_all(self._clock(), lambda other: not is_alone(other))
            self._start_round([pending, *others])
        else:
            self._single_next = False
            self._start(self._attempts.one(pending))

    def _start_round(self, pendings: list[Pending[K, T]]) -> None:
        self._round_on = True
        self._start(self._round(pendings))

    async def _round(self, pendings: list[Pending[K, T]]) -> None:
        """Try many changes together, and by itself each that cannot be."""
        try:
            alone = await self._attempts.many(pendings)
        finally:
            self._round_on = False
            self._changed.set()
        await asyncio.gather(*map(self._attempts.one, alone))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def _look(self) -> None:
        try:
            await self._holds.look()
        finally:
            self._looking = False

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._changed.set()
