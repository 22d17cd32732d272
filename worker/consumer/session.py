"""One account at work, from subscribing to handing back.

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
from worker.consumer.end import End
from worker.consumer.holds import Holds
from worker.consumer.prefetch import Prefetch
from worker.consumer.receive import RECHECK, Consumer
from worker.consumer.shared import Shared
from worker.consumer.stages import Stages
from worker.errors import EpochLost
from worker.kit.catalog import Catalog
from worker.retry import Tries

log = structlog.get_logger()

AT_REST: Final = 10.0
"""Seconds between two looks while nothing is in hand, by which a thousand accounts at rest cost little."""


class Session:
    """One channel's consumer, from subscribing to closing, and the stages behind it.

    Args:
        account: Whose queue, and under which mapping.
        shared: With the other accounts.
        catalog: The account's tags and custom fields in Kit, and the way there.
        prefetch: To begin with.
        failing: By address, the tries of changes that failed in sessions before.

    Attributes:
        subscribed: Whether it consumes, and may have something in hand.
        consumer: From which messages come.
        holds: Whether Kit is to be left alone.
        stages: The way of an event; None until the first message has come.
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
        self.stages: Stages | None = None

    # -- from outside ---------------------------------------------------------------------------------

    @property
    def pending(self) -> int:
        """How many changes wait or are under way, those of events that were not looked up yet included."""
        return self.stages.pending if self.stages else 0

    @property
    def hold_cause(self) -> str:
        """Why nothing is started, for people; empty while nothing holds the account."""
        if cause := (self.stages and self.stages.settle.problem) or self.holds.hold.cause:
            return cause
        return "" if self.consumer.is_heard else "RabbitMQ has not answered lately"

    @property
    def lived(self) -> float:
        """Seconds since it began."""
        return self._shared.clock.monotonic() - self._began_at

    @property
    def succeeded(self) -> bool:
        """Whether a change was applied."""
        return self.stages is not None and self.stages.apply.succeeded.is_set()

    @property
    def unseen_for(self) -> float:
        """See `Holds.unseen_for`; 0 while nothing is in hand."""
        return self.holds.unseen_for if self.consumer.unsettled else 0.0

    def end(self, why: End) -> None:
        """Ask the session to end; the first reason stands."""
        self.consumer.end(why)

    def reload(self, account: Account) -> None:
        """Go on under a new mapping."""
        self._account = account
        if self.stages:
            self.stages.reload(account)

    def check_epoch(self, epoch: int, asked: float) -> None:
        """End, with no further call, where what is in hand is no longer ours, as the account's epoch says.

        Args:
            epoch: As the ledger has it.
            asked: When the ledger was asked, in seconds.
        """
        ours = self.stages.ledger.epoch if self.stages else 0
        if ours == epoch:
            self.holds.tenure_seen(asked)
        elif 0 < ours < epoch and self.consumer.unsettled:
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
        try:
            await self._first_message()
            if self.consumer.unsettled or not self.consumer.ended.done():
                await self._until_it_ends(self._with_stages(), since)
        except EpochLost as error:
            self._fenced(str(error))
        finally:
            if self.stages:
                await self.stages.wind_down(grace())
            await self._leave()
        return self.consumer.ended.result()

    async def _first_message(self) -> None:
        """Wait without the stages, which take memory, for something to do, or an end."""
        while not (self.consumer.came.is_set() or self.consumer.ended.done()):
            if self._shared.clock.problem:
                self.end(End.CLOCK_WRONG)
            else:
                await self._something_came()

    def _with_stages(self) -> Stages:
        """Return the stages, which are made by the first who asks for them."""
        if self.stages is None:
            self.stages = Stages(
                self._account, self._shared, self._catalog, self.consumer, self.holds, self._failing
            )
        return self.stages

    async def _until_it_ends(self, stages: Stages, since: float) -> None:
        """Let events flow until there is a reason to end; raises what ended a stage."""
        stages.begin(since)
        watching = asyncio.create_task(self._watch(stages))
        try:
            waiting: set[asyncio.Future[End] | asyncio.Task[None]]
            waiting = {self.consumer.ended, watching, *stages.tasks}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in (watching, *stages.tasks):
                if task.done():
                    task.result()
        finally:
            watching.cancel()

    def _fenced(self, problem: str) -> None:
        if not self.consumer.is_fenced:
            self._log.warning("fenced", problem=problem)
        self.consumer.fence()  # whatever is in hand is another worker's
        self.end(End.FENCED)

    async def _something_came(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(AT_REST):
                await self.consumer.came.wait()

    async def _watch(self, stages: Stages) -> None:
        """End the session when something tells that it should."""
        while True:
            await self._something_may_have_changed(stages)
            stages.report.tell_held()
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
                self.consumer.grow()

    async def _something_may_have_changed(self, stages: Stages) -> None:
        """Wait for the next look; what comes, and the first success, after which more may come, end that."""
        succeeded = stages.apply.succeeded
        news = succeeded.is_set() and not self.consumer.prefetch.proven
        if not (self.consumer.unsettled or stages.report.has_untold or news):
            self.consumer.came.clear()
            await self._something_came()
            return
        if self.consumer.prefetch.proven:
            await asyncio.sleep(RECHECK)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(RECHECK):
                await succeeded.wait()
        self._note_success()

    def _note_success(self) -> None:
        """Let more be in hand once a change was applied."""
        if self.succeeded:
            self.consumer.prefetch = self.consumer.prefetch.after_success()

    async def _leave(self) -> None:
        """Close the channel, and say what the next session begins with.

        That hands back whatever is left unsettled, and the next consumer starts at once.
        """
        await self.consumer.close()
        self._note_success()  # of a change that was under way when the session ended, too
        self.consumer.prefetch = self.consumer.prefetch.after_session(
            self.consumer.ended.result() if self.consumer.ended.done() else End.STOPPED,
            unsettled=bool(self.consumer.unsettled),
            held=bool(self.holds.hold),
        )
