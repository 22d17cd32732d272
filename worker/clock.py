"""Time, as it is passed in to everything that needs it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

Seconds: TypeAlias = Callable[[], float]
"""Returns seconds that never go back; only differences mean something."""


def utc_now() -> datetime:
    """Return the time of day in UTC."""
    return datetime.now(UTC)


def awake_or_not() -> float:
    """Return seconds that also count while the machine is suspended.

    `CLOCK_MONOTONIC` stands still during a suspension, after which the broker has long given this worker's
    queues to another one. Where the system has no such clock, the ordinary one must do.
    """
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)
