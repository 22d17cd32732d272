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
from worker.broker.connection import CLOSE_TIMEOUT
from worker.clock import Clock
from worker.consumer.dispatch import RECHECK
from worker.consumer.flood import FloodAlarm
from worker.consumer.pipeline import Pipeline
from worker.consumer.prefetch import Prefetch
from worker.consumer.receive import Consumer, End
from worker.consumer.shared import Kit, Tools
from worker.errors import CallsSuspended, EpochLost
from worker.events.delivery import Delivery

log = structlog.get_logger()

MAX_AGE: Final = 8 * 60.0
"""Seconds that an event may stay unsettled; RabbitMQ closes the channel after 30 minutes."""
ALONE_FOR: Final = 30.0
"""Seconds that the only message in hand may take, with a Kit that answers, until others are let in."""
QUIET: Final = 0.1
MAX_SETTLING_IN: Final = 1.0
"""Redelivered events come in a burst; they are folded before the first write."""


class Session:
    """One channel's consumer, from subscribing to closing.

    Attributes:
        prefetch: As it is now; the next session goes on from it.
        subscribed: Whether it consumes, and may have something in hand.
        pipeline: What becomes of its messages.
    """

    def __init__(
        self, account: Account, tools: Tools, kit: Kit, *, prefetch: Prefetch, flood: FloodAlarm
    ) -> None:
        self.prefetch = prefetch
        self.subscribed = False
        self._tools = tools
        self._log = log.bind(account=account.name)
        self._end: asyncio.Future[End] = asyncio.get_running_loop().create_future()
        self._consumer = Consumer(account.name, on_delivery=self._on_delivery, on_end=self.end, clock=Clock())
        self.pipeline = Pipeline(
            account,
            tools,
            kit,
            consumer=self._consumer,
            flood=flood,
            may_start=self._may_start,
            may_read=self._until_heard,
            on_success=self._on_success,
        )
        self._may_call = True

    # -- from outside ---------------------------------------------------------------------------------

    @property
    def oldest_age(self) -> float:
        """Seconds for which the oldest unsettled event has been in hand; 0 where there is none."""
        return self._consumer.oldest_age

    @property
    def last_delivery(self) -> float:
        """When a message last came, in seconds."""
        return self._consumer.last_delivery

    @property
    def pending(self) -> int:
        """How many changes wait or are under way."""
        return self.pipeline.pending

    @property
    def hold_cause(self) -> str:
        """Why nothing is started, for people; empty while nothing holds the account."""
        hold = self.pipeline.holds.hold
        if self.pipeline.problem or hold:
            return self.pipeline.problem or hold.cause
        return "" if self._heard() else "RabbitMQ has not answered lately"

    @property
    def refused(self) -> bool:
        """Whether Kit refuses the credential: what is in hand is given back."""
        return self.pipeline.holds.refused.is_set()

    def end(self, why: End) -> None:
        """Ask the session to end; the first reason stands."""
        self._consumer.end()
        if not self._end.done():
            self._end.set_result(why)

    def check_epoch(self, epoch: int) -> None:
        """End, with no further call, where what is in hand is no longer ours, as the account's epoch says."""
        if self._consumer.unsettled and self.pipeline.ledger.is_over(epoch):
            self._fenced(f"the ledger has epoch {epoch}")

    def check_may_call(self) -> None:
        """Allow a call to Kit only while the account is surely ours.

        Raises:
            CallsSuspended: The session is over, or the broker was not heard within two heartbeats and may
                have given the queue to another worker; or the account is on hold.
        """
        if not self._may_call or not self._heard():
            raise CallsSuspended("the queue may be another worker's by now")
        self.pipeline.holds.check()

    async def run(self, grace: Callable[[], float]) -> End:
        """Consume until there is a reason to end; then hand back what is left.

        Args:
            grace: Returns the seconds that changes under way may still take, when the session ends.

        Raises:
            BrokerUnavailable: The channel could not be set up.
        """
        await self._consumer.subscribe(
            self._tools.broker.consuming, self._tools.worker_id, self.prefetch.count
        )
        self.subscribed = True
        starting = [asyncio.create_task(coroutine) for coroutine in (self._dispatch(), self._watch())]
        flowing = [asyncio.create_task(coroutine) for coroutine in self.pipeline.running()]
        try:
            waiting: set[asyncio.Future[End] | asyncio.Task[None]] = {self._end, *starting, *flowing}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in (*starting, *flowing):
                if task.done():
                    task.result()  # none ends by itself, except by a bug or a lost epoch
        except EpochLost as error:
            self._fenced(str(error))
        finally:
            await self._wind_down(starting, flowing, grace())
        return self._end.result()

    def _fenced(self, problem: str) -> None:
        if self._may_call:
            self._log.warning("fenced", problem=problem)
        self._may_call = False  # whatever is in hand is another worker's
        self.end(End.FENCED)

    # -- receiving ------------------------------------------------------------------------------------

    async def _on_delivery(self, delivery: Delivery) -> None:
        """Take a message in. It only folds: closing the channel cancels callbacks, which is no harm here."""
        if self.prefetch.suspects(delivery.count):
            self._log.warning("redelivered_often", deliveries=delivery.count)
            self.prefetch = self.prefetch.after_give_back()
            self.end(End.RESIZE)
            return
        self.pipeline.receive(delivery)

    def _on_success(self) -> None:
        self.prefetch = self.prefetch.after_success()
        if self.prefetch.count > self._consumer.prefetch:
            self.end(End.RESIZE)

    # -- running and ending ---------------------------------------------------------------------------

    def _heard(self) -> bool:
        return self._tools.broker.is_heard

    async def _until_heard(self) -> None:
        while not (self._may_call and self._heard()):  # noqa: ASYNC110  # it announces itself to nobody
            await asyncio.sleep(RECHECK)

    def _may_start(self) -> bool:
        return self._may_call and self._heard()

    async def _dispatch(self) -> None:
        await self._settle_in()
        await self.pipeline.dispatcher.run()

    async def _settle_in(self) -> None:
        """Wait until no message has come for a moment, so that redelivered ones are folded first."""
        started = self._tools.clock()
        while (now := self._tools.clock()) - started < MAX_SETTLING_IN:
            quiet_for = now - max(started, self.last_delivery)
            if quiet_for >= QUIET:
                return
            await asyncio.sleep(QUIET - quiet_for)

    async def _watch(self) -> None:
        """End the session when something tells that it should."""
        while True:
            await asyncio.sleep(RECHECK)
            if self.pipeline.holds.refused.is_set():
                self.end(End.CREDENTIAL_REFUSED)
            elif self.oldest_age >= MAX_AGE:
                self.end(End.GREW_OLD)
            elif self.prefetch.careful and self.oldest_age >= ALONE_FOR:
                self.prefetch = self.prefetch.after_failing_alone()
                self.end(End.RESIZE)
            elif not self._consumer.unsettled and self.prefetch.at_rest().count > self._consumer.prefetch:
                self.prefetch = self.prefetch.at_rest()
                self.end(End.RESIZE)

    async def _wind_down(
        self, starting: list[asyncio.Task[None]], flowing: list[asyncio.Task[None]], grace: float
    ) -> None:
        """Start nothing new, let calls end, ack, and only then close: the next consumer starts at once.

        Closing the channel is also what hands back whatever is left unsettled.
        """
        for task in starting:
            task.cancel()
        dispatcher = self.pipeline.dispatcher
        if self._consumer.lost or not self._may_call:
            self._may_call = False  # another worker may have begun, and acks are in vain
            self._consumer.stop_acking()
        else:
            await dispatcher.drain(grace)
            self._may_call = False
            with suppress(TimeoutError):
                async with asyncio.timeout(min(grace, CLOSE_TIMEOUT)):
                    await self.pipeline.endings.emptied()
        await dispatcher.abort(max(grace, CLOSE_TIMEOUT))
        self._consumer.stop_acking()
        await self._write_what_is_known(flowing)
        for task in flowing:
            task.cancel()
        await asyncio.gather(*starting, *flowing, return_exceptions=True)
        await self.pipeline.release()
        self._adapt_prefetch()
        await self._consumer.close()

    async def _write_what_is_known(self, flowing: list[asyncio.Task[None]]) -> None:
        """Have the ledger know what was done, and what is in doubt, of changes that were cut short."""
        if self.pipeline.endings.settling.clean:
            return
        writing = asyncio.create_task(self.pipeline.endings.settling.written())
        waiting = {writing, *flowing}  # what flows may have ended: then nothing is written any more
        await asyncio.wait(waiting, timeout=CLOSE_TIMEOUT, return_when=asyncio.FIRST_COMPLETED)
        writing.cancel()

    def _adapt_prefetch(self) -> None:
        why = self._end.result() if self._end.done() else End.STOPPED
        if why is End.GREW_OLD:
            self.prefetch = self.prefetch.after_growing_old()
        away = why is End.GREW_OLD and self.pipeline.holds.hold
        if self._consumer.unsettled and (away or why not in {End.RESIZE, End.REBIND, End.GREW_OLD}):
            self.prefetch = self.prefetch.after_give_back()
