"""One account at work: decode, fold, dispatch and settle, from subscribing to handing back.

A *session* is one channel with one consumer. Whatever goes wrong with it, the session ends, what it held
goes back to the queue, and a new one begins; the messages of an old session are never touched again.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from worker.accounts import Account
from worker.amqp import CLOSE_TIMEOUT, HEARTBEAT
from worker.backlog import Backlog, Item
from worker.broker import Broker
from worker.clock import Seconds
from worker.consumer import Consumer, End
from worker.dead_letter_lane import DeadLetterLane, Refused
from worker.delivery import Delivery, Reporter
from worker.dispatch import RECHECK, Dispatcher
from worker.errors import CallsSuspended, EventError, HandlerError
from worker.events import decode
from worker.handlers import HANDLERS
from worker.interpret import Request, interpret
from worker.kit.client import KitClient
from worker.kit.writer import Writer
from worker.metrics import Metrics
from worker.prefetch import Prefetch
from worker.topology import Topology
from worker.wire import to_message

log = structlog.get_logger()

MAX_AGE: Final = 8 * 60.0
"""Seconds that an event may stay unsettled; RabbitMQ closes the channel after 30 minutes."""
QUIET: Final = 0.1
MAX_SETTLING_IN: Final = 1.0
"""Redelivered events come in a burst; they are folded before the first write."""

_arrivals = itertools.count(time.time_ns())
"""Grows with every message, and over restarts too, as far as the machine's clock does."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What every account's consumer shares with the others."""

    broker: Broker
    topology: Topology
    metrics: Metrics
    worker_id: str
    concurrency: int
    clock: Seconds
    now: Callable[[], datetime]
    random: Callable[[], float]


class Session:
    """One channel's consumer, from subscribing to closing.

    Attributes:
        account: Whose mapping is in force.
        prefetch: As it is now; the next session goes on from it.
        subscribed: Whether it consumes, and may have something in hand.
    """

    def __init__(
        self, account: Account, tools: Tools, client: KitClient, writer: Writer, prefetch: Prefetch
    ) -> None:
        self.account = account
        self.prefetch = prefetch
        self.subscribed = False
        self.backlog: Backlog[Delivery] = Backlog()
        self.dispatcher: Dispatcher[Delivery] = Dispatcher(
            self.backlog,
            writer,
            ready=client.limiter.ready,
            settle=self._settle,
            may_start=self._may_start,
            worked_at=lambda endpoint: client.worked_at.get(endpoint, float("-inf")),
            concurrency=tools.concurrency,
            clock=tools.clock,
            random=tools.random,
            account=account.name,
        )
        self._lane = DeadLetterLane(
            account.name,
            publish=tools.broker.publisher.publish,
            mend=tools.topology.declare_dead_letters,
            safe=self._dead_lettered,
            now=tools.now,
            random=tools.random,
        )
        self._tools = tools
        self._report = Reporter(account.name, tools.metrics, tools.now)
        self._log = log.bind(account=account.name)
        self._end: asyncio.Future[End] = asyncio.get_running_loop().create_future()
        self._consumer = Consumer(
            account.name, on_delivery=self._on_delivery, on_end=self.end, clock=tools.clock, now=tools.now
        )
        self._ignoring: list[asyncio.Future[None]] = []
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
    def hold_cause(self) -> str:
        """Why nothing is started, for people; empty while nothing holds the account."""
        if self._lane.problem or self.dispatcher.hold:
            return self._lane.problem or self.dispatcher.hold.cause
        return "" if self._heard() else "RabbitMQ has not answered lately"

    def end(self, why: End) -> None:
        """Ask the session to end; the first reason stands."""
        self._consumer.end()
        if not self._end.done():
            self._end.set_result(why)

    def check_may_call(self) -> None:
        """Allow a call to Kit only while the account is surely ours.

        Raises:
            CallsSuspended: The session is over, or the broker was not heard within two heartbeats and may
                have given the queue to another worker; or the account is on hold.
        """
        if not self._may_call or not self._heard():
            raise CallsSuspended("the queue may be another worker's by now")
        self.dispatcher.check_hold()

    def remap(self, account: Account) -> None:
        """Go on under a new mapping; what waits is folded anew from its events."""
        self.account = account
        self.backlog.refold(self._reinterpret)
        self.dispatcher.wake()

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
        coroutines = (self._dispatch(), self._lane.run(), self._watch())
        tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
        try:
            waiting: set[asyncio.Future[End] | asyncio.Task[None]] = {self._end, *tasks}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()  # none ends by itself, except by a bug
            return self._end.result()
        finally:
            await self._wind_down(tasks, grace())

    # -- receiving ------------------------------------------------------------------------------------

    async def _on_delivery(self, delivery: Delivery) -> None:
        """Take a message in. It only folds: closing the channel cancels callbacks, which is no harm here."""
        if self.prefetch.suspects(delivery.count):
            self._log.warning("redelivered_often", deliveries=delivery.count)
            self.prefetch = self.prefetch.after_give_back()
            self.end(End.RESIZE)
            return
        try:
            await self._receive(delivery)
        except EventError as error:
            self._refuse(delivery, error)
        except Exception as error:  # noqa: BLE001  # the edge: an unsettled message would stay for ever
            self._log.error("receive_crashed", exc_info=error)
            self._refuse(delivery, HandlerError(f"{type(error).__name__} while reading it; this is a bug"))

    async def _receive(self, delivery: Delivery) -> None:
        event = decode(
            to_message(delivery.message),
            now=delivery.received_at,
            arrival=next(_arrivals),
            apps=self.account.apps,
            types=self._known_types,
        )
        delivery = self._consumer.know(delivery, event)
        request = interpret(event, self.account)
        if request is None:
            await self._ignore(delivery)
            return
        self.backlog.add(request.email, Item(event, request.change, delivery))
        self.dispatcher.wake()

    @property
    def _known_types(self) -> set[str]:
        return {*HANDLERS, *self.account.events}

    def _reinterpret(self, item: Item[Delivery]) -> Item[Delivery] | None:
        request: Request | None
        try:
            request = interpret(item.event, self.account)
        except EventError as error:
            self._refuse(item.delivery, error)
            return None
        if request is None:
            self._ignoring.append(asyncio.ensure_future(self._ignore(item.delivery)))
            return None
        return Item(item.event, request.change, item.delivery)

    # -- settling -------------------------------------------------------------------------------------

    async def _settle(self, item: Item[Delivery], error: EventError | None, attempts: int) -> None:
        if error is not None:
            self._refuse(item.delivery, error, attempts)
            return
        if await self._consumer.ack(item.delivery):
            self._report.applied(item.delivery, self._label(item.delivery))
        self.prefetch = self.prefetch.after_success()
        if self.prefetch.count > self._consumer.prefetch:
            self.end(End.RESIZE)

    async def _ignore(self, delivery: Delivery) -> None:
        if await self._consumer.ack(delivery):
            self._report.ignored(delivery, self._label(delivery))

    def _refuse(self, delivery: Delivery, error: EventError, attempts: int = 1) -> None:
        # The copy in hand may know the event by now.
        self._lane.put(Refused(self._consumer.latest(delivery), error, attempts))

    async def _dead_lettered(self, refused: Refused) -> None:
        delivery = refused.delivery
        if await self._consumer.ack(delivery):
            self._report.dead_lettered(delivery, self._label(delivery), refused.error)
        self.dispatcher.wake()

    def _label(self, delivery: Delivery) -> str:
        """Return the event type as metrics show it; those that nobody maps are one, as they may be many."""
        kind = delivery.event.type if delivery.event else ""
        return kind if kind in self._known_types else "other"

    # -- running and ending ---------------------------------------------------------------------------

    def _heard(self) -> bool:
        return self._tools.broker.heard_within(2 * HEARTBEAT)

    def _may_start(self) -> bool:
        return self._may_call and not self._lane.problem and self._heard()

    async def _dispatch(self) -> None:
        await self._settle_in()
        await self.dispatcher.run()

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
            if self.dispatcher.refused.is_set():
                self.end(End.CREDENTIAL_REFUSED)
            elif self.oldest_age >= MAX_AGE:
                self.end(End.GREW_OLD)
            elif not self._consumer.unsettled and self.prefetch.at_rest().count > self._consumer.prefetch:
                self.prefetch = self.prefetch.at_rest()
                self.end(End.RESIZE)

    async def _wind_down(self, tasks: list[asyncio.Task[None]], grace: float) -> None:
        """Start nothing new, let calls end, ack, and only then close: the next consumer starts at once.

        Closing the channel is also what hands back whatever is left unsettled.
        """
        dispatching, laning, watching = tasks
        dispatching.cancel()
        watching.cancel()
        if self._consumer.lost:
            self._may_call = False  # another worker may have begun, and acks are in vain
            self._consumer.stop_acking()
        else:
            await self.dispatcher.drain(grace)
            self._may_call = False
            with suppress(TimeoutError):
                async with asyncio.timeout(min(grace, CLOSE_TIMEOUT)):
                    await self._lane.emptied()
        await self.dispatcher.abort(max(grace, CLOSE_TIMEOUT))
        self._consumer.stop_acking()
        laning.cancel()
        await asyncio.gather(*tasks, *self._ignoring, return_exceptions=True)
        self._adapt_prefetch()
        await self._consumer.close()

    def _adapt_prefetch(self) -> None:
        why = self._end.result() if self._end.done() else End.STOPPED
        if why is End.GREW_OLD:
            self.prefetch = self.prefetch.after_growing_old()
        if self._consumer.unsettled and (why not in {End.RESIZE, End.GREW_OLD} or self.dispatcher.hold):
            self.prefetch = self.prefetch.after_give_back()
