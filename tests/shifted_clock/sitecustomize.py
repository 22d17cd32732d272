"""Shifts the time of day; the file may change while the worker runs."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

from worker.clock import Clock


def shifted_time(_clock: Clock) -> float:
    """Return the wrong time, in seconds since 1970."""
    return time.time() + float(Path(os.environ["CLOCK_SHIFT"]).read_text(encoding="utf-8"))


def shifted_now(clock: Clock) -> datetime:
    """Return it as a date."""
    return datetime.fromtimestamp(clock.time(), UTC)


Clock.time, Clock.now = shifted_time, shifted_now  # type: ignore[method-assign, assignment]
