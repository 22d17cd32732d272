"""How often RabbitMQ is asked how much waits, however many look at it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, cast

from tests.unit.virtual_time import beside, now, run
from worker.ops.depths import EVERY, Depth, Depths


class Rabbit:
    """A broker in which three messages wait in each queue; it notes when it was asked for the first one."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    async def open_channel(self) -> Any:  # noqa: ANN401  # a channel, as far as it is used
        return self

    async def declare_queue(self, queue: str, *, passive: bool) -> Any:  # noqa: ANN401  # likewise
        assert passive  # who looks makes nothing
        if queue == "kit.rainy":
            self.asked.append(now())
        return SimpleNamespace(declaration_result=SimpleNamespace(message_count=3))


async def tab(depths: Depths, accounts: Sequence[str]) -> None:
    """Look at a view of all accounts again and again."""
    while True:
        found = [depths.of(name) for name in accounts]
        assert set(found) <= {Depth(), Depth(3, 3)}
        await asyncio.sleep(0.5)


def test_however_many_look_on_the_broker_is_asked_once_in_fifteen_seconds() -> None:
    """Given a hundred tabs for ten minutes, the looks are those of none, once the first seconds are over."""

    def looks(tabs: int) -> list[float]:
        rabbit, accounts = Rabbit(), ("rainy", "sunny")

        async def main() -> None:
            depths = Depths(cast("Any", rabbit), lambda: accounts)
            async with beside(depths.run()):
                watching = [asyncio.create_task(tab(depths, accounts)) for _ in range(tabs)]
                await asyncio.sleep(600)
                for each in watching:
                    each.cancel()
                assert depths.of("sunny") == Depth(3, 3)

        run(main())
        return rabbit.asked

    alone = looks(0)
    assert looks(100) == alone
    later = [at for at in alone if at >= EVERY]
    assert min(after - before for before, after in pairwise(later)) >= EVERY
