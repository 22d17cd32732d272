"""`kit-worker run`: the worker itself."""

from __future__ import annotations

import asyncio
import resource

from worker.app import run_worker
from worker.commands.common import begin, collect_seldom


def run() -> None:
    """Work: apply the platform's events to Kit, until stopped. Waits for the broker and for credentials."""
    settings = begin()
    _take_descriptors()
    collect_seldom()
    asyncio.run(run_worker(settings))


def _take_descriptors() -> None:
    """Allow as many open files as the system lets us: Kit takes up to `KIT_CONCURRENCY` for each account."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY:  # macOS says so, and refuses it
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
