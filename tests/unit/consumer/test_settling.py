"""From an outcome to the ack: written first, acked then, many at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.unit.examples import EMAIL, NOON, change, event
from tests.unit.virtual_time import beside, now, run, settle
from worker.accounts.interpret import Request
from worker.consumer.settling import FLUSH_EVERY, Settled, Settling
from worker.errors import EpochLost
from worker.events.delivery import Delivery
from worker.ledger.account import AccountLedger
from worker.subscribers.in_hand import InHand
from worker.subscribers.known import Batch, Entry, Known
from worker.subscribers.subscriber import Subscriber


@dataclass
class World:
    """A session's settling, with all that is around it.

    Attributes:
        log: What happened, in order: `saved 2` lines of history, `acked 1`, `reported 1`.
        slow: Seconds that a write takes.
        lost: Whether the account is somebody else's by now.
        acks: Whether the broker can still be told.
    """

    log: list[str] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    slow: float = 0.0
    lost: bool = False
    acks: bool = True

    def __post_init__(self) -> None:
        self.in_hand = InHand(now=lambda: 0.0, mark=lambda _, text: text)
        self.settling = Settling(
            self.in_hand, cast("AccountLedger", self), ack=self._ack, created_tags=lambda: 0
        )

    async def save(self, batch: Batch) -> None:
        """Write, as `AccountLedger.save`."""
        await asyncio.sleep(self.slow)
        if self.lost:
            raise EpochLost("taken over")
        self.batches.append(batch)
        self.log.append(f"saved {len(batch.entries)}")

    async def _ack(self, deliveries: Iterable[Delivery]) -> set[int]:
        tags = [delivery.tag for delivery in deliveries]
        self.log += [f"acked {tag}" for tag in tags]
        return set(tags) if self.acks else set()

    def ends(self, number: int) -> None:
        """Let event `number` end."""
        line = Entry(EMAIL, f"e{number}", "user.signed_up", NOON, at=0.0, outcome="applied")
        report = lambda: self.log.append(f"reported {number}")  # noqa: E731  # it is one word of the test
        self.settling.put(Settled(cast("Any", SimpleNamespace(tag=number)), report, line))

    def touches(self) -> Subscriber:
        """Let something be noted of a subscriber whose change is not done."""
        request = Request(EMAIL, change(1))
        self.in_hand.learn([EMAIL], [], Known({}, {}, {}))
        verdict = self.in_hand.judge(event(1), request)
        self.in_hand.take_in(event(1), request, verdict)
        self.in_hand.touch(verdict.subscriber)
        return verdict.subscriber

    def running(self) -> AbstractAsyncContextManager[asyncio.Task[None]]:
        """Let it work while the block runs."""
        return beside(self.settling.run())


def test_an_event_is_written_then_acked_then_reported() -> None:
    async def main() -> None:
        world = World()
        async with world.running():
            world.ends(1)
            await world.settling.emptied()
        assert world.log == ["saved 1", "acked 1", "reported 1"]

    run(main())


def test_what_ends_during_a_write_is_written_together() -> None:
    """Given a slow write, the hundred events that end meanwhile cost one more."""

    async def main() -> None:
        world = World(slow=1.0)
        async with world.running():
            world.ends(0)
            await settle()
            for number in range(1, 101):
                world.ends(number)
            await world.settling.emptied()
        assert [len(batch.entries) for batch in world.batches] == [1, 100]
        assert now() == 2.0

    run(main())


def test_nothing_is_acked_once_the_account_is_lost() -> None:
    async def main() -> None:
        world = World(lost=True)
        async with world.running() as task:
            world.ends(1)
            with pytest.raises(EpochLost):
                await task
        assert world.log == []

    run(main())


def test_what_the_broker_could_not_be_told_is_not_reported() -> None:
    """Given a channel that is gone, the event comes again, and is counted then."""

    async def main() -> None:
        world = World(acks=False)
        async with world.running():
            world.ends(1)
            await world.settling.emptied()
        assert world.log == ["saved 1", "acked 1"]

    run(main())


def test_what_was_done_of_an_unfinished_change_is_written_within_a_second() -> None:
    async def main() -> None:
        world = World()
        async with world.running():
            await asyncio.sleep(10)
            world.touches()
            await asyncio.sleep(FLUSH_EVERY)
            assert [record.email for record in world.batches[0].records] == [EMAIL]
        assert world.log == ["saved 0"]

    run(main())


def test_whoever_waits_for_the_ledger_goes_on_once_it_has_everything() -> None:
    """Given a note that must be written before the next call, it is, at once and before the wait ends."""

    async def main() -> None:
        world = World(slow=0.3)
        async with world.running():
            await settle()
            world.touches()
            await world.settling.written()
            assert world.log == ["saved 0"]
            assert now() == pytest.approx(0.3)

    run(main())


def test_a_note_made_during_a_write_is_not_taken_for_written() -> None:
    async def main() -> None:
        world = World(slow=0.3)
        async with world.running():
            world.ends(1)
            await asyncio.sleep(0.1)
            subscriber = world.touches()
            await world.settling.written()
            assert world.batches[-1].records == [subscriber.record]
            assert now() == pytest.approx(0.6)

    run(main())


def test_emptied_waits_for_what_was_done_as_well() -> None:
    async def main() -> None:
        world = World(slow=0.3)
        async with world.running():
            await settle()
            world.touches()
            await world.settling.emptied()
        assert world.log == ["saved 0"]

    run(main())


def test_a_write_that_was_cut_short_counts_as_unwritten() -> None:
    """Given a session that ends during a write, what was in it may be lost, and nobody may rely on it."""

    async def main() -> None:
        world = World(slow=1.0)
        async with world.running():
            await settle()
            assert world.settling.clean
            world.touches()
            assert not world.settling.clean
            await asyncio.sleep(FLUSH_EVERY + 0.5)
            assert not world.in_hand.touched  # it is on its way
            assert not world.settling.clean
        assert world.batches == []
        assert not world.settling.clean

    run(main())


def test_what_is_written_is_clean() -> None:
    async def main() -> None:
        world = World(slow=1.0)
        async with world.running():
            world.touches()
            await world.settling.written()
            assert world.settling.clean

    run(main())
