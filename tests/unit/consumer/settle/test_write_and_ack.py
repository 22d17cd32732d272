"""The third stage: a dead letter is safe first, then the ledger has it, then it is acked, then it is told."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.consumer.settle.ends import World
from tests.unit.examples import EMAIL
from tests.unit.virtual_time import now, run, settle
from worker.consumer.settle import FLUSH_EVERY
from worker.errors import EpochLost
from worker.events.delivery import Delivery
from worker.subscribers.item import Item, Kind, Outcome


def test_an_event_is_written_then_acked_then_reported() -> None:
    async def main() -> None:
        world = World()
        async with world.running():
            world.ends(1)
            await world.settle.emptied()
        assert world.log == ["saved 1", "acked 1", "told 1"]

    run(main())


def test_with_its_end_it_is_written_which_run_put_it_back() -> None:
    async def main() -> None:
        world = World()
        async with world.running():
            world.settle.put(Outcome(Item(Delivery(b"", "", headers={"x-replay-run": "7"})), Kind.FORGOTTEN))
            await world.settle.emptied()
        assert [batch.replayed for batch in world.ledger.batches] == [{(7, "forgotten"): 1}]

    run(main())


def test_what_ends_during_a_write_is_written_together() -> None:
    """Given a slow write, the hundred events that end meanwhile cost one more."""

    async def main() -> None:
        world = World()
        world.ledger.writes = 1.0
        async with world.running():
            world.ends(0)
            await settle()
            for number in range(1, 101):
                world.ends(number)
            await world.settle.emptied()
        assert [len(batch.entries) for batch in world.ledger.batches] == [1, 100]
        assert now() == 2.0

    run(main())


def test_nothing_is_acked_once_the_account_is_lost() -> None:
    async def main() -> None:
        world = World()
        world.ledger.error = EpochLost("taken over")
        async with world.running() as tasks:
            world.ends(1)
            with pytest.raises(EpochLost):
                await tasks[1]
        assert world.log == []

    run(main())


def test_what_the_broker_could_not_be_told_is_not_reported() -> None:
    """Given a channel that is gone, the event comes again, and is counted then."""

    async def main() -> None:
        world = World()
        world.consumer.can_ack = False
        async with world.running():
            world.ends(1)
            await world.settle.emptied()
        assert world.log == ["saved 1"]

    run(main())


def test_what_was_done_of_an_unfinished_change_is_written_within_a_second() -> None:
    async def main() -> None:
        world = World()
        async with world.running():
            await asyncio.sleep(10.5)  # between two looks
            world.touches()
            await asyncio.sleep(FLUSH_EVERY)
            assert [record.email for record in world.ledger.batches[0].records] == [EMAIL]
        assert world.log == ["saved 0"]

    run(main())


def test_whoever_waits_for_the_ledger_goes_on_once_it_has_everything() -> None:
    """Given a note that must be written before the next call, it is, at once and before the wait ends."""

    async def main() -> None:
        world = World()
        world.ledger.writes = 0.3
        async with world.running():
            await settle()
            subscriber = world.touches()
            await world.settle.written()
            assert world.log == ["saved 0"]
            assert subscriber.is_written
            assert now() == pytest.approx(0.3)

    run(main())


def test_a_note_made_during_a_write_is_not_taken_for_written() -> None:
    async def main() -> None:
        world = World()
        world.ledger.writes = 0.3
        async with world.running():
            world.ends(1)
            await asyncio.sleep(0.1)
            subscriber = world.touches()
            await world.settle.written()
            assert [record.email for record in world.ledger.batches[-1].records] == [subscriber.record.email]
            assert now() == pytest.approx(0.6)

    run(main())


def test_a_write_that_settles_nothing_waits_a_moment_for_what_is_about_to_end() -> None:
    """Given a newcomer and an event that ends within some milliseconds, one write does for both."""

    async def main() -> None:
        world = World()
        world.consumer.unsettled |= {1: Delivery(b"", "", tag=1), 2: Delivery(b"", "", tag=2)}
        async with world.running():
            await settle()
            world.touches()
            async with asyncio.TaskGroup() as group:
                group.create_task(world.settle.written())
                await asyncio.sleep(0.005)
                world.ends(1)
            assert world.log[0] == "saved 1"

    run(main())


def test_emptied_waits_for_what_was_done_as_well() -> None:
    async def main() -> None:
        world = World()
        world.ledger.writes = 0.3
        async with world.running():
            await settle()
            world.touches()
            await world.settle.emptied()
        assert world.log == ["saved 0"]

    run(main())


def test_a_write_that_was_cut_short_counts_as_unwritten() -> None:
    """Given a session that ends during a write, what was in it may be lost, and nobody may rely on it."""

    async def main() -> None:
        world = World()
        world.ledger.writes = 1.0
        async with world.running():
            await settle()
            assert world.settle.clean
            world.touches()
            assert not world.settle.clean
            await asyncio.sleep(FLUSH_EVERY + 0.5)
            assert not world.in_hand.unsaved  # it is on its way
            assert not world.settle.clean
        assert world.ledger.batches == []
        assert not world.settle.clean

    run(main())


def test_what_is_written_is_clean() -> None:
    async def main() -> None:
        world = World()
        world.ledger.writes = 1.0
        async with world.running():
            world.touches()
            await world.settle.written()
            assert world.settle.clean

    run(main())


def test_a_dead_letter_is_safe_before_the_ledger_has_it_and_holds_up_only_itself() -> None:
    """Given a dead-letter queue that takes nothing, others are settled, and nothing new may begin."""

    async def main() -> None:
        world = World()
        world.dead_letters.problem = "no queue"
        async with world.running():
            world.ends(1, Kind.DEAD_LETTERED)
            await settle()
            world.ends(2)
            await asyncio.sleep(10)
            assert world.kinds == {2: "ignored"}
            assert not world.settle.can_settle
            world.dead_letters.problem = ""
            await world.settle.emptied()
            assert world.settle.can_settle
        assert world.kinds == {2: "ignored", 1: "dead_lettered"}
        assert [entry.outcome for entry in world.ledger.batches[-1].entries] == ["dead_lettered"]
        assert [len(batch.letters) for batch in world.ledger.batches] == [0, 1]  # the index has it, too
        assert world.consumer.acked == [2, 1]

    run(main())
