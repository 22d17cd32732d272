"""When changes start, and when nothing does: one person after another, within the budget, until it ends."""

from __future__ import annotations

import asyncio

from tests.unit.consumer.fake_kit import FakeKit
from tests.unit.consumer.world import World
from tests.unit.virtual_time import now, run, settle
from worker.consumer.receive import RECHECK
from worker.errors import KitRejected


def test_an_idle_account_applies_an_event_at_once() -> None:
    async def main() -> None:
        world = World()
        async with world.open():
            await settle()
            world.arrives("ada", add=("VIP",))
            await settle()

            assert world.settled == {1: None}
            assert (world.kit.tags, world.kit.now) == ({"ada": {"VIP"}}, 0.0)

    run(main())


def test_people_are_served_side_by_side_but_nobody_twice_at_once() -> None:
    """Given ten people with three events each, then so many as allowed are under way, and all end well."""

    async def main() -> None:
        world = World(FakeKit(seconds=1.0, concurrency=4))
        async with world.running():
            for number in range(3):
                for person in range(10):
                    world.arrives(f"person {person}", add=(f"T{number}",))
                await asyncio.sleep(0.5)
            await world.until_settled()

        assert world.kit.most == 4
        assert all(tags == {"T0", "T1", "T2"} for tags in world.kit.tags.values())

    run(main())


def test_events_that_come_while_their_person_is_under_way_take_one_more_round() -> None:
    async def main() -> None:
        world = World(FakeKit(seconds=1.0))
        async with world.running():
            world.arrives("ada", add=("VIP",))
            await asyncio.sleep(0.5)
            for _ in range(5):
                world.arrives("ada", plan="Monthly")
            world.arrives("ada", plan="Annual")
            await world.until_settled()

        assert world.kit.log == ["ada +VIP", "ada plan=Annual"]
        assert len(world.kit.starts) == 2

    run(main())


def test_nothing_starts_while_it_may_not() -> None:
    async def main() -> None:
        world = World()
        world.consumer.is_ours = False
        world.arrives("ada", add=("VIP",))
        async with world.running():
            await asyncio.sleep(100)
            assert world.kit.starts == []

            world.consumer.is_ours = True
            await world.until_settled()

        assert world.kit.starts[0][0] <= 100 + RECHECK

    run(main())


def test_what_waits_for_the_budget_is_still_folded() -> None:
    """Given Kit's budget is spent, when more events come, then they go out in the same round."""

    async def main() -> None:
        world = World()
        world.kit.budget.clear()
        async with world.running():
            world.arrives("ada", plan="Monthly", add=("VIP",))
            await asyncio.sleep(10)
            world.arrives("ada", plan="Annual", remove=("VIP",))
            world.kit.budget.set()
            await world.until_settled()

        assert world.kit.log == ["ada plan=Annual", "ada -VIP"]

    run(main())


def test_draining_waits_for_what_is_under_way_and_starts_nothing() -> None:
    async def main() -> None:
        world = World(FakeKit(seconds=5.0, concurrency=1))
        async with world.open() as tasks:
            for person in range(3):
                world.arrives(f"person {person}", add=("VIP",))
            await asyncio.sleep(1)
            tasks[-1].cancel()

            assert not await world.dispatch.drain(1.0)
            assert await world.dispatch.drain(10.0)
            await settle()

            assert (world.kit.now, world.settled) == (5.0, {1: None})
            assert len(world.backlog) == 2
            assert await world.dispatch.drain(0.0)

    run(main())


def test_what_is_broken_off_goes_back_unsettled_and_knows_what_was_done() -> None:
    async def main() -> None:
        world = World(FakeKit(seconds=5.0))
        async with world.running() as tasks:
            world.arrives("ada", add=("A", "B"))
            await asyncio.sleep(7)
            tasks[-1].cancel()
            await world.dispatch.abort(1.0)

        assert world.settled == {}
        assert (len(world.backlog), world.backlog.taken) == (1, 0)
        again = world.backlog.take(now())
        assert again is not None
        assert list(again.change.without(world.kit.done["ada"]).tags) == ["b"]

    run(main())


def test_the_first_change_that_is_applied_is_told() -> None:
    async def main() -> None:
        world = World()
        world.kit.broken["+Bad"] = lambda: KitRejected("no")
        async with world.running():
            world.arrives("ada", add=("Bad",))
            await world.until_settled()
            assert not world.apply.succeeded.is_set()
            world.arrives("bob", add=("A",))
            await world.until_settled()
            assert world.apply.succeeded.is_set()

    run(main())
