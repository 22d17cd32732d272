"""All faults at random, from a printed seed: `CHAOS_SEED` repeats a run."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Mapping
from contextlib import AsyncExitStack

import pytest

from tests.chaos import (
    broker_faults,
    configuration_faults,
    kit_faults,
    ledger_faults,
    network_faults,
    worker_faults,
)
from tests.chaos.faults import FAULTS, PREPARATIONS
from tests.chaos.harness import Arena
from tests.integration.expected import endless_events

MODULES = (
    broker_faults, configuration_faults, kit_faults, ledger_faults, network_faults, worker_faults,
)  # fmt: skip
"""Importing them registers their faults."""

SHORT, FULL = 30.0, 600.0
AT_ONCE = 2
CALM = 1.5
WORKERS = ("one", "two", "three")
PER_SECOND = 30.0

ALLOWED: Mapping[str, str] = {
    "disorder": "what was deleted with a queue is applied by the replay, after what came later",
}


@pytest.mark.timeout(1200)
async def test_soak(arena: Arena, *, full: bool) -> None:
    """Given any faults at any time, up to two at once, lost is none, and nobody is wrong in the end."""
    seed = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
    seconds = float(os.environ.get("CHAOS_SECONDS") or (FULL if full else SHORT))
    diary: list[str] = []
    # pytest shows what is printed where the test fails; the row of figures has the seed in any case.
    print(f"soak: CHAOS_SEED={seed}, {seconds:.0f} s, {len(FAULTS)} faults")  # noqa: T201
    arena.name = f"{arena.name}[{seed}]"
    arena.chance = random.Random(seed)  # noqa: S311  # repeatable
    for what, why in ALLOWED.items():
        arena.allow(what, why)
    try:
        async with AsyncExitStack() as stack:
            for prepare in PREPARATIONS:
                if prepare is not ledger_faults.on_postgres:
                    await stack.enter_async_context(prepare(arena))
            events = endless_events(200, seed=seed)
            running = arena.running(
                events=events, per_second=PER_SECOND, workers=WORKERS, settle=300, KIT_TIMEOUT="3"
            )
            async with running:
                await arena.settled(50)
                await _weather(arena, seconds, diary)
                arena.main.load.stop()
                await _revive(arena)
    finally:
        print(f"soak: {len(diary)} faults came, in this order: {', '.join(diary)}")  # noqa: T201


async def _weather(arena: Arena, seconds: float, diary: list[str]) -> None:
    """Let faults come and go, of different groups at a time."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    busy: set[str] = set()

    async def one_after_another() -> None:
        while loop.time() < ends:
            free = [each for each in FAULTS.values() if each.group not in busy]
            chosen = arena.chance.choice(sorted(free, key=lambda each: each.name))
            busy.add(chosen.group)
            try:
                diary.append(chosen.name)
                async with chosen.inject(arena):
                    await asyncio.sleep(chosen.seconds * arena.chance.uniform(0.3, 1.0))
            finally:
                busy.discard(chosen.group)
            await asyncio.sleep(CALM)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(one_after_another())


async def _revive(arena: Arena) -> None:
    """Start whoever is not alive; a fault may have ended before its worker was back."""
    for worker in arena.workers:
        if not worker.alive:
            await worker.launch()
