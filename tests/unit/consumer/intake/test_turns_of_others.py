"""While much is taken in, other accounts have their turn, and nothing comes out of order."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from itertools import pairwise

from tests.unit.consumer.world import World
from tests.unit.examples import EMAIL
from tests.unit.virtual_time import run, settle
from worker.consumer.intake import MOST_AT_ONCE
from worker.subscribers.known import Known


async def turns(world: World) -> list[int]:
    """Return how many events were in the backlog at each turn of another account."""
    seen = [0]
    while seen[-1] < world.count:
        await asyncio.sleep(0)
        seen.append(len(world.folded))
    return seen


def held_up(world: World) -> asyncio.Event:
    """Let the ledger answer nothing before this is set."""
    answers, load = asyncio.Event(), world.ledger.load

    async def later(emails: Collection[str], _users: Collection[str], *, may_take: bool) -> Known:
        await answers.wait()
        return await load(emails, _users, may_take=may_take)

    world.ledger.load = later  # type: ignore[method-assign]
    return answers


def test_others_have_their_turn_after_every_few_events() -> None:
    async def main() -> None:
        world = World()
        answers = held_up(world)
        async with world.running(dispatch=False):
            for number in range(500):
                world.comes(0, f"p{number}@example.com")
            await settle()
            answers.set()
            seen = await turns(world)
        assert [len(each) for each in world.ledger.asked] == [MOST_AT_ONCE] * 10
        assert max(after - before for before, after in pairwise(seen)) == MOST_AT_ONCE
        assert world.folded == list(range(1, 501))

    run(main())


def test_whoever_is_let_go_meanwhile_is_looked_up_again_before_what_came_since() -> None:
    """Given work on Ada that ends, and is written, while the ledger is asked, her events stay in order."""

    async def main() -> None:
        world = World()
        async with world.running(dispatch=False):
            hers = [world.comes(1)]
            await settle()
            answers = held_up(world)
            hers.append(world.comes(2))
            await settle()
            hers.append(world.comes(3))
            world.lets_go(hers[0])
            world.in_hand.unsaved.take()
            world.in_hand.drop_idle()
            await settle()
            answers.set()
            await settle()
        assert world.ledger.asked == [{EMAIL}, set(), {EMAIL}]
        assert world.folded == hers

    run(main())
