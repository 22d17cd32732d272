"""What Kit refuses for good: only the events at fault are dead-lettered, and the others applied."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.consumer.fake_kit import unavailable
from tests.unit.consumer.world import World
from tests.unit.virtual_time import run
from worker.errors import KitPlanFull, KitRejected, NoMoreSubscribers, RateLimited, Reason


def test_a_rejected_event_is_dead_lettered_with_kits_reason_and_the_next_one_is_applied() -> None:
    async def main() -> None:
        world = World()
        world.kit.broken["+Bad"] = lambda: KitRejected("Kit answered 422")
        world.arrives("ada", add=("Bad",))
        world.arrives("bob", add=("Good",))
        async with world.running():
            await world.until_settled()

        assert world.settled == {1: Reason.KIT_REJECTED, 2: None}
        assert world.details[1] == "the tag 'Bad': Kit answered 422"

    run(main())


def test_of_folded_events_only_those_at_fault_are_dead_lettered() -> None:
    async def main() -> None:
        world = World()
        world.kit.broken["+Bad"] = lambda: KitRejected("no")
        world.kit.broken["plan=Worse"] = lambda: KitRejected("no")
        world.arrives("ada", add=("A",))
        world.arrives("ada", add=("Bad",))
        world.arrives("ada", add=("B",), locale="de")
        world.arrives("ada", plan="Worse")
        world.arrives("ada", add=("C", "Bad"), remove=("A",))
        async with world.running():
            await world.until_settled()

        assert world.settled == {
            1: None,
            2: Reason.KIT_REJECTED,
            3: None,
            4: Reason.KIT_REJECTED,
            5: Reason.PARTLY_APPLIED,
        }
        assert len(world.kit.starts) == 1
        assert world.kit.tags["ada"] == {"B", "C"}
        assert world.kit.fields == {("ada", "locale"): "de"}

    run(main())


@pytest.mark.parametrize("fault", ["+Bad", "plan=Bad"])
def test_a_tag_that_a_later_event_takes_off_again_is_never_added_whatever_is_refused(fault: str) -> None:
    """Given somebody's tag would start emails, then a refused part of another event never sets it."""

    async def main() -> None:
        world = World()
        world.kit.broken[fault] = lambda: KitRejected("no")
        world.arrives("ada", add=("VIP",))
        world.arrives("ada", add=("Bad",), plan="Bad")
        world.arrives("ada", remove=("VIP",))
        async with world.running():
            await world.until_settled()

        assert world.settled == {1: None, 2: Reason.PARTLY_APPLIED, 3: None}
        assert "ada +VIP" not in world.kit.log

    run(main())


def test_of_an_event_with_a_part_that_is_refused_all_others_stand() -> None:
    """Given the newest value is refused, the older one is not sent: it is owed, and not what was before."""

    async def main() -> None:
        world = World()
        world.kit.broken["plan=Bad"] = lambda: KitRejected("no")
        world.arrives("ada", add=("VIP",), plan="Good")
        world.arrives("ada", remove=("VIP",), plan="Bad")
        async with world.running():
            await world.until_settled()

        assert world.settled == {1: None, 2: Reason.PARTLY_APPLIED}
        assert world.kit.log == ["ada -VIP"]

    run(main())


def test_a_full_plan_costs_one_call_a_person() -> None:
    """Given ten events of somebody new, no look for the one at fault, since none of them can be applied."""

    async def main() -> None:
        world = World()
        world.kit.broken["new"] = lambda: NoMoreSubscribers("full")
        for tag in "ABCDEFGHIJ":
            world.arrives("new", add=(tag,))
        known = world.arrives("ada", number=100, add=("VIP",))
        async with world.running():
            await world.until_settled()

        settled = dict(world.settled)
        assert settled.pop(known) is None
        assert list(settled.values()) == [Reason.KIT_PLAN_FULL] * 10
        assert [email for _, email in world.kit.starts].count("new") == 1

    run(main())


def test_a_plan_without_room_for_a_field_refuses_the_events_that_set_it() -> None:
    async def main() -> None:
        world = World()
        world.kit.broken["+Bad"] = lambda: KitPlanFull("no more custom fields")
        for tag in ("Good", "Bad"):
            world.arrives("ada", add=(tag,))
        async with world.running():
            await world.until_settled()

        assert world.settled == {1: None, 2: Reason.KIT_PLAN_FULL}

    run(main())


def test_of_events_that_came_out_of_order_the_newest_wins_whatever_is_refused() -> None:

    async def main() -> None:
        world = World()
        world.kit.broken["+Bad"] = lambda: KitRejected("no")
        for number, tags, plan in ((3, ("Bad",), None), (2, ("Second",), "New"), (1, ("First",), "Old")):
            fields: dict[str, Any] = {} if plan is None else {"plan": plan}
            world.arrives("ada", number=number, add=tags, **fields)
        async with world.running():
            await world.until_settled()

        assert world.settled == {1: Reason.KIT_REJECTED, 2: None, 3: None}
        assert world.kit.fields == {("ada", "plan"): "New"}
        assert world.kit.tags["ada"] == {"First", "Second"}

    run(main())


def test_an_outage_after_something_was_refused_loses_nothing() -> None:
    async def main() -> None:
        world = World()
        world.kit.broken["+Bad"] = lambda: KitRejected("no")
        failures = iter([unavailable(), RateLimited("429"), unavailable()])
        world.kit.broken["+C"] = lambda: next(failures, None)
        for tag in ("A", "Bad", "B", "C", "D"):
            world.arrives("ada", add=(tag,))
        async with world.running():
            await world.until_settled()

        assert world.settled == {1: None, 2: Reason.KIT_REJECTED, 3: None, 4: None, 5: None}
        assert world.kit.tags["ada"] == {"A", "B", "C", "D"}
        assert len(world.kit.log) == len(set(world.kit.log))

    run(main())
