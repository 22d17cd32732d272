"""Refused credentials and bugs; and whatever goes wrong for a while, everybody ends up right."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.consumer.fake_kit import FakeKit, unavailable
from tests.unit.consumer.world import World
from tests.unit.virtual_time import run
from worker.errors import CallsSuspended, CredentialRefused, RateLimited, Reason


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
