"""The way of an event through one session: consumer → intake → backlog → dispatch: apply → settle.

They are made with a session's first message: an account to which nothing comes does without, and there may
be a thousand of these.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from worker.accounts.account import Account
from worker.broker.connection import CLOSE_TIMEOUT
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
from worker.kit.catalog import Catalog
from worker.kit.writer import Writer
from worker.retry import Tries
from worker.subscribers.in_hand import InHand


class Stages:
    """The stages of one session and their tasks.

    Args:
        account: Whose events, and under which mapping.
        shared: With the other accounts.
        catalog: The account's tags and custom fields in Kit, and the way there.
        consumer: From which messages come.
        holds: Whether Kit is to be left alone.
        failing: By address, the tries of changes that failed in sessions before; those that fail now are
            added in the end.

    Attributes:
        ledger: The way there.
        report: Says what became of events.
        settle: Writes, acks and tells what has ended.
        apply: Has changes applied.
        dispatch: Starts them.
    """

    def __init__(
        self,
        account: Account,
        shared: Shared,
        catalog: Catalog,
        consumer: Consumer,
        holds: Holds,
        failing: dict[str, Tries],
    ) -> None:
        name, clock, in_hand = account.name, shared.clock, InHand()
        self.ledger = AccountLedger(account, shared, catalog, holds)
        self.report = Report(name, shared.metrics, clock)
        dead_letters = DeadLettering(name, shared.broker, shared.topology, clock)
        self.settle = Settle(consumer, dead_letters, self.ledger, in_hand, self.report, clock)
        self._backlog = Backlog(account, self.settle, failing)
        bulk = account.credential is not None and account.credential.bulk
        writer = Writer(catalog, in_hand, clock, self.settle, known_ttl=shared.known_ttl, bulk=bulk)
        self.apply = Apply(writer, self._backlog, holds, self.settle, clock, shared.patience)
        self._intake = Intake(account, consumer, in_hand, self.ledger, self._backlog, self.settle)
        gather = Gather(consumer, self._intake, clock)
        self.dispatch = Dispatch(self.apply, self._backlog, holds, self.settle, gather, clock)
        self._consumer = consumer
        self._holds = holds
        self._failing = failing
        self._starting = list[asyncio.Task[None]]()
        self._flowing = list[asyncio.Task[None]]()

    @property
    def pending(self) -> int:
        """How many changes wait or are under way, those of events that were not looked up yet included."""
        return len(self._intake) + len(self._backlog) + self._backlog.taken

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """Of all stages; none ends by itself, except by a bug or a lost epoch."""
        return [*self._starting, *self._flowing]

    def reload(self, account: Account) -> None:
        """Go on under a new mapping; what waits is folded anew from its events."""
        self._intake.account = account
        self._backlog.refold(account)

    def begin(self, since: float) -> None:
        """Let events flow.

        Args:
            since: When the session subscribed, by the monotonic clock.
        """
        self._starting = [asyncio.create_task(self.dispatch.run(since))]
        works = self._intake.read(), self._intake.run(), self.settle.dead_letter(), self.settle.run()
        self._flowing = [asyncio.create_task(work) for work in works]

    async def wind_down(self, grace: float) -> None:
        """Start nothing new, let calls end, and ack.

        Args:
            grace: Seconds that changes under way may still take.
        """
        for task in self._starting:
            task.cancel()
        if self._consumer.lost or self._consumer.is_fenced:
            self._consumer.fence()  # another worker may have begun, and acks are in vain
            self._consumer.stop_acking()
        else:
            await self.dispatch.drain(grace)
            self._consumer.fence()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(grace, CLOSE_TIMEOUT)):
                    await self.settle.emptied()
        await self.dispatch.abort(max(grace, CLOSE_TIMEOUT))
        self._consumer.stop_acking()
        await self._write_what_is_known()
        for task in self._flowing:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.report.tell_held(at_once=True)
        await self._release()

    async def _write_what_is_known(self) -> None:
        """Have the ledger know what was done, and what is in doubt, of changes that were cut short."""
        self.settle.no_more_calls()
        if self.settle.clean:
            return
        writing = asyncio.create_task(self.settle.written())
        waiting = {writing, *self._flowing}  # what flows may have ended: then nothing is written any more
        await asyncio.wait(waiting, timeout=CLOSE_TIMEOUT, return_when=asyncio.FIRST_COMPLETED)
        writing.cancel()

    async def _release(self) -> None:
        """Let the next session rely on what this one has written, if nothing is unwritten or unanswered.

        No call may begin any more. Where one may still be under way at Kit, the next session asks Kit
        something harmless first, and gives that call a moment.
        """
        self._failing |= self._backlog.failing()
        if self.settle.clean and self.dispatch.idle and not self._holds.unanswered:
            await self.ledger.release()
