"""Time and chance, as they are passed in to everything that needs them."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime


class Clock:
    """The clocks of this machine, and its dice. Tests pass a clock of their own."""

    def monotonic(self) -> float:
        """Return seconds that never go back, and that also count while the machine is suspended.

        `CLOCK_MONOTONIC` stands still during a suspension, after which the broker has long given this
        worker's queues to another one. Where the system has no such clock, the ordinary one must do.
        """
        clock = getattr(time, "CLOCK_BOOTTIME", None)
        return time.monotonic() if clock is None else time.clock_gettime(clock)

    def time(self) -> float:
        """Return the time of day, in seconds since 1970."""
        return time.time()

    def now(self) -> datetime:
        """Return the time of day, in UTC."""
        return datetime.now(UTC)

    def random(self) -> float:
        """Return a random number from 0 up to 1, for what must not happen everywhere at the same moment."""
        return random.random()  # noqa: S311  # nothing is kept secret with it
