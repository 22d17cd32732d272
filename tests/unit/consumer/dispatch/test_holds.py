"""While Kit fails, changes wait without blame, and a single one looks whether it is back."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from tests.unit.consumer.fake_kit import FakeKit, unavailable
from tests.unit.consumer.world import World
from tests.unit.virtual_time import now, run, settle
from worker.consumer.gather import BURST_OVER
from worker.consumer.holds import LANDING, SEEN_FOR
from worker.errors import (
    CallsSuspended,
    CredentialRefused,
    EpochLost,
    KitUnavailable,
    RateLimited,
    Reason,
)


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


@pytest.mark.parametrize(("in_doubt", "first"), [(False, 0.0), (True, SEEN_FOR - BURST_OVER)])
def test_who_takes_an_account_writes_when_the_calls_of_whoever_had_it_have_ended(
    first: float, *, in_doubt: bool
) -> None:
    """Given a holder who left without a word, it may call while the ledger's word of before counts."""

    async def main() -> None:
        world = World()
        world.holds.tenure_began(now(), in_doubt=in_doubt)
        world.arrives("ada", add=("VIP",))
        async with world.running():
            await world.until_settled()

        assert [moment for moment, _ in world.kit.starts] == [first]
        assert len(world.kit.looks) == in_doubt

    run(main())


def test_where_the_ledger_has_said_nothing_for_long_it_is_asked_before_a_change_starts() -> None:
    """Given a ledger that takes its time, nothing starts; once it has said whose the account is, all does."""

    async def main() -> None:
        world = World()
        world.holds.tenure_began(now(), in_doubt=False)
        asked = list[float]()

        def confirmed() -> None:
            asked.append(now())
            world.holds.tenure_seen(now())

        world.ledger.confirmed = confirmed
        async with world.running():
            await asyncio.sleep(100)
            world.ledger.reads = 50.0
            world.arrives("ada", add=("VIP",))
            await world.until_settled()
            world.arrives("bob", add=("VIP",))
            await world.until_settled()

        assert asked == [150]
        assert [moment for moment, _ in world.kit.starts] == [150 - BURST_OVER] * 2

    run(main())


def test_where_another_worker_has_the_account_nothing_starts_and_the_stage_ends() -> None:
    async def main() -> None:
        world = World()
        world.holds.tenure_began(now(), in_doubt=False)
        await asyncio.sleep(SEEN_FOR)
        world.ledger.error = EpochLost("somebody else has it")
        world.arrives("ada", add=("VIP",))
        with pytest.raises(EpochLost):
            await world.dispatch.run(now())

        assert world.kit.starts == []

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
