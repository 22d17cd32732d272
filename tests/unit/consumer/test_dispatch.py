"""From the backlog to Kit: when changes start, what a failure means for them, and how each event ends."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.consumer.world import FakeKit, World, unavailable
from tests.unit.virtual_time import now, run, settle
from worker.consumer.holds import LANDING
from worker.consumer.receive import RECHECK
from worker.errors import (
    CallsSuspended,
    CredentialRefused,
    KitPlanFull,
    KitRejected,
    KitUnavailable,
    NoMoreSubscribers,
    RateLimited,
    Reason,
)

# -- when changes start -------------------------------------------------------------------------------------


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


# -- holds --------------------------------------------------------------------------------------------------


def test_while_kit_is_down_one_change_at_a_time_looks_whether_it_is_back() -> None:
    """Given Kit is down for two minutes, then tries are rare and single, and after them all people flow."""

    async def main() -> None:
        world = World(FakeKit(seconds=0.01, concurrency=10))
        world.kit.down = lambda: unavailable() if now() < 120 else None
        for person in range(30):
            world.arrives(f"person {person}", add=("VIP",))
        async with world.running():
            await world.until_settled()

        moments = [moment for moment, _ in world.kit.starts if 1.0 < moment < 120]
        gaps = [round(b - a) for a, b in itertools.pairwise(moments)]
        assert gaps == [2, 4, 8, 16, 32, 60][: len(gaps)]
        assert len(gaps) == 5
        assert set(world.settled.values()) == {None}
        assert max(world.settled_at.values()) < 190

    run(main())


def test_a_kit_that_answers_most_calls_is_not_taken_for_one_that_is_down() -> None:
    """Given every third call fails, then holds do not grow from one to the next: each try comes further."""

    async def main() -> None:
        world = World(FakeKit(seconds=0.01))
        calls = itertools.count(1)
        world.kit.down = lambda: unavailable() if next(calls) % 3 == 0 else None
        for person in range(20):
            world.arrives(f"person {person}", add=("A", "B"), plan="Annual")
        async with world.running():
            await world.until_settled()

        assert set(world.settled.values()) == {None}
        assert max(world.settled_at.values()) < 60

    run(main())


def test_a_429_waits_longer_and_costs_no_attempt() -> None:
    async def main() -> None:
        world = World()
        world.kit.down = lambda: RateLimited("Kit asks to slow down (429)") if now() < 3600 else None
        world.arrives("ada", add=("VIP",))
        async with world.running():
            await world.until_settled()

        moments = [round(moment) for moment, _ in world.kit.starts]
        assert moments[:5] == [0, 5, 15, 35, 75]
        assert (world.settled, world.attempts) == ({1: None}, {1: 1})

    run(main())


def test_changes_under_way_make_no_more_calls_during_a_hold() -> None:
    async def main() -> None:
        world = World()
        world.holds.check()
        world.kit.broken["ada"] = unavailable
        world.arrives("ada", add=("VIP",))
        async with world.open():
            await settle()
            with pytest.raises(CallsSuspended):
                world.holds.check()
            await asyncio.sleep(1.0)
            world.holds.check()

    run(main())


def test_a_suspended_change_waits_without_blame_and_without_a_hold() -> None:
    async def main() -> None:
        world = World()
        world.kit.down = lambda: None if world.consumer.is_ours else CallsSuspended("RabbitMQ was not heard")
        world.kit.seconds = 1.0
        async with world.running():
            world.arrives("ada", add=("VIP",))
            await asyncio.sleep(0.5)
            world.consumer.is_ours = False
            await asyncio.sleep(1000)
            assert world.settled == {}
            assert not world.holds.hold
            world.consumer.is_ours = True
            await world.until_settled()

        assert (world.settled, world.attempts) == ({1: None}, {1: 1})

    run(main())


def test_an_outage_for_everybody_is_nobodys_fault() -> None:
    """Given Kit is down for six hours, then nothing is dead-lettered, and all is applied afterwards."""

    async def main() -> None:
        world = World()
        world.arrives("early", add=("VIP",))
        world.kit.down = lambda: unavailable() if 0 < now() < 6 * 3600 else None
        async with world.running():
            await asyncio.sleep(1)
            for person in range(20):
                world.arrives(f"person {person}", add=("VIP",))
            await world.until_settled()

        assert set(world.settled.values()) == {None}

    run(main())


def test_one_change_that_kit_never_takes_is_dead_lettered_while_the_others_flow() -> None:
    """Given Kit fails for Ada alone, then after ten tries over eight minutes her event gives way."""

    async def main() -> None:
        world = World()
        arrived: dict[int, float] = {}
        world.kit.broken["ada"] = unavailable
        poison = world.arrives("ada", add=("VIP",))
        async with world.running():
            for number in range(1500):
                arrived[world.arrives(f"person {number}", add=("VIP",))] = now()
                await asyncio.sleep(0.73)
            await world.until_settled()

        assert world.settled[poison] is Reason.KIT_UNAVAILABLE
        assert 480 <= world.settled_at[poison] <= 900
        assert world.attempts[poison] >= 10
        assert "while it served others" in world.details[poison]
        others = {number: reason for number, reason in world.settled.items() if number != poison}
        assert set(others.values()) == {None}
        assert max(world.settled_at[number] - moment for number, moment in arrived.items()) < 5

    run(main())


def test_a_change_that_fails_alone_does_not_keep_the_next_person_waiting() -> None:
    """Given Ada fails, when Bob arrives during the hold, then Bob is served as soon as the hold ends."""

    async def main() -> None:
        world = World()
        world.kit.broken["ada"] = unavailable
        world.arrives("ada", add=("VIP",))
        async with world.running():
            await asyncio.sleep(0.5)
            world.arrives("bob", add=("VIP",))
            await asyncio.sleep(1.0)
            assert world.settled == {2: None}

    run(main())


def unanswered() -> KitUnavailable:
    """What a call raises to which nothing came back."""
    error = unavailable()
    error.unanswered = True
    return error


def test_after_a_write_without_an_answer_something_harmless_is_asked_first() -> None:
    """Given Kit is silent for ten seconds, nothing is written into the silence, and what it kept may land."""

    async def main() -> None:
        world = World()
        world.kit.down = lambda: unanswered() if now() < 10 else None
        world.arrives("ada", add=("VIP",))
        async with world.running():
            await world.until_settled()

        assert [moment for moment, _ in world.kit.starts] == [0, world.kit.looks[-1] + LANDING]
        assert world.kit.looks == [1, 3, 7, 15]
        assert world.settled == {1: None}

    run(main())


def test_an_outage_that_answers_needs_no_question() -> None:
    async def main() -> None:
        world = World()
        world.kit.down = lambda: unavailable() if now() < 10 else None
        world.arrives("ada", add=("VIP",))
        async with world.running():
            await world.until_settled()

        assert world.kit.looks == []

    run(main())


def test_a_question_that_is_refused_refuses_the_credential() -> None:
    async def main() -> None:
        world = World()
        world.kit.down = lambda: unanswered() if now() < 1 else CredentialRefused("401")
        world.arrives("ada", add=("VIP",))
        async with world.running():
            await world.holds.refused.wait()

        assert (world.kit.looks, world.settled) == ([1], {})

    run(main())


# -- rejections ---------------------------------------------------------------------------------------------


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


# -- credential, bugs, ending -------------------------------------------------------------------------------


def test_a_refused_credential_stops_everything_and_settles_nothing() -> None:
    async def main() -> None:
        world = World(FakeKit(seconds=1.0, concurrency=2))
        world.kit.down = lambda: CredentialRefused("Kit refused the credential (401)")
        for person in range(10):
            world.arrives(f"person {person}", add=("VIP",))
        async with world.running():
            await world.holds.refused.wait()
            await asyncio.sleep(10_000)

        assert len(world.kit.starts) == 2
        assert world.settled == {}
        assert (len(world.backlog), world.backlog.taken) == (10, 0)
        assert "401" in world.holds.hold.cause
        with pytest.raises(CallsSuspended):
            world.holds.check()

    run(main())


def test_a_success_that_was_under_way_does_not_undo_a_refusal() -> None:
    async def main() -> None:
        world = World(FakeKit(seconds=1.0, concurrency=2))
        world.kit.broken["ada"] = lambda: CredentialRefused("401")
        world.arrives("ada", add=("A",))
        world.arrives("bob", add=("A",), remove=("B",))
        async with world.running():
            await asyncio.sleep(5)
            world.arrives("cyd", add=("A",))
            await asyncio.sleep(1000)

        assert world.settled == {2: None}
        assert [email for _, email in world.kit.starts] == ["ada", "bob"]

    run(main())


def test_a_bug_in_the_writer_costs_one_change_and_is_named() -> None:
    async def main() -> None:
        world = World()
        world.kit.broken["ada"] = lambda: ZeroDivisionError("ada@example.com")
        world.arrives("ada", add=("A",))
        world.arrives("bob", add=("A",))
        async with world.running():
            await world.until_settled()

        assert world.settled == {1: Reason.HANDLER_ERROR, 2: None}
        assert world.details[1] == "ZeroDivisionError while applying it; this is a bug"
        assert world.backlog.taken == 0

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


# -- whatever goes wrong ------------------------------------------------------------------------------------

people = st.sampled_from(["ada", "bob"])
tag_sets = st.lists(st.sampled_from(["A", "B"]), max_size=2, unique=True).map(tuple)
faults = st.lists(st.sampled_from([None, None, "down", "429", "suspended", "bug-free"]), max_size=12)


@given(
    st.lists(st.tuples(people, tag_sets, tag_sets, st.sampled_from([0.0, 0.3, 2.0])), min_size=1, max_size=8),
    faults,
)
@settings(max_examples=40)
def test_whatever_goes_wrong_for_a_while_everybody_ends_up_right_and_every_event_settled_once(
    arrivals: list[tuple[str, tuple[str, ...], tuple[str, ...], float]], wrong: list[str | None]
) -> None:
    """Given events at any pace and Kit failing now and then, then all end as if applied one by one."""
    expected: dict[str, set[str]] = {}
    upcoming = iter(wrong)
    errors: dict[str | None, Callable[[], Exception]] = {
        "down": unavailable,
        "429": lambda: RateLimited("429"),
        "suspended": lambda: CallsSuspended("later"),
    }

    def next_fault() -> Exception | None:
        make = errors.get(next(upcoming, None))
        return None if make is None else make()

    async def main() -> World:
        world = World(FakeKit(seconds=0.1, down=next_fault))
        async with world.running():
            for email, add, remove, pause in arrivals:
                kept = tuple(tag for tag in remove if tag not in add)
                world.arrives(email, add=add, remove=kept)
                expected.setdefault(email, set()).update(add)
                expected[email].difference_update(kept)
                await asyncio.sleep(pause)
            await world.until_settled()
        return world

    world = run(main())
    assert set(world.settled.values()) == {None}
    assert {email: tags for email, tags in world.kit.tags.items() if tags} == {
        email: tags for email, tags in expected.items() if tags
    }
