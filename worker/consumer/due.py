"""What is due: the messages of timers that have run out are published into their accounts' queues.

The ledger keeps the timers, and each worker looks for all its accounts. From the queue on, such a message
goes the way of every event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Final

from worker.broker.topology import work_queue
from worker.consumer.due_message import due_again
from worker.consumer.shared import Shared
from worker.errors import BrokerUnavailable, KitWorkerError, LedgerUnavailable
from worker.ledger.timers import CLAIM, NONE_WAITING, Claimed, Timers, Waiting
from worker.retrying import Retrying

EVERY: Final = 2.0
"""Seconds between two looks, and at most between two tries."""
COUNT_EVERY: Final = 15.0
PASSING: Final = (LedgerUnavailable, BrokerUnavailable)
CONFIRMED_WITHIN: Final = CLAIM - 10.0
"""Seconds: what is not confirmed by then is published again, perhaps by another worker, and comes in once."""


class DueEffects:
    """Publishes what is due.

    Args:
        shared: The connections, the ledger and the metrics.
        accounts: Returns the names of the accounts as they are now.
    """

    def __init__(self, shared: Shared, accounts: Callable[[], Collection[str]]) -> None:
        self._shared = shared
        self._accounts = accounts
        self._timers = Timers(shared.ledger)
        self._publishing: dict[str, Retrying] = {}
        self._published_at: dict[str, float] = {}

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._count())
            while True:
                for name in await self._ran_out():
                    if name not in self._publishing:
                        self._publishing[name] = self._retrying(name)
                        group.create_task(self._publish_for(name))
                await asyncio.sleep(EVERY)

    def _retrying(self, account: str) -> Retrying:
        return Retrying(
            PASSING,
            account=account,
            clock=self._shared.clock,
            failing="due_not_published",
            over="due_published_again",
            longest=EVERY,
        )

    async def _ran_out(self) -> set[str]:
        """Return where something is due, as far as one can see: that the ledger is away, presence says."""
        try:
            return await self._timers.ran_out(self._accounts())
        except LedgerUnavailable:
            return set()

    async def _publish_for(self, account: str) -> None:
        """Publish what is due in an account, however long that takes; others do not wait for it."""
        try:
            await self._publishing[account].until_done(lambda: self._publish(account))
        finally:
            del self._publishing[account]

    async def _publish(self, account: str) -> None:
        if account not in self._accounts():
            return  # removed meanwhile: its timers wait for its file, or for `kit-worker remove`
        ready = await self._shared.topology.depth(work_queue(account))
        if ready is None:
            raise BrokerUnavailable(f"there is no queue {work_queue(account)}")
        # What was published long ago, and has not come in, may still stand in the queue.
        claimed = await self._timers.claim(account, lost=not ready)
        failures = await self._publish_all(account, claimed)
        await self._timers.confirmed(account, [each for each in claimed if each.id not in failures])
        if failures:
            await self._timers.release(account, [each for each in claimed if each.id in failures])
            raise next(iter(failures.values()))

    async def _publish_all(self, account: str, claimed: Sequence[Claimed]) -> dict[str, KitWorkerError]:
        """Publish messages; return why some are perhaps not there, by their timers."""
        ends = await asyncio.gather(*(self._publish_one(account, each) for each in claimed))
        return {each.id: end for each, end in zip(claimed, ends, strict=True) if end is not None}

    async def _publish_one(self, account: str, claimed: Claimed) -> KitWorkerError | None:
        try:
            message = due_again(account, claimed.message)
            await self._shared.broker.publisher.publish(message, timeout=CONFIRMED_WITHIN)
        except PASSING as error:
            return error
        self._published_at[account] = self._shared.clock.monotonic()
        return None

    # -- how many there are ---------------------------------------------------------------------------

    async def _count(self) -> None:
        """Tell by metrics how many timers there are, and how late the first one is that has run out."""
        while True:
            with suppress(LedgerUnavailable):  # presence says so; what was counted last is told meanwhile
                self._tell(*await self._timers.waiting())
            await asyncio.sleep(COUNT_EVERY)

    def _tell(self, now: float, waiting: Mapping[str, Waiting]) -> None:
        metrics = self._shared.metrics
        metrics.due_effects.clear()
        metrics.due_late.clear()
        for name in self._accounts():
            found = waiting.get(name, NONE_WAITING)
            metrics.due_effects.labels(name).set(found.count)
            # Of a long plan the last ones wait for their turn, and are not late while it goes on.
            rests = self._shared.clock.monotonic() - self._published_at.get(name, float("-inf"))
            metrics.due_late.labels(name).set(min(found.late(now), rests))
