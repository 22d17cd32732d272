"""Events on their way in: one question to the ledger for all that have come, and order is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from tests.unit.examples import EMAIL, change, event
from tests.unit.virtual_time import beside, run, settle
from worker.accounts.interpret import Request
from worker.consumer.backlog import Backlog, Item
from worker.consumer.intake import LOOK_AGAIN, Arrival, Intake
from worker.consumer.report import Handed
from worker.errors import EpochLost, InvalidEvent
from worker.ledger.account import AccountLedger
from worker.subscribers.in_hand import InHand
from worker.subscribers.known import Known
from worker.subscribers.subscriber import Subscriber

NEW = "ada.new@example.com"


@dataclass
class World:
    """A session's intake, and the ledger that it asks.

    Attributes:
        asked: The addresses of each question.
        takes: How often the account was taken anew, which mends a lost one.
        settled: What had nothing to do, and why.
    """

    slow: float = 0.0
    error: Exception | None = None
    asked: list[set[str]] = field(default_factory=list)
    takes: int = 0
    settled: list[tuple[int, str]] = field(default_factory=list)
    count_in_hand: int = 0

    def __post_init__(self) -> None:
        self.in_hand = InHand(now=lambda: 0.0, mark=lambda _, text: text)
        self.backlog: Backlog[Subscriber, Handed] = Backlog()
        self.ours = asyncio.Event()
        self.ours.set()
        self.intake = Intake(
            self.in_hand,
            cast("AccountLedger", self),
            self.backlog,
            settle=self._settle,
            fresh=lambda count: self.count_in_hand <= count,
            may_read=self._may_read,
            take=self._take,
            wake=lambda: None,
        )

    async def _may_read(self) -> None:
        await self.ours.wait()

    async def _take(self) -> None:
        self.takes += 1
        self.error = None

    async def load(self, emails: Collection[str], _: Collection[str]) -> Known:
        """Answer, as `AccountLedger.load`."""
        self.asked.append(set(emails))
        await asyncio.sleep(self.slow)
        if self.error is not None:
            raise self.error
        return Known({}, {}, {})

    def _settle(self, item: Item[Handed], outcome: str) -> None:
        self.settled.append((cast("Any", item.delivery.delivery), outcome))
        self.in_hand.let_go(item.delivery.subscriber, item.event, doubled=True)

    def comes(
        self, number: int, email: str = EMAIL, user: str | None = None, refusal: InvalidEvent | None = None
    ) -> None:
        """Let event `number` come."""
        self.count_in_hand += 1
        request = Request(email, change(number, add=("VIP",)), user)
        self.intake.put(Arrival(cast("Any", number), event(number), request, refusal))

    @property
    def folded(self) -> list[int]:
        """Which events are in the backlog, in its order."""
        return [cast("int", item.delivery.delivery) for item in self.backlog.items()]

    def running(self) -> AbstractAsyncContextManager[asyncio.Task[None]]:
        """Let it work while the block runs."""
        return beside(self.intake.run())


def test_events_that_come_during_a_question_are_asked_about_together() -> None:
    async def main() -> None:
        world = World(slow=1.0)
        async with world.running():
            world.comes(0, "p0@example.com")
            await settle()
            for number in range(1, 101):
                world.comes(number, f"p{number}@example.com")
            assert len(world.intake) == 100 + 1
            await asyncio.sleep(2.5)
        assert [len(emails) for emails in world.asked] == [1, 100]
        assert world.folded == list(range(101))

    run(main())


def test_even_for_a_person_in_hand_the_ledger_is_asked_whose_the_account_is() -> None:
    """Given a known person, a question without a name is asked all the same: it checks the epoch."""

    async def main() -> None:
        world = World()
        async with world.running():
            world.comes(1)
            await settle()
            world.comes(2)
            await settle()
        assert world.asked == [{EMAIL}, set()]

    run(main())


def test_nothing_is_asked_before_the_account_is_surely_ours() -> None:
    async def main() -> None:
        world = World()
        world.ours.clear()
        async with world.running():
            world.comes(1)
            await asyncio.sleep(5)
            assert (world.asked, len(world.intake)) == ([], 1)
            world.ours.set()
            await settle()
            assert world.folded == [1]

    run(main())


def test_with_nothing_older_in_hand_a_lost_account_is_taken_anew() -> None:
    """Given the broker gave the account to us since whoever took it last, the events are looked up anew."""

    async def main() -> None:
        world = World(error=EpochLost("taken over"))
        async with world.running():
            world.comes(1)
            await settle()
        assert (world.takes, world.asked, world.folded) == (1, [{EMAIL}, {EMAIL}], [1])

    run(main())


def test_a_lost_account_ends_it_where_older_events_are_in_hand() -> None:
    """Given older events in hand, what they rest on is not ours any more."""

    async def main() -> None:
        world = World()
        async with world.running() as task:
            world.comes(1)
            await settle()
            world.error = EpochLost("taken over")
            world.comes(2)
            with pytest.raises(EpochLost):
                await task
        assert world.takes == 0

    run(main())


def test_what_is_no_news_is_settled_and_not_folded() -> None:
    async def main() -> None:
        world = World()
        async with world.running():
            world.comes(1)
            await settle()
            pending = world.backlog.take(0.0)
            assert pending is not None
            pending.key.record.note(pending.change, 1.0, {})
            pending.key.record.finish(pending.change)
            world.in_hand.applied(pending.key, event(1))
            world.comes(1)
            world.comes(0)
            await settle()
        assert world.settled == [(1, "duplicate"), (0, "superseded")]

    run(main())


def test_an_event_that_cannot_be_applied_is_refused_by_its_person() -> None:
    async def main() -> None:
        world = World()
        async with world.running():
            world.comes(1, refusal=InvalidEvent("data.plan: too long"))
            await settle()
        assert world.settled == [(1, "refused")]
        assert world.folded == []

    run(main())


def test_a_move_waits_until_the_work_at_the_new_address_is_done() -> None:
    """Given work in hand at the new address, the event is looked at again until it can be taken."""

    async def main() -> None:
        world = World()
        async with world.running():
            world.comes(1, user="u-ada")
            world.comes(2, NEW)
            await settle()
            world.comes(3, NEW, "u-ada")
            await asyncio.sleep(1)
            assert (world.folded, len(world.intake)) == ([1, 2], 1)
            there = next(item for item in world.backlog.items() if item.event == event(2))
            world.in_hand.let_go(there.delivery.subscriber, event(2))
            await asyncio.sleep(1)
        assert sorted(world.folded) == [1, 2, 3]

    run(main())


def test_a_move_that_waited_goes_on_though_other_events_never_cease_to_come() -> None:
    async def main() -> None:
        world = World()
        async with world.running():
            world.comes(1, user="u-ada")
            world.comes(2, NEW)
            await settle()
            world.comes(3, NEW, "u-ada")
            await settle()
            there = next(item for item in world.backlog.items() if item.event == event(2))
            world.in_hand.let_go(there.delivery.subscriber, event(2))
            for number in range(4, 24):
                await asyncio.sleep(LOOK_AGAIN / 2)
                world.comes(number, f"p{number}@example.com")
            assert 3 in world.folded

    run(main())


def test_a_new_mapping_decides_about_what_waits_here() -> None:
    """Given events that wait for the ledger, a corrected rule holds for them, and may drop them."""

    async def main() -> None:
        world = World(slow=1.0)
        async with world.running():
            world.comes(1)
            await settle()
            world.comes(2)
            world.comes(3)
            asked = Request(EMAIL, change(2, remove=("VIP",)))
            world.intake.refold(lambda old: replace(old, request=asked) if old.event != event(3) else None)
            await asyncio.sleep(3)
        assert 3 not in world.folded
        waiting = {item.event.id: item.change for item in world.backlog.items()}
        assert waiting["event-2"].tags["vip"].value.present is False

    run(main())
