"""The way of one account's events: decode, take in, fold, dispatch, settle."""

from __future__ import annotations

import itertools
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any

import structlog

from worker.account_ledger import AccountLedger
from worker.accounts import Account
from worker.backlog import Backlog, Item
from worker.book import Book
from worker.consumer import Consumer
from worker.dead_letter_lane import DeadLetterLane, Refused
from worker.delivery import Delivery, Handed, Reporter
from worker.dispatch import Dispatcher
from worker.errors import EventError, HandlerError
from worker.events import Event, decode
from worker.flood import FloodAlarm
from worker.handlers import HANDLERS
from worker.holds import Holds
from worker.intake import Arrival, Intake
from worker.interpret import interpret, whose
from worker.kit.catalog import Catalog
from worker.kit.writer import Writer
from worker.ledger.store import Entry, Tenure
from worker.preconditions import account_id
from worker.settling import Settled, Settling
from worker.subjects import Subject
from worker.tools import Kit, Tools
from worker.wire import to_message

log = structlog.get_logger()

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
        lane: The way to the dead-letter queue.
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
        self.book = Book(now=tools.wall, mark=tools.ledger.mark)
        self.ledger = AccountLedger(
            account.name,
            tools.ledger,
            kit_account=self._kit_account,
            taken=partial(_start_counting, kit.catalog),
            random=tools.random,
        )
        self.backlog: Backlog[Subject, Handed] = Backlog()
        self.settling = Settling(
            self.book, self.ledger, ack=consumer.ack, created_tags=kit.catalog.take_created
        )
        writer = Writer(
            kit.client,
            kit.catalog,
            self.book,
            now=tools.wall,
            relied_on=lambda: max(tools.wall() - tools.known_ttl, self.ledger.known_since),
            written=self.settling.written,
        )
        self.holds = Holds(
            look=partial(kit.client.get, "/v4/account"),
            worked_at=kit.client.worked_at,
            clock=tools.clock,
            random=tools.random,
            account=account.name,
        )
        self.dispatcher: Dispatcher[Subject, Handed] = Dispatcher(
            self.backlog,
            writer,
            self.holds,
            ready=kit.client.limiter.ready,
            settle=self._settle,
            may_start=lambda: may_start() and not self.problem,
            worked_at=kit.client.worked_at,
            concurrency=tools.concurrency,
            clock=tools.clock,
            random=tools.random,
            account=account.name,
        )
        self.lane = DeadLetterLane(
            account.name,
            publish=tools.broker.publisher.publish,
            mend=tools.topology.declare_dead_letters,
            safe=self._dead_lettered,
            now=tools.now,
            random=tools.random,
        )
        self._intake = Intake(
            self.book,
            self.ledger,
            self.backlog,
            settle=self._nothing_to_do,
            fresh=lambda count: len(consumer.unsettled) <= count,
            may_read=may_read,
            wake=self.dispatcher.wake,
        )
        self._consumer = consumer
        self._kit = kit
        self._tools = tools
        self._on_success = on_success
        self._report = Reporter(account.name, tools.metrics, tools.now, flood)

    @property
    def problem(self) -> str:
        """Why nothing can be settled, for people; empty while all is well."""
        return self.ledger.problem or self.lane.problem

    @property
    def pending(self) -> int:
        """How many changes wait or are under way, those of events that were not looked up yet included."""
        return len(self._intake) + len(self.backlog) + self.backlog.taken

    def running(self) -> tuple[Coroutine[Any, Any, None], ...]:
        """Return what has to run beside the dispatcher: taking in, dead-lettering, settling."""
        return self._intake.run(), self.lane.run(), self.settling.run()

    async def emptied(self) -> None:
        """Wait until all that has ended is settled."""
        await self.lane.emptied()
        await self.settling.emptied()

    async def release(self) -> None:
        """Let the next session rely on what this one has written, if that is all that it knows.

        No call may begin any more. What calls did that had no answer is in doubt, and written as such.
        """
        if self.settling.clean:
            await self.ledger.release()

    def remap(self, account: Account) -> None:
        """Go on under a new mapping; what waits is folded anew from its events."""
        self.account = account
        self._intake.refold(lambda arrival: self._interpret(arrival.event, arrival.delivery))
        self.backlog.refold(self._reinterpret)
        self.dispatcher.wake()

    async def _kit_account(self) -> int:
        """Return Kit's id of the account; a worker that only stands by never asks, as another may call."""
        if self._kit.account_id is None:
            self._kit.account_id = await self.dispatcher.ask(partial(account_id, self._kit.client))
        return self._kit.account_id

    # -- receiving ------------------------------------------------------------------------------------

    def receive(self, delivery: Delivery) -> None:
        """Take a message in. Whatever it is, it is settled in the end."""
        try:
            self._receive(delivery)
        except EventError as error:
            self._refuse(delivery, error)
        except Exception as error:  # the edge: an unsettled message would stay for ever
            log.exception("receive_crashed", account=self.account.name)
            self._refuse(delivery, HandlerError(f"{type(error).__name__} while reading it; this is a bug"))

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
            self._refuse(delivery, error)
            return None
        if request is None:
            self._end(delivery, "ignored", self._entry(event, "", "ignored"))
            return None
        return Arrival(delivery, event, request)

    @property
    def _known_types(self) -> set[str]:
        return {*HANDLERS, *self.account.events}

    def _reinterpret(self, item: Item[Handed]) -> Item[Handed] | None:
        if item.doubled:
            return item
        handed = item.delivery
        try:
            request = interpret(item.event, self.account)
        except EventError as error:
            self._refuse(handed.delivery, error, 1, item)
            return None
        if request is None:
            self._nothing_to_do(item, "ignored")
            return None
        return replace(item, change=replace(request.change, address=item.change.address))

    # -- settling -------------------------------------------------------------------------------------

    async def _settle(self, item: Item[Handed], error: EventError | None, attempts: int) -> None:
        error = error or item.refusal
        handed = item.delivery
        if error is not None:
            self._refuse(handed.delivery, error, attempts, item)
            return
        if not item.doubled:
            self.book.applied(handed.subject, item.event)
        self._nothing_to_do(item, "duplicate" if item.doubled else "applied")
        self._on_success()

    def _nothing_to_do(self, item: Item[Handed], outcome: str) -> None:
        """End an event for which there is nothing to do, or nothing more."""
        handed = item.delivery
        if outcome == "refused" and item.refusal is not None:
            # Not as the copy of an applied event that it may be: only its own end is meant.
            self._refuse(handed.delivery, item.refusal, 1, replace(item, doubled=True))
            return
        doubled = item.doubled or outcome not in {"applied", "ignored"}
        calls = self.book.let_go(handed.subject, item.event, doubled=doubled)
        if outcome == "forgotten":
            self._end(handed.delivery, "ignored", None)  # not even the history may name the person
            return
        entry = self._entry(item.event, handed.subject.record.email, outcome)
        self._end(handed.delivery, outcome, replace(entry, calls=tuple(call.as_json() for call in calls)))

    def _end(self, delivery: Delivery, outcome: str, entry: Entry | None) -> None:
        report = partial(self._report.ended, delivery, self._label(delivery), outcome)
        self.settling.put(Settled(delivery, report, entry))

    def _refuse(
        self, delivery: Delivery, error: EventError, attempts: int = 1, item: Item[Handed] | None = None
    ) -> None:
        # The copy in hand may know the event by now.
        self.lane.put(Refused(self._consumer.latest(delivery), error, attempts, item))

    async def _dead_lettered(self, refused: Refused) -> None:
        delivery, item, entry = refused.delivery, refused.item, None
        if delivery.event is not None:
            entry = self._entry(delivery.event, "", "dead_lettered", str(refused.error))
        if item is not None and entry is not None:
            subject = item.delivery.subject
            calls = self.book.let_go(subject, item.event, doubled=item.doubled)
            entry = replace(entry, email=subject.record.email, calls=tuple(call.as_json() for call in calls))
        report = partial(self._report.dead_lettered, delivery, self._label(delivery), refused.error)
        self.settling.put(Settled(delivery, report, entry))
        self.dispatcher.wake()

    def _entry(self, event: Event, email: str, outcome: str, detail: str = "") -> Entry:
        return Entry(
            email=email,
            event_id=event.id,
            event_type=event.type,
            event_time=event.time,
            at=self._tools.wall(),
            outcome=outcome,
            detail=detail,
            version=self.account.version,
        )

    def _label(self, delivery: Delivery) -> str:
        """Return the event type as metrics show it; those that nobody maps are one, as they may be many."""
        kind = delivery.event.type if delivery.event else ""
        return kind if kind in self._known_types else "other"


def _start_counting(catalog: Catalog, tenure: Tenure) -> None:
    catalog.created_by_placeholder = max(catalog.created_by_placeholder, tenure.created_tags)
