"""`kit-worker run`: the worker itself."""

from __future__ import annotations

import asyncio

from worker.app import run_worker
from worker.commands.starting import begin
from worker.settings import environment


def run() -> None:
    """Work: apply the platform's events to Kit, until stopped. Waits for the broker and for credentials."""
    settings = begin()
    asyncio.run(run_worker(settings, environment()))
