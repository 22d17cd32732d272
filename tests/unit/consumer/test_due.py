"""What is due is published within seconds, by whoever looks first; what fails keeps no other waiting."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from tests.unit.consumer.due_timers import World
from tests.unit.virtual_time import run
from worker.consumer.due import COUNT_EVERY, EVERY

IN_TIME = 5.0


def test_what_is_due_is_published_at_its_time_and_crossed_off() -> None:
    """Given timers, each is published into its account's queue soon after its time, once, and not before."""

    async def main() -> None:
        world = World()
        world.timers.timers = {"sunny": {"one": 7.5, "two": 60.0}, "rainy": {"three": 7.5}}
        async with world.looking():
            await asyncio.sleep(7.4)
            assert world.sent == []
            await asyncio.sleep(0.1 + EVERY)
            assert sorted(world.bodies) == ["one", "three"]
            await asyncio.sleep(100.0)
        assert {each.body: each.routing_key for each in world.sent} == {
            b"one": "kit.sunny", b"two": "kit.sunny", b"three": "kit.rainy",
        }  # fmt: skip
        assert len(world.sent) == 3
        assert all(at <= 7.5 + IN_TIME for at in (world.timers.published[each] for each in ("one", "three")))

    run(main())


def test_while_nothing_is_due_nothing_is_claimed() -> None:
    async def main() -> None:
        world = World()
        world.timers.timers = {"sunny": {"one": 100.0}, "gone": {"other": 1.0}}
        async with world.looking():
            await asyncio.sleep(99.0)
        assert world.timers.claims == []

    run(main())


@pytest.mark.parametrize("which", ["ledger", "broker"])
def test_what_is_away_over_the_moment_is_waited_for(which: str) -> None:
    """Given a ledger or a broker that is away when it is time, that is published soon after it is back."""

    async def main() -> None:
        world = World()
        world.timers.timers = {"sunny": {"one": 3.0}}
        world.timers.down, world.broker_down = which == "ledger", which == "broker"
        async with world.looking():
            await asyncio.sleep(600.0)
            assert world.sent == []
            world.timers.down = world.broker_down = False
            await asyncio.sleep(IN_TIME)
        assert world.bodies == ["one"]

    run(main())


def test_a_queue_that_is_gone_keeps_its_timers_and_holds_up_no_other_account() -> None:
    """Given an account without its queue, that is said once; the other's effects come, and later its own."""

    async def main() -> None:
        world = World()
        world.depths["kit.sunny"] = None
        world.timers.timers = {"sunny": {"one": 1.0}, "rainy": {"two": 30.0}}
        with capture_logs() as logs:
            async with world.looking():
                await asyncio.sleep(30.0 + IN_TIME)
                assert world.bodies == ["two"]
                world.depths["kit.sunny"] = 0
                await asyncio.sleep(IN_TIME)
                assert world.bodies == ["two", "one"]
        assert [(line["event"], line["account"]) for line in logs] == [
            ("due_not_published", "sunny"), ("due_published_again", "sunny"),
        ]  # fmt: skip
        assert logs[0]["problem"] == "there is no queue kit.sunny"

    run(main())


def test_one_that_is_refused_is_kept_and_the_others_are_published() -> None:
    """Given one of three that RabbitMQ does not confirm, it is tried again, by whichever worker."""

    async def main() -> None:
        world = World(refused={b"two"})
        world.timers.timers = {"sunny": {"one": 1.0, "two": 1.0, "three": 1.0}}
        async with world.looking():
            await asyncio.sleep(20.0)
            assert sorted(world.bodies) == ["one", "three"]
            assert set(world.timers.released) == {"two"}
            world.refused.clear()
            await asyncio.sleep(IN_TIME)
        assert sorted(world.bodies) == ["one", "three", "two"]

    run(main())


def test_one_that_hangs_holds_up_no_other_account() -> None:
    async def main() -> None:
        world = World(hangs={b"one"})
        world.timers.timers = {"sunny": {"one": 1.0}, "rainy": {"two": 5.0}}
        async with world.looking():
            await asyncio.sleep(5.0 + IN_TIME)
        assert world.bodies == ["two"]

    run(main())


def test_a_timer_that_cannot_be_read_is_told_and_holds_up_no_other() -> None:
    async def main() -> None:
        world = World()
        world.timers.timers = {"sunny": {"bad": 1.0, "good": 1.0, "later": 50.0}}
        world.timers.unreadable = {"bad"}
        with capture_logs() as logs:
            async with world.looking():
                await asyncio.sleep(50.0 + IN_TIME)
        assert world.bodies == ["good", "later"]
        assert [line["problem"] for line in logs] == ["the ledger holds a timer of sunny that cannot be read"]

    run(main())


@pytest.mark.parametrize(("ready", "lost"), [(0, True), (3, False)])
def test_what_was_published_is_lost_only_where_the_queue_is_empty(ready: int, *, lost: bool) -> None:
    async def main() -> None:
        world = World()
        world.depths["kit.sunny"] = ready
        world.timers.timers = {"sunny": {"one": 1.0}}
        async with world.looking():
            await asyncio.sleep(IN_TIME)
        assert world.timers.claims == [("sunny", lost)]

    run(main())


def test_an_account_that_was_removed_meanwhile_is_let_go() -> None:
    """Given an account whose effects could not be published, nobody tries any more once its file is gone."""

    async def main() -> None:
        world = World()
        world.depths["kit.sunny"] = None
        world.timers.timers = {"sunny": {"one": 1.0}}
        async with world.looking():
            await asyncio.sleep(10.0)
            world.accounts.discard("sunny")
            await asyncio.sleep(IN_TIME)
            world.depths["kit.sunny"] = 0
            await asyncio.sleep(60.0)
        assert world.sent == []

    run(main())


def test_timers_are_measured() -> None:
    """Given timers, there is one number an account, also where it is 0; and how late the first of them is."""

    async def main() -> None:
        world = World()
        world.timers.timers = {"sunny": {"one": 1.0, "two": 1000.0}}
        world.depths["kit.sunny"] = None
        async with world.looking():
            await asyncio.sleep(4 * COUNT_EVERY + 1)
            assert world.metric("kit_worker_due_effects", "sunny") == 2
            assert world.metric("kit_worker_due_effects", "rainy") == 0
            assert world.metric("kit_worker_due_late_seconds", "sunny") == pytest.approx(59.0)
            assert world.metric("kit_worker_due_late_seconds", "rainy") == 0

            world.timers.down = True
            await asyncio.sleep(COUNT_EVERY)
            assert world.metric("kit_worker_due_effects", "sunny") == 2
            world.timers.down = False
            world.depths["kit.sunny"] = 0
            world.accounts.discard("rainy")
            await asyncio.sleep(2 * COUNT_EVERY)
            assert world.metric("kit_worker_due_late_seconds", "sunny") == 0
            assert world.metric("kit_worker_due_effects", "rainy") is None

    run(main())


def test_a_long_plan_is_not_late_while_it_goes_on() -> None:
    """Given many of one moment, of which some are published now and then, only a rest of a minute is late."""

    async def main() -> None:
        world = World()
        names = [f"d-{number}" for number in range(60)]
        world.timers.timers = {"sunny": dict.fromkeys(names, 1.0)}
        world.timers.claimed = set(names)
        async with world.looking():
            for name in names[:50]:
                await asyncio.sleep(5.0)
                world.timers.claimed.discard(name)
            assert world.metric("kit_worker_due_late_seconds", "sunny") < 2 * COUNT_EVERY  # type: ignore[operator]
            await asyncio.sleep(100.0)
            assert world.metric("kit_worker_due_late_seconds", "sunny") > 60  # type: ignore[operator]

    run(main())
