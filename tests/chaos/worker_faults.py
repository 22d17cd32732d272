"""Faults of a worker process, for rows and the soak."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import suppress

from tests.chaos.faults import fault
from tests.chaos.harness import Arena

BURST = 3.0
"""Seconds for which the event loop stands still: longer than any other pause, shorter than a heartbeat."""
FIRST_FILES = 4
"""Standard input, output and error, and the event loop's own, which stay open for as long as it runs."""


@fault("worker-killed", group="worker", seconds=4)
async def killed(arena: Arena) -> AsyncIterator[None]:
    """Kill a worker with SIGKILL, and start it again in the end."""
    worker = arena.any_worker()
    await arena.kill(worker)
    yield
    await worker.launch()


@fault("worker-terminated", group="worker", seconds=4)
async def terminated(arena: Arena) -> AsyncIterator[None]:
    """Stop a worker in good order, and start it again in the end."""
    worker = arena.any_worker()
    await worker.stop()
    yield
    await worker.launch()


@fault("loop-blocked", group="worker", seconds=1)
async def loop_blocked(arena: Arena) -> AsyncIterator[None]:
    """Let a worker stand still for three seconds, and so its event loop, as a blocking call would."""
    worker = arena.any_worker()
    worker.process.send_signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(BURST)
    finally:
        with suppress(ProcessLookupError):
            worker.process.send_signal(signal.SIGCONT)
    yield


@fault("few-files", group="worker", seconds=8)
async def few_files(arena: Arena) -> AsyncIterator[None]:
    """Let a worker open not one more file or connection, also in the place of one that was closed."""
    worker = arena.any_worker()
    before = worker.limit_files(FIRST_FILES)
    try:
        yield
    finally:
        if worker.alive:
            worker.limit_files(before)
