"""While much is taken in, other accounts have their turn; what ends meanwhile brings nothing out of order."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from itertools import pairwise

from tests.unit.consumer.world import World
from tests.unit.examples import EMAIL, NOON
from tests.unit.virtual_time import run, settle
from worker.consumer.due_message import due_again
from worker.consumer.intake import MOST_AT_ONCE
from worker.consumer.own_message import anew_effect
from worker.subscribers.known import Known


async def turns(world: World) -> list[int]:
    """Return how many events were in the backlog at each turn of another account."""
    seen = [0]
    while seen[-1] < world.count:
        await asyncio.sleep(0)
        seen.append(len(world.folded))
    return seen


def all_at_once(world: World) -> asyncio.Event:
    """Let the ledger answer nothing before this is set, so that all that comes is one batch."""
    answers, load = asyncio.Event(), world.ledger.load

    async def later(emails: Collection[str], _users: Collection[str], *, may_take: bool) -> Known:
        await answers.wait()
        return await load(emails, _users, may_take=may_take)

    world.ledger.load = later  # type: ignore[method-assign]
    return answers


def test_others_have_their_turn_after_every_few_events() -> None:
    async def main() -> None:
        world = World()
        answers = all_at_once(world)
        async with world.running(dispatch=False):
            for number in range(500):
                world.comes(0, f"p{number}@example.com")
            await settle()
            answers.set()
            seen = await turns(world)
        assert len(world.ledger.asked) == 2
        assert max(after - before for before, after in pairwise(seen)) == MOST_AT_ONCE
        assert world.folded == list(range(1, 501))

    run(main())


def test_whoever_is_let_go_meanwhile_is_looked_up_again_before_what_came_since() -> None:
    """Given work on Ada that ends between two turns, her events stay in their order."""

    async def main() -> None:
        world = World()
        async with world.running(dispatch=False):
            first = world.comes(0, "ada@example.com")
            await settle()
            answers = all_at_once(world)
            for number in range(2 * MOST_AT_ONCE):
                world.comes(0, f"p{number}@example.com")
            second = world.comes(1, "ada@example.com")
            await settle()
            answers.set()
            while len(world.folded) <= 1 + MOST_AT_ONCE:
                await asyncio.sleep(0)
            world.lets_go(first)
            third = world.comes(2, "ada@example.com")
            await settle()
        assert not world.intake.is_busy
        assert [{"ada@example.com"}] == world.ledger.asked[-1:]
        assert [each for each in world.folded if each in {first, second, third}] == [first, second, third]

    run(main())


def test_what_is_heard_anew_hears_also_what_ended_between_two_turns() -> None:
    """Given an event that is written after all were looked up, it is asked of the ledger again."""

    async def main() -> None:
        world = World()
        world.kit.budget.clear()
        effect = anew_effect(EMAIL, "apply-1", 1, world.account.version, NOON.timestamp())
        message = due_again("main", effect.message)
        async with world.running():
            first = world.comes(1)
            await asyncio.sleep(1)
            answers = all_at_once(world)
            for number in range(1_000):
                world.comes(0, f"p{number}@example.com")
            last = world.delivers(message.body, message.routing_key, message.properties["headers"])
            await settle()
            answers.set()
            world.kit.budget.set()
            await world.until_settled()
        (anew,) = [each for batch in world.ledger.batches for each in batch.anew]
        assert [name.type for name in anew[1].events] == ["user.signed_up"]
        assert list(world.kinds).index(first) < list(world.kinds).index(last)

    run(main())
