"""While the changes of many people end, other accounts have their turn, and none is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise

from tests.unit.consumer.fake_kit import FakeKit
from tests.unit.consumer.world import World
from tests.unit.virtual_time import run
from worker.in_turns import AT_ONCE
from worker.kit.writer import BulkResult
from worker.subscribers.change import Change
from worker.subscribers.subscriber import Subscriber


class QuickKit(FakeKit):
    """Everything is true at once."""

    async def apply_together(
        self,
        changes: Sequence[tuple[Subscriber, Change]],
        *,
        one_at_a_time: bool,  # noqa: ARG002  # as it is
    ) -> BulkResult[Subscriber]:
        """Make all changes true."""
        return BulkResult(done=[subscriber for subscriber, _ in changes])


def test_while_many_changes_end_others_have_their_turn_after_every_few() -> None:
    async def main() -> None:
        world = World(QuickKit(bulk=True))
        for number in range(500):
            world.arrives(f"p{number}", add=("VIP",))
        trying = asyncio.create_task(world.apply.many(world.backlog.take_all(0.0)))
        taken = [500]
        while not trying.done():
            await asyncio.sleep(0)
            taken.append(world.backlog.taken)
        assert taken[-1] == 0
        assert max(before - after for before, after in pairwise(taken)) == AT_ONCE

    run(main())


def test_of_changes_that_end_when_the_session_does_each_has_ended_or_goes_back() -> None:
    async def main() -> None:
        world = World(QuickKit(bulk=True))
        for number in range(500):
            world.arrives(f"p{number}", add=("VIP",))
        trying = asyncio.create_task(world.apply.many(world.backlog.take_all(0.0)))
        while world.backlog.taken == 500:
            await asyncio.sleep(0)
        left = world.backlog.taken
        trying.cancel()
        await asyncio.wait([trying])
        assert trying.cancelled()
        assert 0 < left < 500
        assert (world.backlog.taken, len(world.backlog)) == (0, left)

    run(main())
