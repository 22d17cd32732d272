"""`kit-worker run`: the worker itself."""

from __future__ import annotations

import asyncio
import gc
from typing import Final

from worker.app import run_worker
from worker.commands.common import begin

COLLECT_AFTER: Final = 20_000
"""New objects until Python looks for reference cycles; 700 by default. See docs/performance.md."""


def run() -> None:
    """Work: apply the platform's events to Kit, until stopped. Waits for the broker and for credentials."""
    settings = begin()
    gc.freeze()  # what was imported stays for good
    gc.set_threshold(COLLECT_AFTER)
    asyncio.run(run_worker(settings))
