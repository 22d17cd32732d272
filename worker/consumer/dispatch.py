"""The second stage: takes changes from the backlog to Kit as the budget allows."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from worker.clock import Clock
from worker.consumer.apply import Apply, is_alone
from worker.consumer.backlog import Backlog, Pending
from worker.consumer.gather import Gather
from worker.consumer.holds import Holds
from worker.consumer.receive import RECHECK
from worker.consumer.settle import Settle


class Dispatch:
    """Starts one session's changes, several subscribers at once, each subscriber one at a time.

    Args:
        apply: Tries changes, and knows what each end means.
        backlog: Where changes wait.
        holds: Whether Kit is to be left alone.
        settle: Whether what is begun could be settled.
        gather: Waits for more changes, where that saves calls.
        clock: Of the waits.
    """

    def __init__(
        self, apply: Apply, backlog: Backlog, holds: Holds, settle: Settle, gather: Gather, clock: Clock
    ) -> None:
        self._apply = apply
        self._backlog = backlog
        self._holds = holds
        self._settle = settle
        self._gather = gather
        self._clock = clock
        self._looking = False
        self._together_on = False
        self._single_next = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, since: float) -> None:
        """Start changes until cancelled; those under way are left to `drain`.

        Args:
            since: When the session subscribed, in seconds.

        Raises:
            EpochLost: Somebody else has taken the account.
        """
        await self._gather.burst(since)
        while True:
            self._backlog.changed.clear()
            delay = self._delay()
            if delay == 0 and self._holds.must_ask:
                await self._settle.confirm()
            elif delay == 0:
                await self._holds.client.limiter.ready(self._under_way)
                if self._apply.together:
                    await self._gather.many()
                # While the budget was spent, much may have changed.
                if self._delay() == 0 and not self._holds.must_ask:
                    self._start_next()
            else:
                with suppress(TimeoutError):
                    async with asyncio.timeout(delay):
                        await self._backlog.changed.wait()

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

    def _under_way(self) -> int:
        """Return for how many pieces of work calls are still to come; together, all is one."""
        return int(self._together_on) if self._apply.together else self._backlog.taken

    # -- when -----------------------------------------------------------------------------------------

    def _delay(self) -> float | None:
        """Return the seconds until the next change may start; None: not before something changes."""
        now = self._clock.monotonic()
        next_at = self._backlog.next_at()
        if next_at is None or self._is_full:
            return None
        if not self._settle.can_settle:
            return RECHECK
        hold = self._holds.hold
        if self._looking or (hold and self._backlog.taken):
            return None  # one call or change at a time shows whether Kit is back
        return max(0.0, hold.until - now, next_at - now)

    @property
    def _is_full(self) -> bool:
        """Whether enough is under way; of changes that are written together, what waits makes up the next."""
        if self._apply.together:
            return self._together_on
        return self._backlog.taken >= self._holds.client.concurrency

    # -- what -----------------------------------------------------------------------------------------

    def _start_next(self) -> None:
        now, hold = self._clock.monotonic(), self._holds.hold
        if self._holds.unanswered:
            self._looking = True
            self._start(self._look())
        elif self._apply.together and not hold:
            self._single_next = False
            self._start_together(self._backlog.take_all(now))
        elif (pending := self._backlog.take(now, self._gather.last_old, probing=bool(hold))) is not None:
            self._probe(pending)

    def _probe(self, pending: Pending) -> None:
        """Find out whether Kit works again: one call at a time, of changes together or of a single one.

        The two take turns: changes together come further, but one of them may be to blame.
        """
        if self._apply.together and not self._single_next and not is_alone(pending):
            self._single_next = True
            others = self._backlog.take_all(self._clock.monotonic(), lambda other: not is_alone(other))
            self._start_together([pending, *others])
        else:
            self._single_next = False
            self._start(self._apply.one(pending))

    def _start_together(self, pendings: list[Pending]) -> None:
        self._together_on = True
        self._start(self._try_together(pendings))

    async def _try_together(self, pendings: list[Pending]) -> None:
        """Try many changes together, and by itself each that cannot be."""
        try:
            alone = await self._apply.many(pendings)
        finally:
            self._together_on = False
            self._backlog.changed.set()
        await asyncio.gather(*map(self._apply.one, alone))

    async def _look(self) -> None:
        try:
            await self._holds.look()
        finally:
            self._looking = False

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._backlog.changed.set()
