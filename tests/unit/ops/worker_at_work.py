"""One account at work in this process: the real stages, ledger and way to Kit; the queue is a test's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from msgspec import structs

from tests.unit.consumer.account_ledger.kept import FakeShared
from tests.unit.consumer.surroundings import FakeConsumer, FakeDeadLetters, FakeReport
from worker.accounts.account import Account
from worker.clock import Clock
from worker.consumer.account_ledger import AccountLedger
from worker.consumer.apply import Apply
from worker.consumer.backlog import Backlog
from worker.consumer.dead_lettering import DeadLettering
from worker.consumer.dispatch import Dispatch
from worker.consumer.gather import Gather
from worker.consumer.holds import Holds
from worker.consumer.intake import Intake
from worker.consumer.receive import Consumer
from worker.consumer.report import Report
from worker.consumer.settle import Settle
from worker.consumer.shared import Shared
from worker.events.delivery import Delivery
from worker.kit.catalog import Catalog
from worker.kit.client import KitClient
from worker.kit.writer import Writer
from worker.ledger.store import Ledger
from worker.retry import PATIENCE
from worker.subscribers.in_hand import InHand
from worker.subscribers.item import Outcome


class WorkerAtWork:
    """Takes one event after the other, each to its end."""

    def __init__(self, account: Account, ledger: Ledger, client: KitClient, known_ttl: float) -> None:
        clock, in_hand = Clock(), InHand()
        self._queue = FakeConsumer()
        self._queue.clock = clock
        self._report = FakeReport()
        consumer, shared = cast("Consumer", self._queue), cast("Shared", FakeShared(ledger))
        catalog = Catalog(client, account.options)
        holds = Holds(account.name, client, consumer, clock)
        self._of_ledger = AccountLedger(account, shared, catalog, holds)
        dead_letters = cast("DeadLettering", FakeDeadLetters())
        settle = Settle(consumer, dead_letters, self._of_ledger, in_hand, cast("Report", self._report), clock)
        backlog = Backlog(account, settle, {})
        writer = Writer(catalog, in_hand, clock, settle, known_ttl=known_ttl, bulk=False)
        apply = Apply(writer, backlog, holds, settle, clock, PATIENCE)
        intake = Intake(account, consumer, in_hand, self._of_ledger, backlog, settle)
        self._dispatch = Dispatch(apply, backlog, holds, settle, Gather(consumer, intake, clock), clock)
        self._work = [each() for each in (intake.read, intake.run, settle.run, settle.dead_letter)]
        self._work.append(self._dispatch.run(clock.monotonic()))

    @asynccontextmanager
    async def working(self, *, releases: bool = True) -> AsyncIterator[None]:
        """Work while the block runs; whoever does not release the account at the end was killed."""
        tasks = [asyncio.create_task(each) for each in self._work]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._dispatch.abort(0.0)
            if releases:
                await self._of_ledger.release()

    async def ends(self, delivery: Delivery) -> Outcome:
        """Take an event, and return how it ended."""
        before = len(self._report.outcomes)
        self._report.progressed.clear()
        self._queue.deliver(structs.replace(delivery, tag=before + 1, since=time.monotonic()))
        async with asyncio.timeout(30):
            await self._report.progressed.wait()
        return self._report.outcomes[before]
