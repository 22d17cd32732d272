"""What a session stands between, in memory: a queue, a ledger, a dead-letter queue, and a report."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime

from tests.unit.virtual_time import VirtualClock, now
from worker.clock import Clock
from worker.consumer.end import End
from worker.events.delivery import NEVER, Delivery
from worker.subscribers.glimpse import Glimpse
from worker.subscribers.item import Outcome
from worker.subscribers.known import (
    NO_MOVES,
    NO_TAGGINGS,
    Batch,
    Known,
    LetterEntry,
    Person,
    RecentMoves,
    RecentTaggings,
)
from worker.subscribers.record import Record


@dataclass
class FakeConsumer:
    """A queue that a test fills.

    Attributes:
        acked: The numbers of messages that were acked, in order.
        can_ack: Whether the channel still takes acks.
        clock: Of the session.
        ends: Why it was to end.
    """

    window: int = 500
    unsettled: dict[int, Delivery] = field(default_factory=dict)
    delivered: list[Delivery] = field(default_factory=list)
    last_delivery: float = float("-inf")
    last_old: float = float("-inf")
    acked: list[int] = field(default_factory=list)
    can_ack: bool = True
    is_ours: bool = True
    clock: Clock = field(default_factory=VirtualClock)
    ends: list[End] = field(default_factory=list)

    def end(self, why: End) -> None:
        """End the session, as somebody asks."""
        self.ends.append(why)

    def __post_init__(self) -> None:
        self.changed = asyncio.Event()

    @property
    def is_full(self) -> bool:
        """Whether it holds as many as it may."""
        return len(self.unsettled) >= self.window

    def deliver(self, delivery: Delivery) -> None:
        """Let a message come."""
        self.unsettled[delivery.tag] = delivery
        self.delivered.append(delivery)
        self.last_delivery = now()
        self.changed.set()

    def take(self, most: int) -> list[Delivery]:
        """Return what was not taken yet."""
        taken, self.delivered = self.delivered[:most], self.delivered[most:]
        return taken

    async def something_delivered(self) -> None:
        """Wait for a message."""
        while not self.delivered:
            self.changed.clear()
            await self.changed.wait()

    async def surely_ours(self) -> None:
        """Wait until the account is ours."""
        while not self.is_ours:
            await asyncio.sleep(0.1)

    async def ack(
        self, deliveries: Collection[Delivery], *, in_a_row: bool = False
    ) -> AsyncIterator[set[int]]:
        """Take acks, each by itself, or not."""
        tags = {delivery.tag for delivery in deliveries}
        oldest_open = next((tag for tag in self.unsettled if tag not in tags), None)
        for delivery in deliveries:
            if self.can_ack and not (in_a_row and oldest_open is not None and delivery.tag > oldest_open):
                self.acked.append(delivery.tag)
                self.unsettled.pop(delivery.tag, None)
                yield {delivery.tag}


@dataclass
class FakeLedger:
    """A ledger in memory.

    Attributes:
        records: By address.
        people: By the platform's id.
        asked: The addresses of each question.
        may_take: Whether each question said that nothing older is in hand.
        batches: What was written.
        reads: Seconds that a question takes.
        writes: Seconds that a write takes.
        epoch: Of the tenure; 0 while the account is not taken.
        not_before: When the account was last written for before.
        brings: What that becomes with the take.
        takes: The epoch that the next question brings, if it takes the account.
        gone: Who was forgotten, and until when.
        confirmed: What happens when it has said that the account is ours.
    """

    records: dict[str, Record] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    asked: list[set[str]] = field(default_factory=list)
    may_take: list[bool] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    reads: float = 0.0
    writes: float = 0.0
    epoch: int = 1
    takes: int = 0
    not_before: datetime = NEVER
    brings: datetime = NEVER
    error: Exception | None = None
    problem: str = ""
    has_news: bool = False
    gone: dict[tuple[str, str], datetime] = field(default_factory=dict)
    home_app: str = ""
    recent_moves: RecentMoves = NO_MOVES
    recent_taggings: RecentTaggings = NO_TAGGINGS
    confirmed: Callable[[], None] = lambda: None

    async def load(self, emails: Collection[str], _users: Collection[str], *, may_take: bool) -> Known:
        """Answer."""
        self.asked.append(set(emails))
        self.may_take.append(may_take)
        if self.takes:
            self.epoch, self.not_before = self.takes, self.brings
        await asyncio.sleep(self.reads)
        if self.error is not None:
            raise self.error
        return Known(self.records, self.people, {})

    async def confirm(self) -> None:
        """Answer, as the ledger does that is asked whose the account is."""
        await self.load((), (), may_take=False)
        self.confirmed()

    async def kept(self, emails: Collection[str]) -> dict[str, list[bytes]]:
        """Answer."""
        newest = [each for batch in self.batches for each in batch.newest]
        return {email: [each.message for each in newest if each.email == email] for email in emails}

    async def forgotten(self, seen: Glimpse) -> dict[tuple[str, str], datetime]:
        """Answer."""
        return {sign: self.gone[sign] for sign in seen.signs(self.home_app) if sign in self.gone}

    async def save(self, batch: Batch) -> None:
        """Write."""
        await asyncio.sleep(self.writes)
        if self.error is not None:
            raise self.error
        self.batches.append(batch)
        self.records |= {record.email: record for record in batch.records}
        self.people |= {person.user_id: person for person in batch.people}


@dataclass
class FakeDeadLetters:
    """A dead-letter queue; while there is a problem, nothing gets safe."""

    problem: str = ""
    published: list[Outcome] = field(default_factory=list)

    @property
    def retrying(self) -> FakeDeadLetters:
        """Says why a dead letter is not safe."""
        return self

    async def publish(self, outcome: Outcome) -> LetterEntry:
        """Return once it is safe."""
        while self.problem:
            await asyncio.sleep(0.1)
        self.published.append(outcome)
        reason = outcome.error.reason.value if outcome.error else ""
        return LetterEntry(f"letter-{len(self.published)}", reason, str(outcome.error), "", "", "", "")


@dataclass
class FakeReport:
    """Notes what people would be told, and when."""

    outcomes: list[Outcome] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.progressed = asyncio.Event()

    def ended(self, outcome: Outcome) -> None:
        """Hear of the end of an event."""
        self.outcomes.append(outcome)
        self.times.append(now())
        self.progressed.set()
