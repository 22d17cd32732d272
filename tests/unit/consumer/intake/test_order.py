"""Which of two events is the newer one, whichever process reads them, and whatever its clock says."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

from tests.unit.consumer.world import World
from tests.unit.examples import EMAIL
from tests.unit.virtual_time import run, settle
from worker.consumer.end import End
from worker.errors import Reason
from worker.events.event import OrderKey, arrival_of


async def orders_of(world: World, *numbers: int) -> list[OrderKey]:
    """Let events of one moment come, and return their order keys as they reach the backlog."""
    async with world.running(dispatch=False):
        for number in numbers:
            world.comes(0, f"p{number}@example.com")
        await settle()
    return [item.event.order for item in world.backlog.items() if item.event is not None]


def test_of_one_moment_the_later_tenure_is_newer_whichever_process_began_first() -> None:
    """Given the later tenure read its event first, as a process whose own count began earlier would."""

    async def main() -> None:
        earlier, later = World(), World()
        earlier.ledger.epoch, later.ledger.epoch = 5, 6
        (second,) = await orders_of(later, 1)
        first = (await orders_of(earlier, *range(50)))[-1]
        assert first < second

    run(main())


def test_what_is_read_while_the_account_is_taken_keeps_its_place() -> None:
    """Given events read before, during and after the take, they have its numbers, in their order."""

    async def main() -> None:
        world = World()
        world.ledger.epoch, world.ledger.takes, world.ledger.reads = 0, 2**40, 1.0
        async with world.running(dispatch=False):
            for number in range(3):
                world.comes(0, f"p{number}@example.com")
                await asyncio.sleep(0.4)
            await asyncio.sleep(2)
            world.comes(0, "p3@example.com")
            await asyncio.sleep(2)
        orders = [item.event.order for item in world.backlog.items() if item.event is not None]
        assert [order.arrival for order in orders] == [arrival_of(2**40, tag) for tag in (1, 2, 3, 4)]

    run(main())


def test_an_account_that_is_taken_anew_numbers_what_is_read_anew() -> None:
    """Given somebody else had the account meanwhile, what waits here came after what they applied."""

    async def main() -> None:
        world = World()
        world.ledger.epoch, world.ledger.takes = 5, 7
        (order,) = await orders_of(world, 1)
        assert order.arrival == arrival_of(7, 1)

    run(main())


def test_a_replay_keeps_the_number_of_its_first_time() -> None:
    async def main() -> None:
        world = World()
        world.ledger.takes = 9
        async with world.running(dispatch=False):
            world.comes(0)
            body = world.consumer.unsettled[1].body
            world.delivers(
                body, headers={"x-event-arrival": "17", "x-original-routing-key": "user.signed_up"}
            )
            await settle()
        orders = [item.event.order for item in world.backlog.items() if item.event is not None]
        assert orders[1].arrival == 17

    run(main())


def ahead(world: World, minutes: float, email: str = EMAIL) -> int:
    """Let an event come that is dated so many minutes ahead of this machine's clock."""
    time = (world.clock.now() + timedelta(minutes=minutes)).isoformat()
    return world.delivers(json.dumps({"time": time, "data": {"user": {"email": email}}}).encode())


def test_an_event_that_is_dated_ahead_is_a_dead_letter_while_the_clock_may_be_right() -> None:
    """Given a clock that others agree with, it is the event that is wrong; the ledger was asked before."""

    async def main() -> None:
        world = World()
        world.clock.heard("Kit", world.clock.time(), within=1.0)
        async with world.running(dispatch=False):
            early, current = ahead(world, 10), ahead(world, 0)
            await settle()
        assert world.settled == {early: Reason.INVALID_EVENT}
        assert world.folded == [current]
        assert world.ledger.asked
        assert world.consumer.ends == []

    run(main())


def test_a_clock_that_is_behind_makes_no_dead_letters() -> None:
    """Given that Kit's clock is ten minutes ahead of ours, current events wait, and the session ends."""

    async def main() -> None:
        world = World()
        world.ledger.reads = 1.0
        async with world.running(dispatch=False):
            for number in range(100):
                ahead(world, 10, f"p{number}@example.com")
            await settle()
            world.clock.heard(
                "Kit", world.clock.time() + 600, within=1.0
            )  # the answer to who has the account
            await asyncio.sleep(5)
            assert len(world.intake) == len(world.consumer.unsettled) == 100
        assert world.settled == {}
        assert set(world.consumer.ends) == {End.CLOCK_WRONG}

    run(main())


def times(world: World) -> list[float]:
    """When the events in the backlog happened, in seconds since the world began."""
    began = world.clock.began
    return [item.event.time.timestamp() - began for item in world.backlog.items() if item.event is not None]


async def undated(world: World) -> None:
    """Let an event come that has no time of its own."""
    world.delivers(json.dumps({"data": {"user": {"email": f"p{world.count}@example.com"}}}).encode())
    await settle()


def test_of_events_without_a_time_the_later_one_is_later_also_where_the_clock_is_set_back() -> None:
    async def main() -> None:
        world = World()
        async with world.running(dispatch=False):
            await undated(world)
            world.clock.began -= 120
            await undated(world)
            await undated(world)
            world.clock.began += 180
            await undated(world)
            world.clock.began -= 60
        assert times(world) == [0, 0, 0, 60]

    run(main())


def test_and_also_where_another_host_took_the_one_before() -> None:
    """Given an account that was last written for at a time that lies ahead here, what comes is later."""

    async def main() -> None:
        world = World()
        world.ledger.epoch, world.ledger.takes = 0, 7
        world.ledger.brings = world.clock.now() + timedelta(minutes=2)
        async with world.running(dispatch=False):
            await undated(world)
        assert times(world) == [120]

    run(main())
