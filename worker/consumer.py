"""One account: receive, decode, fold, and settle. The only file that acks.

A *session* is one channel with one consumer. Whatever goes wrong with it, the session ends, what it held
goes back to the queue, and a new one begins; the messages of an old session are never touched again.
"""

from __future__ import annotations

import asyncio
import itertools
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import aiormq
import structlog
from aiormq import spec
from aiormq.abc import DeliveredMessage

from worker.accounts import Account
from worker.backlog import Backlog, Item
from worker.broker import CLOSE_TIMEOUT, FAILURES, HEARTBEAT, RPC_TIMEOUT, Broker
from worker.clock import Seconds
from worker.dispatch import RECHECK, Dispatcher
from worker.errors import BrokerUnavailable, CallsSuspended, EventError, HandlerError
from worker.events import Event, decode
from worker.handlers import HANDLERS
from worker.interpret import interpret
from worker.kit.client import KitClient
from worker.kit.writer import Writer
from worker.letters import Failure, dead_letter
from worker.metrics import Metrics
from worker.people import mask_email
from worker.prefetch import Prefetch
from worker.retry import backoff
from worker.topology import Topology, consumer_priority, work_queue
from worker.wire import to_message

log = structlog.get_logger()

MAX_AGE = 8 * 60.0
"""Seconds that an event may stay unsettled; RabbitMQ closes the channel after 30 minutes."""
QUIET = 0.1
MAX_SETTLING_IN = 1.0
"""Redelivered events come in a burst; they are folded before the first write."""
ACTIVE_FOR = 60.0
"""Seconds after the last delivery for which an account counts as running, not as waiting."""


class End(StrEnum):
    """Why a session ended."""

    STOPPED = "stopped"
    CHANNEL_LOST = "channel_lost"
    QUEUE_GONE = "queue_gone"
    CREDENTIAL_REFUSED = "credential_refused"
    GREW_OLD = "grew_old"
    RESIZE = "resize"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message in hand.

    Attributes:
        received_at: The time of day of its receipt.
        since: Seconds, at its receipt.
    """

    message: DeliveredMessage
    received_at: datetime
    since: float
    event: Event | None = None

    @property
    def tag(self) -> int:
        """The channel's number for it."""
        return int(self.message.delivery_tag or 0)


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


@dataclass(slots=True)
class _Unsafe:
    """A dead letter that is not safe yet."""

    delivery: Delivery
    error: EventError
    attempts: int
    items: int = 1


@dataclass(slots=True)
class _Held:
    """What a session has in hand."""

    unsettled: dict[int, Delivery] = field(default_factory=dict)
    letters: asyncio.Queue[_Unsafe] = field(default_factory=asyncio.Queue)


_arrivals = itertools.count(time.time_ns())
"""Grows with every message, and over restarts too, as far as the machine's clock does."""


class Session:
    """One channel's consumer, from subscribing to closing.

    Attributes:
        prefetch: As it is now; the next session goes on from it.
        problem: What stands in the way of settling, for people.
        last_delivery: Seconds; when a message last came.
    """

    def __init__(self, account: Account, tools: Tools, client: KitClient, writer: Writer, prefetch: Prefetch) -> None:
        self.account = account
        self.prefetch = prefetch
        self.problem = ""
        self.last_delivery = float("-inf")
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
        )
        self._tools = tools
        self._log = log.bind(account=account.name)
        self._channel: aiormq.abc.AbstractChannel | None = None
        self._closed = False
        self._may_call = True
        self._subscribed_with = 0
        self._end: asyncio.Future[End] = asyncio.get_running_loop().create_future()
        self._held = _Held()
        self._settled_in = False

    # -- from outside ---------------------------------------------------------------------------------

    @property
    def oldest_age(self) -> float:
        """Seconds for which the oldest unsettled event has been in hand; 0 where there is none."""
        oldest = next(iter(self._held.unsettled.values()), None)
        return self._tools.clock() - oldest.since if oldest else 0.0

    @property
    def hold_cause(self) -> str:
        """Why nothing is started, for people; empty while nothing holds the account."""
        if self.problem or self.dispatcher.hold:
            return self.problem or self.dispatcher.hold.cause
        return "" if self._heard() else "RabbitMQ has not answered lately"

    def end(self, why: End) -> None:
        """Ask the session to end; the first reason stands."""
        if not self._end.done():
            self._end.set_result(why)

    def check_may_write(self) -> None:
        """Allow a writing call to Kit only while the account is surely ours.

        Raises:
            CallsSuspended: The channel is closed, or the broker was not heard within two heartbeats and may
                have given the queue to another worker.
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
        await self._subscribe()
        tasks = [
            asyncio.create_task(coroutine)
            for coroutine in (self._dispatch(), self._send_letters(), self._watch())
        ]
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

    async def _subscribe(self) -> None:
        channel = await self._tools.broker.consuming.channel(publisher_confirms=False)
        self._channel = channel
        channel.closing.add_done_callback(lambda _: self.end(End.CHANNEL_LOST))
        channel.on_consumer_cancel_callbacks.add(self._on_cancel)
        priority = consumer_priority(self._tools.worker_id, self.account.name)
        self._subscribed_with = self.prefetch.count
        try:
            async with asyncio.timeout(RPC_TIMEOUT):
                await channel.basic_qos(prefetch_count=self._subscribed_with, global_=False)
                await channel.basic_consume(
                    work_queue(self.account.name),
                    self._on_message,
                    arguments={"x-priority": priority},
                    consumer_tag=f"{self._tools.worker_id}-{uuid.uuid4().hex[:12]}"[-255:],
                )
        except FAILURES as error:
            await self._close_channel()
            raise BrokerUnavailable(f"consuming {work_queue(self.account.name)} failed: {error}") from error
        self._log.info("subscribed", prefetch=self.prefetch.count, priority=priority)

    def _on_cancel(self, _frame: spec.Basic.Cancel) -> None:
        self.end(End.QUEUE_GONE)

    async def _on_message(self, message: DeliveredMessage) -> None:
        """Take a message in. It only folds: closing the channel cancels callbacks, which is no harm here."""
        if self._closed or self._end.done():
            return  # it goes back with the channel
        self.last_delivery = self._tools.clock()
        delivery = Delivery(message, self._tools.now(), self.last_delivery)
        self._held.unsettled[delivery.tag] = delivery
        if self.prefetch.suspects(_delivery_count(message)):
            self._log.warning("redelivered_often", deliveries=_delivery_count(message))
            self.prefetch = self.prefetch.after_give_back()
            self.end(End.RESIZE)
            return
        try:
            await self._receive(delivery)
        except EventError as error:
            self._refuse(delivery, error)
        except FAILURES:
            self.end(End.CHANNEL_LOST)
        except Exception as error:  # the edge: a message that nobody settles would stay for ever
            self._log.exception("receive_crashed")
            self._refuse(delivery, HandlerError(f"{type(error).__name__} while reading it; this is a bug"))

    async def _receive(self, delivery: Delivery) -> None:
        event = decode(
            to_message(delivery.message),
            now=delivery.received_at,
            arrival=next(_arrivals),
            apps=self.account.apps,
            types={*HANDLERS, *self.account.events},
        )
        delivery = Delivery(delivery.message, delivery.received_at, delivery.since, event)
        self._held.unsettled[delivery.tag] = delivery
        request = interpret(event, self.account)
        if request is None:
            await self._ack(delivery, "ignored")
            return
        self.backlog.add(request.email, Item(event, request.change, delivery))
        self.dispatcher.wake()

    def _reinterpret(self, item: Item[Delivery]) -> Item[Delivery] | None:
        try:
            request = interpret(item.event, self.account)
        except EventError as error:
            self._refuse(item.delivery, error)
            return None
        if request is None:
            asyncio.get_running_loop().create_task(self._ack(item.delivery, "ignored"))  # noqa: RUF006
            return None
        return Item(item.event, request.change, item.delivery)

    # -- settling -------------------------------------------------------------------------------------

    async def _settle(self, item: Item[Delivery], error: EventError | None, attempts: int) -> None:
        if error is not None:
            self._refuse(item.delivery, error, attempts)
            return
        await self._ack(item.delivery, "applied")
        self.prefetch = self.prefetch.after_success()
        if self.prefetch.count > self._subscribed_with:
            self.end(End.RESIZE)

    def _refuse(self, delivery: Delivery, error: EventError, attempts: int = 1) -> None:
        self._held.letters.put_nowait(_Unsafe(self._held.unsettled.get(delivery.tag, delivery), error, attempts))

    async def _ack(self, delivery: Delivery, outcome: str, **facts: object) -> None:
        """Tell the broker that a message is done; one by one, and never on another channel than its own."""
        if self._closed or self._channel is None or delivery.tag not in self._held.unsettled:
            return
        try:
            await self._channel.basic_ack(delivery.tag, wait=False)
        except FAILURES as error:
            # It will be delivered again, and applied again, which changes nothing in Kit.
            self._log.info("ack_lost", error=type(error).__name__)
            self.end(End.CHANNEL_LOST)
            return
        del self._held.unsettled[delivery.tag]
        self._report(delivery, outcome, **facts)

    def _report(self, delivery: Delivery, outcome: str, **facts: object) -> None:
        event = delivery.event
        kind = event.type if event and event.type in {*HANDLERS, *self.account.events} else "other"
        self._tools.metrics.events.labels(self.account.name, kind, outcome).inc()
        if event and outcome == "applied":
            age = (self._tools.now() - event.time).total_seconds()
            self._tools.metrics.event_age.labels(self.account.name).observe(max(0.0, age))
        level = self._log.warning if outcome == "dead_lettered" else self._log.info
        level(
            f"event_{outcome}",
            event_id=event.id if event else None,
            event_type=event.type if event else None,
            email=_masked(event),
            **facts,
        )

    async def _send_letters(self) -> None:
        """Put dead letters where they are safe, one at a time, and only then ack what they were."""
        failures = 0
        while True:
            letter = await self._held.letters.get()
            while not await self._send_letter(letter):
                failures += 1
                await asyncio.sleep(backoff(failures, self._tools.random()))
                with suppress(BrokerUnavailable):
                    await self._tools.topology.declare_dead_letters(self.account.name)
            failures = 0

    async def _send_letter(self, letter: _Unsafe) -> bool:
        delivery = letter.delivery
        failure = Failure(
            account=self.account.name,
            error=letter.error,
            event=delivery.event,
            attempts=letter.attempts,
            failed_at=self._tools.now(),
            received_at=delivery.received_at,
        )
        try:
            await self._tools.broker.publisher.publish(dead_letter(delivery.message, failure))
        except BrokerUnavailable as error:
            if not self.problem:
                self._log.error("dead_letter_not_safe", problem=str(error))  # noqa: TRY400  # expected
            self.problem = f"a dead letter is not safe yet: {error}"
            return False
        self.problem = ""
        self._tools.metrics.dead_letters.labels(self.account.name, letter.error.reason.value).inc()
        await self._ack(delivery, "dead_lettered", reason=letter.error.reason.value, detail=str(letter.error))
        self.dispatcher.wake()
        return True

    # -- running and ending ---------------------------------------------------------------------------

    def _heard(self) -> bool:
        return self._tools.broker.heard_within(2 * HEARTBEAT)

    def _may_start(self) -> bool:
        return self._settled_in and not self._closed and not self.problem and self._heard()

    async def _dispatch(self) -> None:
        await self._settle_in()
        await self.dispatcher.run()

    async def _settle_in(self) -> None:
        """Wait until no message has come for a moment, so that redelivered ones are folded first."""
        started = self._tools.clock()
        while (now := self._tools.clock()) - started < MAX_SETTLING_IN:
            quiet_for = now - max(started, self.last_delivery)
            if quiet_for >= QUIET:
                break
            await asyncio.sleep(QUIET - quiet_for)
        self._settled_in = True

    async def _watch(self) -> None:
        """End the session when something tells that it should."""
        while True:
            await asyncio.sleep(RECHECK)
            if self.dispatcher.refused.is_set():
                self.end(End.CREDENTIAL_REFUSED)
            elif self.oldest_age >= MAX_AGE:
                self.end(End.GREW_OLD)
            elif not self._held.unsettled and self.prefetch.at_rest().count > self._subscribed_with:
                self.prefetch = self.prefetch.at_rest()
                self.end(End.RESIZE)

    async def _wind_down(self, tasks: list[asyncio.Task[None]], grace: float) -> None:
        """Start nothing new, let calls end, ack, and only then close: the next consumer starts at once.

        Closing the channel is also what hands back whatever is left unsettled.
        """
        dispatching, lettering, watching = tasks
        dispatching.cancel()
        watching.cancel()
        lost = self._channel is None or self._channel.is_closed
        self._closed = lost  # then acks are in vain, and another worker may have begun
        self._may_call = not lost
        await self.dispatcher.drain(grace / 2)
        self._may_call = False  # a call under way still ends; a change goes on after redelivery
        await self.dispatcher.drain(grace / 2)
        if not lost:
            await self._flush_letters(grace)
        self._closed = True
        await self.dispatcher.abort()
        lettering.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._adapt_prefetch()
        await self._close_channel()

    def _adapt_prefetch(self) -> None:
        why = self._end.result() if self._end.done() else End.STOPPED
        if why is End.GREW_OLD:
            self.prefetch = self.prefetch.after_growing_old()
        if self._held.unsettled and (why not in {End.RESIZE, End.GREW_OLD} or self.dispatcher.hold):
            self.prefetch = self.prefetch.after_give_back()

    async def _flush_letters(self, grace: float) -> None:
        deadline = self._tools.clock() + min(grace, CLOSE_TIMEOUT)
        while not self._held.letters.empty() and self._tools.clock() < deadline:
            await asyncio.sleep(0.02)

    async def _close_channel(self) -> None:
        channel = self._channel
        if channel is not None and not channel.is_closed:
            with suppress(*FAILURES):
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await channel.close()


def _delivery_count(message: DeliveredMessage) -> int:
    count = (message.header.properties.headers or {}).get("x-delivery-count")
    return count if isinstance(count, int) else 0


def _masked(event: Event | None) -> str | None:
    user = event.data.get("user") if event else None
    email = user.get("email") if isinstance(user, dict) else None
    return mask_email(email) if isinstance(email, str) else None
