"""One account at work, from subscribing to handing back: here the three stages are put together.

A *session* is one channel with one consumer. Whatever goes wrong with it, the session ends, what it held
goes back to the queue, and a new one begins; the messages of an old session are never touched again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog

from worker.accounts.account import Account
from worker.broker.connection import CLOSE_TIMEOUT
from worker.consumer.account_ledger import AccountLedger
from worker.consumer.apply import Apply
from worker.consumer.backlog import Backlog
from worker.consumer.dead_lettering import DeadLettering
from worker.consumer.dispatch import Dispatch
from worker.consumer.end import End
from worker.consumer.gather import Gather
from worker.consumer.holds import Holds
from worker.consumer.intake import Intake
from worker.consumer.prefetch import Prefetch, most_in_time
from worker.consumer.receive import RECHECK, Consumer
from worker.consumer.report import Report
from worker.consumer.settle import Settle
from worker.consumer.shared import Shared
from worker.errors import EpochLost
from worker.kit.catalog import Catalog
from worker.kit.writer import Writer
from worker.retry import Tries
from worker.subscribers.in_hand import InHand

log = structlog.get_logger()

AT_REST: Final = 10.0
"""Seconds between two looks while nothing is in hand, by which a thousand accounts at rest cost little."""


class Session:
    """One channel's consumer, from subscribing to closing, and the three stages behind it.

    Args:
        account: Whose queue, and under which mapping.
        shared: With the other accounts.
        catalog: The account's tags and custom fields in Kit, and the way there.
        prefetch: To begin with.
        failing: By address, the tries of changes that failed in sessions before.

    Attributes:
        subscribed: Whether it consumes, and may have something in hand.
    """

    def __init__(
        self,
        account: Account,
        shared: Shared,
        catalog: Catalog,
        prefetch: Prefetch,
        failing: dict[str, Tries],
    ) -> None:
        name, clock = account.name, shared.clock
        self.subscribed = False
        self._account = account
        self._began_at = clock.monotonic()
        self._shared = shared
        self._catalog = catalog
        self._failing = failing
        self._log = log.bind(account=name)
        self.consumer = Consumer(name, shared.broker, shared.worker_id, prefetch, shared.room, clock)
        self.holds = Holds(name, catalog.client, self.consumer, clock)
        self._has_stages = False

    def begin(self) -> None:
        """Make the stages; an account to which nothing comes does without: there may be a thousand."""
        if self._has_stages:
            return
        account, shared, name, clock = self._account, self._shared, self._account.name, self._shared.clock

        # The way of an event: consumer → intake → backlog → dispatch: apply → settle.
        in_hand = InHand()
        self._ledger = AccountLedger(account, shared, self._catalog, self.holds)
        dead_letters = DeadLettering(name, shared.broker, shared.topology, clock)
        self._report = Report(name, shared.metrics, clock)
        self.settle = Settle(self.consumer, dead_letters, self._ledger, in_hand, self._report, clock)
        self.backlog = Backlog(account, self.settle, self._failing)
        bulk = account.credential is not None and account.credential.bulk
        writer = Writer(self._catalog, in_hand, clock, self.settle, known_ttl=shared.known_ttl, bulk=bulk)
        self.apply = Apply(writer, self.backlog, self.holds, self.settle, clock, shared.patience)
        self.intake = Intake(account, self.consumer, in_hand, self._ledger, self.backlog, self.settle)
        gather = Gather(self.consumer, self.intake, clock)
        self.dispatch = Dispatch(self.apply, self.backlog, self.holds, self.settle, gather, clock)
        self._has_stages = True

    # -- from outside ---------------------------------------------------------------------------------

    @property
    def pending(self) -> int:
        """How many changes wait or are under way, those of events that were not looked up yet included."""
        return len(self.intake) + len(self.backlog) + self.backlog.taken if self._has_stages else 0

    @property
    def hold_cause(self) -> str:
        """Why nothing is started, for people; empty while nothing holds the account."""
        if cause := (self._has_stages and self.settle.problem) or self.holds.hold.cause:
            return cause
        return "" if self.consumer.is_heard else "RabbitMQ has not answered lately"

    @property
    def lived(self) -> float:
        """Seconds since it began."""
        return self._shared.clock.monotonic() - self._began_at

    @property
    def succeeded(self) -> bool:
        """Whether a change was applied."""
        return self._has_stages and self.apply.succeeded.is_set()

    def end(self, why: End) -> None:
        """Ask the session to end; the first reason stands."""
        self.consumer.end(why)

    def reload(self, account: Account) -> None:
        """Go on under a new mapping; what waits is folded anew from its events."""
        self._account = account
        if self._has_stages:
            self.intake.account = account
            self.backlog.refold(account)

    def check_epoch(self, epoch: int) -> None:
        """End, with no further call, where what is in hand is no longer ours, as the account's epoch says."""
        if self._has_stages and self.consumer.unsettled and self._ledger.is_over(epoch):
            self._fenced(f"the ledger has epoch {epoch}")

    # -- running --------------------------------------------------------------------------------------

    async def run(self, grace: Callable[[], float]) -> End:
        """Consume until there is a reason to end; then hand back what is left.

        Args:
            grace: Returns the seconds that changes under way may still take, when the session ends.

        Raises:
            BrokerUnavailable: The channel could not be set up.
        """
        self._catalog.client.gate = self.holds
        await self.consumer.subscribe()
        self.subscribed, since = True, self._shared.clock.monotonic()
        starting, flowing = list[asyncio.Task[None]](), list[asyncio.Task[None]]()
        try:
            await self._first_message()
            if not self.consumer.unsettled and self.consumer.ended.done():
                return self.consumer.ended.result()
            self.begin()
            starting += [asyncio.create_task(work) for work in (self.dispatch.run(since), self._watch())]
            stages = self.intake.read(), self.intake.run(), self.settle.dead_letter(), self.settle.run()
            flowing += [asyncio.create_task(work) for work in stages]
            waiting: set[asyncio.Future[End] | asyncio.Task[None]]
            waiting = {self.consumer.ended, *starting, *flowing}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in (*starting, *flowing):
                if task.done():
                    task.result()  # none ends by itself, except by a bug or a lost epoch
        except EpochLost as error:
            self._fenced(str(error))
        finally:
            await self._wind_down(starting, flowing, grace())
        return self.consumer.ended.result()

    def _fenced(self, problem: str) -> None:
        if not self.consumer.is_fenced:
            self._log.warning("fenced", problem=problem)
        self.consumer.fence()  # whatever is in hand is another worker's
        self.end(End.FENCED)

    async def _first_message(self) -> None:
        """Wait without the stages, which take memory, for something to do, or an end."""
        while not (self.consumer.came.is_set() or self.consumer.ended.done()):
            if self._shared.clock.problem:
                self.end(End.CLOCK_WRONG)
            else:
                await self._something_came()

    async def _something_came(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(AT_REST):
                await self.consumer.came.wait()

    async def _watch(self) -> None:
        """End the session when something tells that it should."""
        while True:
            await self._something_may_have_changed()
            self._report.tell_held()
            oldest = self.consumer.oldest_age
            patience = self._shared.patience
            if self.holds.refused.is_set():
                self.end(End.CREDENTIAL_REFUSED)
            elif self._shared.clock.problem:
                self.end(End.CLOCK_WRONG)
            elif oldest >= (patience.max_age_held if self.holds.hold else patience.max_age):
                self.end(End.GREW_OLD)
            elif self.consumer.prefetch.careful and oldest >= patience.alone_for:
                self.consumer.prefetch = self.consumer.prefetch.after_failing_alone()
                self.end(End.RESIZE)
            else:
                self.consumer.grow(self._deep())

    def _deep(self) -> int:
        """Return how many messages may be held of a deep queue; 0 where that saves nothing."""
        if not self.consumer.is_full:
            return 0
        limiter, bulk = self._catalog.client.limiter, self.apply.together
        return most_in_time(limiter.limit, bulk=bulk) if bulk or limiter.is_brake else 0

    async def _something_may_have_changed(self) -> None:
        """Wait for the next look; what comes, and the first success, after which more may come, end that."""
        news = self.apply.succeeded.is_set() and not self.consumer.prefetch.proven
        if not (self.consumer.unsettled or self._report.has_untold or news):
            self.consumer.came.clear()
            await self._something_came()
            return
        if self.consumer.prefetch.proven:
            await asyncio.sleep(RECHECK)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(RECHECK):
                await self.apply.succeeded.wait()
        if self._note_success() and self.consumer.prefetch.count > self.consumer.window:
            self.end(End.RESIZE)

    def _note_success(self) -> bool:
        """Let more be in hand once a change was applied; tell whether that is so."""
        if self.succeeded:
            self.consumer.prefetch = self.consumer.prefetch.after_success()
        return self.succeeded

    # -- ending ---------------------------------------------------------------------------------------

    async def _wind_down(
        self, starting: list[asyncio.Task[None]], flowing: list[asyncio.Task[None]], grace: float
    ) -> None:
        """Start nothing new, let calls end, ack, and only then close: the next consumer starts at once.

        Closing the channel is also what hands back whatever is left unsettled.
        """
        if not self._has_stages:  # nothing has come
            await self._leave()
            return
        for task in starting:
            task.cancel()
        if self.consumer.lost or self.consumer.is_fenced:
            self.consumer.fence()  # another worker may have begun, and acks are in vain
            self.consumer.stop_acking()
        else:
            await self.dispatch.drain(grace)
            self.consumer.fence()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(grace, CLOSE_TIMEOUT)):
                    await self.settle.emptied()
        await self.dispatch.abort(max(grace, CLOSE_TIMEOUT))
        self.consumer.stop_acking()
        await self._write_what_is_known(flowing)
        for task in flowing:
            task.cancel()
        await asyncio.gather(*starting, *flowing, return_exceptions=True)
        self._report.tell_held(at_once=True)
        await self._release()
        await self._leave()

    async def _leave(self) -> None:
        """Close the channel, and say what the next session begins with."""
        await self.consumer.close()
        self._note_success()  # of a change that was under way when the session ended, too
        self.consumer.prefetch = self.consumer.prefetch.after_session(
            self.consumer.ended.result() if self.consumer.ended.done() else End.STOPPED,
            unsettled=bool(self.consumer.unsettled),
            held=bool(self.holds.hold),
        )

    async def _write_what_is_known(self, flowing: list[asyncio.Task[None]]) -> None:
        """Have the ledger know what was done, and what is in doubt, of changes that were cut short."""
        self.settle.no_more_calls()
        if self.settle.clean:
            return
        writing = asyncio.create_task(self.settle.written())
        waiting = {writing, *flowing}  # what flows may have ended: then nothing is written any more
        await asyncio.wait(waiting, timeout=CLOSE_TIMEOUT, return_when=asyncio.FIRST_COMPLETED)
        writing.cancel()

    async def _release(self) -> None:
        """Let the next session rely on what this one has written, if nothing is unwritten or unanswered.

        No call may begin any more. Where one may still be under way at Kit, the next session asks Kit
        something harmless first, and gives that call a moment.
        """
        self._failing |= self.backlog.failing()
        if self.settle.clean and self.dispatch.idle and not self.holds.unanswered:
            await self._ledger.release()
