"""Long work in pieces: everything comes, in order, and others have their turn after every few."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from tests.unit.virtual_time import run
from worker.in_turns import AT_ONCE, in_turns


def test_others_have_their_turn_after_every_few() -> None:
    async def main() -> None:
        done: list[int] = []

        async def work() -> None:
            async for number in in_turns(range(10 * AT_ONCE + 1)):
                done.append(number)  # noqa: PERF401  # one after another

        working, seen = asyncio.create_task(work()), [0]
        while not working.done():
            await asyncio.sleep(0)
            seen.append(len(done))
        assert done == list(range(10 * AT_ONCE + 1))
        assert max(after - before for before, after in pairwise(seen)) == AT_ONCE

    run(main())
