"""One session's three stages, the real ones, between a queue, a ledger and a Kit that a test holds.

Time is virtual. Whatever a test does not set goes well and takes no time.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, cast

from tests.unit.examples import EMAIL, NOON, change, event
from tests.unit.virtual_time import VirtualClock, now, settle
from worker.accounts.account import Account
from worker.clock import Clock
from worker.consumer.account_ledger import AccountLedger
from worker.consumer.apply import Apply
from worker.consumer.backlog import Backlog
from worker.consumer.dead_lettering import DeadLettering
from worker.consumer.dispatch import Dispatch
from worker.consumer.end import End
from worker.consumer.gather import BURST_OVER, Gather
from worker.consumer.holds import Holds
from worker.consumer.intake import Intake
from worker.consumer.receive import Consumer
from worker.consumer.report import Report
from worker.consumer.settle import Settle
from worker.errors import EventError, KitUnavailable, NoMoreSubscribers, Reason
from worker.events.delivery import NEVER, Delivery
from worker.kit.client import KitClient
from worker.kit.refused import RefusedPart, refused
from worker.kit.writer import BulkResult, Writer
from worker.mapping import EventMapping, Rule, Template
from worker.retry import PATIENCE
from worker.subscribers.change import NOTHING, Change
from worker.subscribers.glimpse import Glimpse
from worker.subscribers.in_hand import InHand
from worker.subscribers.item import Item, Outcome
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
from worker.subscribers.subscriber import Subscriber

ENDPOINT = "POST /v4/tags/{}/subscribers/{}"


def unavailable(endpoint: str = ENDPOINT) -> KitUnavailable:
    """Return what a call raises where Kit is down."""
    error = KitUnavailable("Kit answered 502")
    error.endpoint = endpoint
    return error


def adds(*tags: str, kind: str = "user.signed_up", version: str = "1") -> Account:
    """Return an account whose file has one event type add these tags."""
    rule = Rule(add_tags=tuple(Template(tag) for tag in tags))
    return Account("main", events={kind: EventMapping(rule)}, version=version)


def none_wrong() -> Exception | None:
    """Nothing is wrong."""
    return None


@dataclass
class FakeKit:
    """Kit, the way there, and a writer: everybody's tags and fields, which fail where a test says so.

    Attributes:
        done: By person, what need not be done again.
        log: What was done, in order, such as `ada +VIP`.
        starts: When each single change was begun, and whose.
        broken: By what is to be done, such as `+VIP`, or by person, what is raised instead.
        down: What every step raises instead.
        seconds: How long each step takes.
        bulk: Whether changes may be written together.
        rounds: Who was written together, each time.
        alone: Who is always left to single calls.
        errors: What the next tries of many end with, and who is to blame.
        careful: Of each try of many, whether calls were to be made one at a time.
        looks: When something harmless was asked.
    """

    tags: dict[str, set[str]] = field(default_factory=dict)
    fields: dict[tuple[str, str], str | None] = field(default_factory=dict)
    done: dict[str, Change] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    starts: list[tuple[float, str]] = field(default_factory=list)
    broken: dict[str, Callable[[], Exception | None]] = field(default_factory=dict)
    down: Callable[[], Exception | None] = none_wrong
    seconds: float = 0.0
    last_worked: float = float("-inf")
    under_way: Counter[str] = field(default_factory=Counter)
    most: int = 0
    bulk: bool = False
    rounds: list[list[str]] = field(default_factory=list)
    alone: set[str] = field(default_factory=set)
    errors: list[tuple[Any, set[str]]] = field(default_factory=list)
    crashes: bool = False
    careful: list[bool] = field(default_factory=list)
    looks: list[float] = field(default_factory=list)
    concurrency: int = 4

    def __post_init__(self) -> None:
        self.budget = asyncio.Event()
        self.budget.set()

    @property
    def now(self) -> float:
        """Seconds since changes may start: what a new consumer gets at once is folded first."""
        return round(now() - BURST_OVER, 6)

    # -- as the way to Kit ----------------------------------------------------------------------------

    @property
    def limiter(self) -> FakeKit:
        """Kit's limit."""
        return self

    async def ready(self) -> None:
        """Wait until the budget allows a call."""
        await self.budget.wait()

    def worked_at(self, _endpoint: str | None = None) -> float:
        """Return when a step last went well."""
        return self.last_worked

    async def get(self, _path: str) -> None:
        """Ask something harmless."""
        self.looks.append(self.now)
        if (error := self.down()) is not None:
            raise error

    # -- as the writer --------------------------------------------------------------------------------

    async def apply(self, subscriber: Subscriber, asked: Change, _since: float = 0.0) -> list[RefusedPart]:
        """Make one person's change true; the parts that cannot be."""
        email = subscriber.record.email
        self.starts.append((self.now, email))
        self.under_way[email] += 1
        self.most = max(self.most, self.under_way.total())
        assert self.under_way[email] == 1, "one person twice at once"
        try:
            return await self._steps(email, asked.without(self.done.get(email, NOTHING)))
        finally:
            self.under_way[email] -= 1

    async def apply_together(
        self, changes: Sequence[tuple[Subscriber, Change]], *, one_at_a_time: bool
    ) -> BulkResult[Subscriber]:
        """Make many people's changes true."""
        self.rounds.append([subscriber.record.email for subscriber, _ in changes])
        self.careful.append(one_at_a_time)
        await asyncio.sleep(self.seconds or 0.1)
        if self.crashes:
            raise ZeroDivisionError
        if self.errors:
            error, blamed = self.errors.pop(0)
            failed = {each for each, _ in changes if each.record.email in blamed}
            return BulkResult(error=error, failed=failed)
        end = BulkResult[Subscriber]()
        for subscriber, asked in changes:
            if subscriber.record.email in self.alone:
                end.alone.append(subscriber)
            else:
                end.refused[subscriber] = await self.apply(subscriber, asked)
                end.done.append(subscriber)
        self.starts.clear()  # only single calls are looked at
        return end

    async def _steps(self, email: str, left: Change) -> list[RefusedPart]:
        ends = list[RefusedPart]()
        for name, value in left.fields.items():
            ends += await self._part(email, f"{name}={value.value}", Change(fields={name: value}))
        for present in (False, True):
            for key, tag in left.tags.items():
                if tag.value.present is present:
                    what = f"{'+' if present else '-'}{tag.value.name}"
                    ends += await self._part(email, what, Change(tags={key: tag}))
        self._note(email, Change(ensure=left.ensure))
        return ends

    async def _part(self, email: str, what: str, part: Change) -> list[RefusedPart]:
        try:
            await self._step(email, what)
        except NoMoreSubscribers:
            raise
        except EventError as error:
            if email in self.broken:
                raise  # it is the person that Kit does not take
            return refused(part, error)
        for name, value in part.fields.items():
            self.fields[email, name] = value.value
        for tag in part.tags.values():
            tags = self.tags.setdefault(email, set())
            (set.add if tag.value.present else set.discard)(tags, tag.value.name)
        self._note(email, part)
        return []

    def _note(self, email: str, done: Change) -> None:
        self.done[email] = self.done.get(email, NOTHING).merge(done)

    async def _step(self, email: str, what: str) -> None:
        await asyncio.sleep(self.seconds)
        error = self.down() or self.broken.get(what, none_wrong)() or self.broken.get(email, none_wrong)()
        if error is not None:
            raise error
        self.log.append(f"{email} {what}")
        self.last_worked = now()


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

    async def ack(self, deliveries: Collection[Delivery]) -> AsyncIterator[set[int]]:
        """Take acks, each by itself, or not."""
        for delivery in deliveries:
            if self.can_ack:
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


class World:
    """A session without RabbitMQ.

    Attributes:
        count: Events that have come so far.
    """

    def __init__(self, kit: FakeKit | None = None, account: Account | None = None) -> None:
        self.account = account or adds("VIP")
        self.clock = VirtualClock(began=NOON.timestamp() + 3600)
        self.kit = kit or FakeKit()
        self.consumer, self.ledger, self.dead_letters = FakeConsumer(), FakeLedger(), FakeDeadLetters()
        self.consumer.clock = self.clock
        self.report = FakeReport()
        self.count = 0
        self.in_hand = InHand()
        consumer, ledger = cast("Consumer", self.consumer), cast("AccountLedger", self.ledger)
        writer, client = cast("Writer", self.kit), cast("KitClient", self.kit)
        self.holds = Holds("main", client, consumer, self.clock)
        self.settle = Settle(
            consumer,
            cast("DeadLettering", self.dead_letters),
            ledger,
            self.in_hand,
            cast("Report", self.report),
            self.clock,
        )
        self.backlog = Backlog(self.account, self.settle, {})
        self.apply = Apply(writer, self.backlog, self.holds, self.settle, self.clock, PATIENCE)
        self.intake = Intake(self.account, consumer, self.in_hand, ledger, self.backlog, self.settle)
        self.gather = Gather(consumer, self.intake, self.clock)
        self.dispatch = Dispatch(self.apply, self.backlog, self.holds, self.settle, self.gather, self.clock)

    # -- events come ----------------------------------------------------------------------------------

    def delivers(
        self,
        body: bytes,
        routing_key: str = "user.signed_up",
        headers: Mapping[str, object] = MappingProxyType({}),
        **properties: Any,  # noqa: ANN401  # any property
    ) -> int:
        """Let a message come; its number."""
        self.count += 1
        received = self.clock.now()
        delivery = Delivery(
            body, routing_key, properties, headers, tag=self.count, received_at=received, since=now()
        )
        self.consumer.deliver(delivery)
        return self.count

    def comes(self, number: int, email: str = EMAIL, user_id: str | None = None, **user: object) -> int:
        """Let event `number` of a person come, as the platform sends it; its message's number."""
        data = {"user": {"email": email, **user, **({} if user_id is None else {"id": user_id})}}
        happened = event(number, data=data)
        plain = {"id": happened.id, "type": happened.type, "time": happened.time.isoformat(), "data": data}
        return self.delivers(json.dumps(plain).encode())

    def arrives(
        self,
        email: str,
        *,
        number: int | None = None,
        add: tuple[str, ...] = (),
        remove: tuple[str, ...] = (),
        **fields: str | None,
    ) -> int:
        """Let an event that asks for just this arrive in the backlog; its message's number."""
        self.count += 1
        number = number or self.count
        asked = change(number, add=add, remove=remove, fields=fields)
        item = Item(
            Delivery(b"", "", tag=self.count),
            event(number),
            email,
            change=asked,
            version=self.account.version,
        )
        emails, users = self.in_hand.directory.unknown([item])
        self.in_hand.directory.learn(emails, users, Known({}, {}, {}))
        taken = self.in_hand.take_in(item, self.clock.time())
        assert isinstance(taken, Item)
        self.backlog.add(taken)
        return self.count

    def reloads(self, account: Account) -> None:
        """Put another mapping into force."""
        self.account = self.intake.account = account
        self.backlog.refold(account)

    def lets_go(self, number: int) -> None:
        """Let the work on a message end, though it stays in the backlog."""
        self.in_hand.let_go(next(item for item in self.backlog.items() if item.delivery.tag == number))

    # -- and end --------------------------------------------------------------------------------------

    @property
    def settled(self) -> dict[int, Reason | None]:
        """By message, why it is a dead letter; None where it is none."""
        errors = {number: each.error for number, each in self._by_number.items()}
        return {number: None if error is None else error.reason for number, error in errors.items()}

    @property
    def kinds(self) -> dict[int, str]:
        """By message, how it ended."""
        return {number: each.kind.value for number, each in self._by_number.items()}

    @property
    def notes(self) -> dict[int, str]:
        """By message, what its history says of it besides."""
        return {number: each.note for number, each in self._by_number.items()}

    @property
    def details(self) -> dict[int, str]:
        """By message, what is said of it."""
        return {number: str(each.error) for number, each in self._by_number.items()}

    @property
    def attempts(self) -> dict[int, int]:
        """By message, how often it was tried."""
        return {number: each.attempts for number, each in self._by_number.items()}

    @property
    def settled_at(self) -> dict[int, float]:
        """By message, when it was settled."""
        return dict(zip(self._by_number, self.report.times, strict=True))

    @property
    def _by_number(self) -> dict[int, Outcome]:
        found = {outcome.item.delivery.tag: outcome for outcome in self.report.outcomes}
        assert len(found) == len(self.report.outcomes), "settled twice"
        return found

    @property
    def folded(self) -> list[int]:
        """Which messages are in the backlog, in its order."""
        return [item.delivery.tag for item in self.backlog.items()]

    async def until_settled(self) -> None:
        """Wait until all that has come is settled."""
        while len(self.report.outcomes) < self.count:
            self.report.progressed.clear()
            await self.report.progressed.wait()

    # -- while it runs --------------------------------------------------------------------------------

    @asynccontextmanager
    async def running(self, *, dispatch: bool = True) -> AsyncIterator[list[asyncio.Task[None]]]:
        """Let the stages work while the block runs.

        Args:
            dispatch: False leaves everything in the backlog.
        """
        work = [self.intake.run(), self.settle.run(), self.settle.dead_letter(), self.intake.read()]
        tasks = [asyncio.create_task(each) for each in (*work, *([self.dispatch.run()] if dispatch else []))]
        try:
            yield tasks
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.dispatch.abort(0.0)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[list[asyncio.Task[None]]]:
        """Let the stages work, from the moment on when changes may start."""
        async with self.running() as tasks:
            await asyncio.sleep(BURST_OVER)
            await settle()
            yield tasks
