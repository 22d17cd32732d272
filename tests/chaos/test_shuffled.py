"""The whole at once: thousands of events in any order, thrice each, three accounts, three workers, kills."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.chaos.harness import Arena
from tests.integration.expected import make_events

EVENTS = 5001
PEOPLE = 500
KILL_EVERY = 3.0


@pytest.mark.timeout(600)
async def test_shuffled_and_tripled_events_under_kills(arena: Arena) -> None:
    """Given each event three times, in any order, and workers killed all the time, nobody is wrong."""
    arena.add_creator("third")
    chance = random.Random(97)  # noqa: S311  # repeatable
    async with arena.running(events=(), workers=("one", "two", "three"), settle=400, beside=False):
        for number, creator in enumerate(arena.creators):
            events = make_events(EVENTS // 3, PEOPLE, seed=89 + number) * 3
            chance.shuffle(events)
            creator.load.in_order = False
            arena.publish(creator, events)
        killing = asyncio.create_task(_kill_on_and_on(arena))
        await asyncio.gather(*(creator.load.done.wait() for creator in arena.creators))
        await arena.settled(EVENTS // 3 - 100, seconds=300)
        killing.cancel()
        await asyncio.gather(killing, return_exceptions=True)
        for worker in arena.workers:
            if not worker.alive:
                await arena.start_again(worker)
    assert arena.row is not None
    assert sum(verdict.events for verdict in arena.row.verdicts) == EVENTS


async def _kill_on_and_on(arena: Arena) -> None:
    while True:
        await asyncio.sleep(KILL_EVERY)
        worker = arena.any_worker()
        await arena.kill(worker)
        await asyncio.sleep(1)
        await worker.launch()
