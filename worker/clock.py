"""Time and chance, as they are passed in to everything that needs them."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

MAX_SKEW: Final = 150.0
"""Seconds that this machine's clock may be off: half of what an event may be ahead of it."""
DRIFT: Final = 1e-4
"""Seconds a second by which clocks that run on their own may part; ordinary ones are ten times better."""


class Heard(Struct, frozen=True):
    """What somebody else's clock said.

    Attributes:
        time: In seconds since 1970.
        at: When that was, by `Clock.monotonic`.
        within: Seconds by which that may be inexact.
    """

    time: float
    at: float
    within: float


_NEVER_BACK: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock:
    """The clocks of this machine, and its dice. Tests pass a clock of their own."""

    def __init__(self) -> None:
        self._heard: dict[str, Heard] = {}

    def heard(self, who: str, time: float, *, within: float) -> None:
        """Note what time it is by somebody else's clock, in seconds since 1970.

        Args:
            who: Whose, as people call it.
            time: What it says.
            within: Seconds by which that may be inexact.
        """
        self._heard[who] = Heard(time, self.monotonic(), within)

    def time_of(self, who: str) -> float | None:
        """Return what time it is at least by somebody else's clock; None where nothing was heard of it."""
        heard = self._heard.get(who)
        if heard is None:
            return None
        since = self.monotonic() - heard.at
        return heard.time + since - DRIFT * since

    @property
    def agreeing(self) -> list[str]:
        """Whose clocks say that this one may be right, as people call them."""
        return sorted(who for who, heard in self._heard.items() if not self._off_by(heard))

    @property
    def problem(self) -> str:
        """Why the time of day is surely wrong, for people; empty while another clock agrees or none is there.

        What was heard once tells what time it is now, by the seconds since.
        """
        off = {who: self._off_by(heard) for who, heard in self._heard.items()}
        if not off or not all(off.values()):
            return ""
        said = ", ".join(
            f"{abs(seconds) / 60:.0f} min {'ahead of' if seconds > 0 else 'behind'} that of {who}"
            for who, seconds in off.items()
        )
        return f"this machine's clock is wrong, {said}: set it, and have it kept right (NTP)"

    def _off_by(self, heard: Heard) -> float:
        """Return how many seconds this clock is ahead of that one; 0 where it may be right."""
        since = self.monotonic() - heard.at
        seconds = self.time() - (heard.time + since)
        return seconds if abs(seconds) > MAX_SKEW + heard.within + DRIFT * since else 0.0

    def monotonic(self) -> float:
        """Return seconds that never go back, and that also count while the machine is suspended.

        `CLOCK_MONOTONIC` stands still during a suspension, after which the broker has long given this
        worker's queues to another one. Where the system has no such clock, the ordinary one must do.
        """
        return time.clock_gettime(_NEVER_BACK)

    def time(self) -> float:
        """Return the time of day, in seconds since 1970."""
        return time.time()

    def now(self) -> datetime:
        """Return the time of day, in UTC."""
        return datetime.now(UTC)

    def random(self) -> float:
        """Return a random number from 0 up to 1, for what must not happen everywhere at the same moment."""
        return random.random()  # noqa: S311  # nothing is kept secret with it
