"""One session's three stages, the real ones, between a queue, a ledger and a Kit that a test holds.

Time is virtual. Whatever a test does not set goes well and takes no time.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any, cast

from tests.unit.consumer.fake_kit import FakeKit
from tests.unit.consumer.surroundings import FakeConsumer, FakeDeadLetters, FakeLedger, FakeReport
from tests.unit.examples import EMAIL, NOON, change, event
from tests.unit.virtual_time import VirtualClock, now, settle
from worker.accounts.account import Account
from worker.consumer.account_ledger import AccountLedger
from worker.consumer.apply import Apply
from worker.consumer.backlog import Backlog
from worker.consumer.dead_lettering import DeadLettering
from worker.consumer.dispatch import Dispatch
from worker.consumer.gather import BURST_OVER, Gather
from worker.consumer.holds import Holds
from worker.consumer.intake import Intake
from worker.consumer.receive import Consumer
from worker.consumer.report import Report
from worker.consumer.settle import Settle
from worker.errors import Reason
from worker.events.delivery import Delivery
from worker.kit.client import KitClient
from worker.kit.writer import Writer
from worker.mapping import EventMapping, Rule, Template
from worker.retry import PATIENCE
from worker.subscribers.in_hand import InHand
from worker.subscribers.item import Item, Outcome
from worker.subscribers.known import Known


def adds(*tags: str, kind: str = "user.signed_up", version: str = "1") -> Account:
    """Return an account whose file has one event type add these tags."""
    rule = Rule(add_tags=tuple(Template(tag) for tag in tags))
    return Account("main", events={kind: EventMapping(rule)}, version=version)


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
        self.ledger.confirmed = lambda: self.holds.tenure_seen(now())
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
        tasks = [
            asyncio.create_task(each)
            for each in (*work, *([self.dispatch.run(self.clock.monotonic())] if dispatch else []))
        ]
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
