"""How often RabbitMQ is asked how much waits, however many look at it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, cast

from tests.unit.virtual_time import beside, now, run
from worker.ops.depths import ARCHIVES_EVERY, EVERY, FIRST_PAUSE, Depth, Depths

ACCOUNTS = ("rainy", "sunny")


class Rabbit:
    """A broker in which three messages wait in each queue; it notes when it was asked.

    Attributes:
        archives: When it was asked for an archive, of which rainy has none.
    """

    def __init__(self) -> None:
        self.archives: list[tuple[float, str]] = []
        self.asked: list[float] = []
        self.up = asyncio.Event()
        self.up.set()

    async def depths(self, queues: Iterable[str]) -> dict[str, int | None]:
        """Answer, as `Looking` does."""
        await self.up.wait()
        names = list(queues)
        self.asked.append(now())
        self.archives += [(now(), name) for name in names if name.endswith(".archive")]
        return {name: None if name == "kit.rainy.archive" else 3 for name in names}


async def tab(depths: Depths, accounts: Sequence[str]) -> None:
    """Look at a view of all accounts again and again."""
    while True:
        found = [depths.of(name) for name in accounts]
        assert set(found) <= {Depth(), Depth(3, 3)}
        await asyncio.sleep(0.5)


def gaps(looks: Sequence[float]) -> list[float]:
    """Return the seconds between looks."""
    return [after - before for before, after in pairwise(looks)]


def test_however_many_look_on_the_broker_is_asked_once_in_fifteen_seconds() -> None:
    """Given a hundred tabs for ten minutes, from the first second on, the looks are those of none."""

    def looks(tabs: int) -> list[float]:
        rabbit = Rabbit()

        async def main() -> None:
            depths = Depths(cast("Any", rabbit), lambda: ACCOUNTS)
            async with beside(depths.run()):
                watching = [asyncio.create_task(tab(depths, ACCOUNTS)) for _ in range(tabs)]
                await asyncio.sleep(599)
                for each in watching:
                    each.cancel()
                assert depths.of("sunny") == Depth(3, 3)

        run(main())
        return rabbit.asked

    alone = looks(0)
    assert looks(100) == alone
    assert alone[0] == 0
    assert set(gaps(alone)) == {EVERY}


def test_a_broker_that_comes_and_goes_is_not_asked_more_often() -> None:
    """Given one that is away at first, and again and again, fifteen seconds are between two questions."""
    rabbit = Rabbit()
    rabbit.up.clear()

    async def main() -> None:
        depths = Depths(cast("Any", rabbit), lambda: ACCOUNTS)
        async with beside(depths.run()):
            await asyncio.sleep(7)
            assert depths.of("sunny") == Depth()
            rabbit.up.set()
            await asyncio.sleep(1)
            assert depths.of("sunny") == Depth(3, 3)
            for away in (10, 20, 1, 3, 14, 16, 31):
                rabbit.up.clear()
                await asyncio.sleep(away)
                rabbit.up.set()
                await asyncio.sleep(4)

    run(main())
    assert len(rabbit.asked) > 5
    assert min(gaps(rabbit.asked)) >= EVERY


def test_a_worker_looks_more_often_while_it_declares_its_queues() -> None:
    """Given a process that begins with its accounts, what it says of them is true within seconds."""
    rabbit = Rabbit()

    async def main() -> None:
        async with beside(Depths(cast("Any", rabbit), lambda: ACCOUNTS, first_pause=FIRST_PAUSE).run()):
            await asyncio.sleep(100)

    run(main())
    assert gaps(rabbit.asked)[:6] == [1, 2, 4, 8, EVERY, EVERY]


def test_archives_are_looked_at_in_the_same_looks_and_those_that_are_not_there_more_seldom() -> None:
    rabbit = Rabbit()

    async def main() -> None:
        depths = Depths(cast("Any", rabbit), lambda: ACCOUNTS, archives=True)
        async with beside(depths.run()):
            await asyncio.sleep(EVERY * ARCHIVES_EVERY + 1)
            assert depths.archived() == {"sunny": 3}

    run(main())
    asked = {name: [at for at, queue in rabbit.archives if name in queue] for name in ACCOUNTS}
    assert asked == {"sunny": rabbit.asked, "rainy": [rabbit.asked[0], rabbit.asked[ARCHIVES_EVERY]]}
