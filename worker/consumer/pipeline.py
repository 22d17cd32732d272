"""The way of one account's events: decode, take in, fold, dispatch, end."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any, Final

import msgspec
import structlog

from worker.accounts.account import Account
from worker.accounts.interpret import interpret, whose
from worker.broker.frames import to_message
from worker.consumer.backlog import Backlog, Item
from worker.consumer.dispatch import Dispatcher
from worker.consumer.flood import FloodAlarm
from worker.consumer.holds import Holds
from worker.consumer.intake import Arrival, Intake
from worker.consumer.preconditions import account_id
from worker.consumer.receive import Consumer
from worker.consumer.report import Delivery, Handed
from worker.consumer.settle import Endings
from worker.consumer.shared import Kit, Tools
from worker.errors import EventError, HandlerError
from worker.events.decode import decode
from worker.events.event import Event
from worker.handlers import HANDLERS
from worker.kit.bulk_writer import BulkWriter
from worker.kit.writer import Writer
from worker.ledger.account import AccountLedger
from worker.retry import Tries
from worker.subscribers.in_hand import InHand
from worker.subscribers.subscriber import Subscriber

log = structlog.get_logger()

BURST: Final = 20
"""Events in hand; with fewer, nothing is gained by waiting for more."""
QUIET: Final = 0.02
"""Seconds without a delivery, after which no more are on their way."""
MAX_GATHERING: Final = 1.0

_arrivals = itertools.count(time.time_ns())
"""Grows with every message, and over restarts too, as far as the machine's clock does."""


class Pipeline:
    """Everything between one session's consumer and Kit.

    Args:
        account: Whose mapping is in force.
        tools: Shared with the other accounts.
        kit: The account's way to Kit.
        consumer: Acks what is settled.
        flood: Counts how events end.
        may_start: Whether anything new may begin.
        on_success: Is called after each event that was applied.

    Attributes:
        ledger: The way to the records.
        holds: Whether Kit is left alone for now.
        endings: What becomes of the events.
    """

    def __init__(  # noqa: PLR0913  # its collaborators, all named
        self,
        account: Account,
        tools: Tools,
        kit: Kit,
        *,
        consumer: Consumer,
        flood: FloodAlarm,
        may_start: Callable[[], bool],
        may_read: Callable[[], Awaitable[None]],
        on_success: Callable[[], None],
    ) -> None:
        self.account = account
        self.in_hand = InHand(now=tools.wall, mark=tools.ledger.mark)
        self.ledger = AccountLedger(account.name, tools.ledger)
        self._is_active = asyncio.Event()
        self._may_read = may_read
        self.backlog: Backlog[Subscriber, Handed] = Backlog(
            lambda subscriber: kit.failing.pop(subscriber.record.email, Tries())
        )
        self.endings = Endings(
            account.name,
            tools,
            self.in_hand,
            self.ledger,
            consumer,
            flood=flood,
            created_tags=kit.catalog.take_created,
            version=lambda: self.account.version,
            label=self._label,
            on_success=on_success,
            wake=lambda: self.dispatcher.wake(),  # noqa: PLW0108  # it is made below
        )
        writer = Writer(
            kit.client,
            kit.catalog,
            self.in_hand,
            now=tools.wall,
            relied_on=lambda: max(tools.wall() - tools.known_ttl, self.ledger.known_since),
            written=self.endings.settling.written,
        )
        bulk = account.credential is not None and account.credential.bulk
        together = BulkWriter(kit.client, kit.catalog, self.in_hand, writer, now=tools.wall) if bulk else None
        self.holds = Holds(
            look=partial(kit.client.get, "/v4/account"),
            worked_at=kit.client.worked_at,
            clock=tools.clock,
            random=tools.random,
            account=account.name,
        )
        self.dispatcher: Dispatcher[Subscriber, Handed] = Dispatcher(
            self.backlog,
            writer,
            self.holds,
            ready=kit.client.limiter.ready,
            settle=self.endings.settle,
            may_start=lambda: may_start() and not self.problem,
            worked_at=kit.client.worked_at,
            concurrency=tools.concurrency,
            clock=tools.clock,
            random=tools.random,
            together=together,
            gathered=self._gathered,
            account=account.name,
        )
        self._intake = Intake(
            self.in_hand,
            self.ledger,
            self.backlog,
            settle=self.endings.without_work,
            fresh=lambda count: len(consumer.unsettled) <= count,
            may_read=may_read,
            take=self._take,
            wake=self.dispatcher.wake,
        )
        self._consumer = consumer
        self._kit = kit
        self._clock = tools.clock

    @property
    def problem(self) -> str:
        """Why nothing can be settled, for people; empty while all is well."""
        return self.ledger.problem or self.endings.problem

    @property
    def pending(self) -> int:
        """How many changes wait or are under way, those of events that were not looked up yet included."""
        return len(self._intake) + len(self.backlog) + self.backlog.taken

    def running(self) -> tuple[Coroutine[Any, Any, None], ...]:
        """Return what has to run beside the dispatcher: taking in, dead-lettering, settling."""
        return self._take_when_active(), self._intake.run(), *self.endings.running()

    async def release(self) -> None:
        """Let the next session rely on what this one has written, if that is all that it knows.

        No call may begin any more. Where one may still be under way at Kit, the next session asks Kit
        something harmless first, and gives that call a moment.
        """
        self._kit.failing |= {
            subscriber.record.email: tries for subscriber, tries in self.backlog.failing().items()
        }
        if self.endings.settling.clean and self.dispatcher.idle and not self.holds.unanswered:
            await self.ledger.release()

    def remap(self, account: Account) -> None:
        """Go on under a new mapping; what waits is folded anew from its events."""
        self.account = account
        self._intake.refold(lambda arrival: self._interpret(arrival.event, arrival.delivery))
        self.backlog.refold(self._reinterpret)
        self.dispatcher.wake()

    async def _take_when_active(self) -> None:
        """Take the account with the first message: only the active worker has one."""
        await self._is_active.wait()
        await self._may_read()
        await self._take()
        await asyncio.Event().wait()  # what runs beside the dispatcher does not end by itself

    async def _take(self) -> None:
        tenure = await self.ledger.take(await self._kit_account())
        catalog = self._kit.catalog
        catalog.created_by_placeholder = max(catalog.created_by_placeholder, tenure.created_tags)
        self.holds.unanswered = self.holds.unanswered or tenure.in_doubt

    async def _gathered(self) -> None:
        """Wait while a backlog keeps coming, so that a round of bulk calls carries as much as it can."""
        consumer, clock = self._consumer, self._clock
        began = clock()
        while len(consumer.unsettled) >= BURST and clock() - began < MAX_GATHERING:
            has_room = len(consumer.unsettled) < consumer.prefetch
            if not self._intake.waiting and not (has_room and clock() - consumer.last_delivery < QUIET):
                return
            await asyncio.sleep(QUIET / 4)

    async def _kit_account(self) -> int:
        """Return Kit's id of the account; a worker that only stands by never asks, as another may call."""
        if not self._kit.account_id:  # 0: Kit did not say
            self._kit.account_id = await self.dispatcher.ask(partial(account_id, self._kit.client))
        return self._kit.account_id

    # -- receiving ------------------------------------------------------------------------------------

    def receive(self, delivery: Delivery) -> None:
        """Take a message in. Whatever it is, it is settled in the end."""
        self._is_active.set()
        try:
            self._receive(delivery)
        except EventError as error:
            self.endings.refuse(delivery, error)
        except Exception as error:  # the edge: an unsettled message would stay for ever
            log.exception("receive_crashed", account=self.account.name)
            bug = HandlerError(f"{type(error).__name__} while reading it; this is a bug")
            self.endings.refuse(delivery, bug)

    def _receive(self, delivery: Delivery) -> None:
        event = decode(
            to_message(delivery.message),
            now=delivery.received_at,
            arrival=next(_arrivals),
            apps=self.account.apps,
            types=self._known_types,
        )
        delivery = self._consumer.know(delivery, event)
        arrival = self._interpret(event, delivery)
        if arrival is not None:
            self._intake.put(arrival)

    def _interpret(self, event: Event, delivery: Delivery) -> Arrival | None:
        """Return an event with what it asks for; where that is nothing, or nobody's, it is settled."""
        try:
            request = interpret(event, self.account)
        except EventError as error:
            if (of_whom := whose(event)) is not None:
                return Arrival(delivery, event, of_whom, error)
            self.endings.refuse(delivery, error)
            return None
        if request is None:
            self.endings.ignore(delivery, event)
            return None
        return Arrival(delivery, event, request)

    @property
    def _known_types(self) -> set[str]:
        return {*HANDLERS, *self.account.events}

    def _label(self, event: Event | None) -> str:
        """Return the event type as metrics show it; those that nobody maps are one, as they may be many."""
        kind = event.type if event else ""
        return kind if kind in self._known_types else "other"

    def _reinterpret(self, item: Item[Handed]) -> Item[Handed] | None:
        if item.doubled:
            return item
        handed = item.delivery
        try:
            request = interpret(item.event, self.account)
        except EventError as error:
            self.endings.refuse(handed.delivery, error, 1, item)
            return None
        if request is None:
            self.endings.without_work(item, "ignored")
            return None
        return replace(item, change=msgspec.structs.replace(request.change, address=item.change.address))
