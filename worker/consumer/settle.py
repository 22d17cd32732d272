"""How events end: applied, without work, or refused; each with its line in history and log."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any

from worker.consumer.backlog import Item
from worker.consumer.dead_lettering import DeadLetterLane, Refused
from worker.consumer.flood import FloodAlarm
from worker.consumer.receive import Consumer
from worker.consumer.report import Handed, Reporter
from worker.consumer.settling import Settled, Settling
from worker.consumer.shared import Tools
from worker.errors import EventError
from worker.events.delivery import Delivery
from worker.events.event import Event
from worker.ledger.account import AccountLedger
from worker.subscribers.in_hand import InHand
from worker.subscribers.known import Entry


class Endings:
    """What becomes of one session's events.

    Args:
        account: Its name.
        tools: Shared with the other accounts.
        in_hand: What is known of the people in hand.
        ledger: Where it is written.
        consumer: Acks what is settled.
        flood: Counts how events end.
        created_tags: Returns how many tags placeholders have created since it was last asked.
        version: Returns the account file's version, for the history.
        label: Returns an event's type as metrics show it.
        on_success: Is called after each event that was applied.
        wake: Is called when a dead letter is safe, which may have held the account.

    Attributes:
        events: What the messages in hand say, by their tags.
        lane: The way to the dead-letter queue.
        settling: The way to the ledger and the ack.
    """

    def __init__(  # noqa: PLR0913  # its collaborators, all named
        self,
        account: str,
        tools: Tools,
        in_hand: InHand,
        ledger: AccountLedger,
        consumer: Consumer,
        *,
        flood: FloodAlarm,
        created_tags: Callable[[], int],
        version: Callable[[], str],
        label: Callable[[Event | None], str],
        on_success: Callable[[], None],
        wake: Callable[[], None],
    ) -> None:
        self.events: dict[int, Event] = {}
        self.settling = Settling(in_hand, ledger, ack=consumer.ack, created_tags=created_tags)
        self.lane = DeadLetterLane(
            account,
            publish=tools.broker.publisher.publish,
            mend=tools.topology.declare_dead_letters,
            safe=self._dead_lettered,
            now=tools.now,
            random=tools.random,
        )
        self._in_hand = in_hand
        self._wall = tools.wall
        self._version = version
        self._label = label
        self._on_success = on_success
        self._wake = wake
        self._report = Reporter(account, tools.metrics, tools.now, flood)

    @property
    def problem(self) -> str:
        """Why a dead letter is not safe, for people; empty while all are."""
        return self.lane.problem

    def running(self) -> tuple[Coroutine[Any, Any, None], ...]:
        """Return what has to run: dead-lettering and settling."""
        return self.lane.run(), self.settling.run()

    async def emptied(self) -> None:
        """Wait until all that has ended is settled."""
        await self.lane.emptied()
        await self.settling.emptied()

    async def settle(self, item: Item[Handed], error: EventError | None, attempts: int) -> None:
        """End an event that was worked on: applied where there is no error, refused otherwise."""
        error = error or item.refusal
        handed = item.delivery
        if error is not None:
            self.refuse(handed.delivery, error, attempts, item)
            return
        if not item.doubled:
            self._in_hand.applied(handed.subscriber, item.event)
        self.without_work(item, "duplicate" if item.doubled else "applied")
        self._on_success()

    def without_work(self, item: Item[Handed], outcome: str) -> None:
        """End an event for which there is nothing to do, or nothing more."""
        handed = item.delivery
        if outcome == "refused" and item.refusal is not None:
            # Not as the copy of an applied event that it may be: only its own end is meant.
            self.refuse(handed.delivery, item.refusal, 1, replace(item, doubled=True))
            return
        doubled = item.doubled or outcome not in {"applied", "ignored"}
        calls = self._in_hand.let_go(handed.subscriber, item.event, doubled=doubled)
        if outcome == "forgotten":
            self._end(handed.delivery, "ignored", None)  # not even the history may name the person
            return
        entry = self._entry(item.event, handed.subscriber.record.email, outcome)
        self._end(handed.delivery, outcome, replace(entry, calls=tuple(call.as_json() for call in calls)))

    def ignore(self, delivery: Delivery, event: Event) -> None:
        """End an event that nobody maps, without a look at whom it is about."""
        self._end(delivery, "ignored", self._entry(event, "", "ignored"))

    def refuse(
        self, delivery: Delivery, error: EventError, attempts: int = 1, item: Item[Handed] | None = None
    ) -> None:
        """Have a message dead-lettered; it ends when that is safe.

        Args:
            delivery: The message.
            error: Why.
            attempts: How often it was tried.
            item: What it was in the backlog; None where it never got there.
        """
        self.lane.put(Refused(delivery, error, attempts, self.events.get(delivery.tag), item))

    async def _dead_lettered(self, refused: Refused) -> None:
        event, item, entry = refused.event, refused.item, None
        if event is not None:
            entry = self._entry(event, "", "dead_lettered", str(refused.error))
        if item is not None and entry is not None:
            subscriber = item.delivery.subscriber
            calls = self._in_hand.let_go(subscriber, item.event, doubled=item.doubled)
            entry = replace(
                entry, email=subscriber.record.email, calls=tuple(call.as_json() for call in calls)
            )
        self.events.pop(refused.delivery.tag, None)
        report = partial(self._report.dead_lettered, event, self._label(event), refused.error)
        self.settling.put(Settled(refused.delivery, report, entry))
        self._wake()

    def _end(self, delivery: Delivery, outcome: str, entry: Entry | None) -> None:
        event = self.events.pop(delivery.tag, None)
        report = partial(self._report.ended, event, self._label(event), outcome)
        self.settling.put(Settled(delivery, report, entry))

    def _entry(self, event: Event, email: str, outcome: str, detail: str = "") -> Entry:
        return Entry(
            email=email,
            event_id=event.id,
            event_type=event.type,
            event_time=event.time,
            at=self._wall(),
            outcome=outcome,
            detail=detail,
            version=self._version(),
        )
