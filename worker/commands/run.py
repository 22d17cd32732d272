"""`kit-worker run`: the worker itself."""

from __future__ import annotations

import asyncio

from worker import logs
from worker.app import run_worker
from worker.settings import environment, load_settings


def run() -> None:
    """Work: apply the platform's events to Kit, until stopped. Waits for the broker and for credentials."""
    settings = load_settings()
    logs.configure(settings.log_level, settings.log_format)
    asyncio.run(run_worker(settings, environment()))
