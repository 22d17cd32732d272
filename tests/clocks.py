"""A clock for tests in real time. Those in virtual time have `tests.unit.virtual_time.VirtualClock`."""

from __future__ import annotations

from datetime import UTC, datetime

from worker.clock import Clock


class StandingClock(Clock):
    """A clock that stands until it is moved, and whose dice always fall alike."""

    def __init__(self, time_of_day: float = 1_800_000_000.0) -> None:
        super().__init__()
        self._began = self._time = time_of_day

    def wait(self, seconds: float) -> None:
        """Let time pass; it may go back, as the time of day does."""
        self._time += seconds

    def turn_to(self, time_of_day: float) -> None:
        """Let it be another time, in seconds since 1970."""
        self._time = time_of_day

    def monotonic(self) -> float:
        """Return the seconds since it was made."""
        return self._time - self._began

    def time(self) -> float:
        """Return the time of day, in seconds since 1970."""
        return self._time

    def now(self) -> datetime:
        """Return the time of day, in UTC."""
        return datetime.fromtimestamp(self._time, UTC)

    def random(self) -> float:
        """Return the middle."""
        return 0.5
