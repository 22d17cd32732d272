"""When to try again, and when to give up. Pure: failures and times in, decisions out."""

from __future__ import annotations

from dataclasses import dataclass, replace

FIRST_DELAY = 1.0
FIRST_DELAY_LIMITED = 5.0
"""After a 429: Kit's window is 60 s, so a second would only earn another one."""
MAX_DELAY = 60.0
MAX_TRIES = 10
MIN_TRYING = 8 * 60.0


def backoff(failures: int, jitter: float, first: float = FIRST_DELAY) -> float:
    """Return the seconds to wait after so many failures in a row.

    Args:
        failures: 1 or more.
        jitter: Random, 0 to 1; it spreads workers that failed at the same moment.
        first: The delay after the first failure.
    """
    delay = min(first * 2.0 ** min(failures - 1, 10), MAX_DELAY)
    return min(max(delay * (0.75 + 0.5 * jitter), FIRST_DELAY), MAX_DELAY)


@dataclass(frozen=True, slots=True)
class Tries:
    """How often a change failed while Kit served others, from which follows whether it is to blame.

    Attributes:
        count: Failures, each with a success of another change at the same endpoint since the one before.
        first_at: When the first of them was, in seconds.
        last_at: When the change last failed at all.
    """

    count: int = 0
    first_at: float = 0.0
    last_at: float = float("-inf")

    def failed(self, now: float, endpoint_worked_at: float) -> Tries:
        """Return the tries after one more failure.

        Args:
            now: Seconds.
            endpoint_worked_at: When the endpoint that failed last answered somebody else well.
        """
        if endpoint_worked_at <= self.last_at:
            return replace(self, last_at=now)  # Kit failed for everybody: nobody's fault
        first_at = self.first_at if self.count else now
        return Tries(self.count + 1, first_at, now)

    def exhausted(self, now: float) -> bool:
        """Tell whether this change, not Kit, is the likely cause, so that it should stop trying."""
        return self.count >= MAX_TRIES and now - self.first_at >= MIN_TRYING


@dataclass(frozen=True, slots=True)
class Hold:
    """Why and until when an account starts nothing new.

    Attributes:
        failures: In a row, without a success in between; 0 means that nothing is held.
        until: Seconds; the next try may start then, alone.
        cause: For people: what failed.
    """

    failures: int = 0
    until: float = float("-inf")
    cause: str = ""

    def failed(
        self,
        now: float,
        cause: str,
        jitter: float,
        first: float = FIRST_DELAY,
        worked_at: float = float("-inf"),
    ) -> Hold:
        """Return the hold after one more failure.

        Calls that were under way together fail together: those that end during a hold do not lengthen it.

        Args:
            now: Seconds.
            cause: For people.
            jitter: Random, 0 to 1.
            first: The delay after the first failure.
            worked_at: When Kit last answered any call well. One since the wait was over makes this failure
                the first again: what was answered is kept, so each try comes further.
        """
        if now < self.until:
            return self
        failures = 1 if worked_at >= self.until else self.failures + 1
        return Hold(failures, now + backoff(failures, jitter, first), cause)

    def __bool__(self) -> bool:
        return self.failures > 0


NO_HOLD = Hold()
