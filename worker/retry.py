"""When to try again, and when to give up. Pure: failures and times in, decisions out."""

from __future__ import annotations

from dataclasses import dataclass, replace

from worker.errors import RateLimited

FIRST_DELAY = 1.0
FIRST_DELAY_LIMITED = 5.0
"""After a 429: Kit's window is 60 s, so a second would only earn another one."""
MAX_DELAY = 60.0
SOON = 5.0
"""Seconds: what is lost sooner than so long after it was got counts as not got."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an account waits before it gives something up, or gives it back.

    Attributes:
        max_age: Seconds that an event may stay unsettled; RabbitMQ closes the channel after 30 minutes.
        max_age_held: The same while Kit does not answer.
        alone_for: Seconds that the only message in hand may take, with a Kit that answers, until others
            are let in.
        tries: So often must a change fail while Kit serves others, before it is given up.
        trying: For so many seconds, too.
    """

    max_age: float = 24 * 60.0
    max_age_held: float = 8 * 60.0
    alone_for: float = 30.0
    tries: int = 10
    trying: float = 8 * 60.0


PATIENCE = Patience()


def backoff(failures: int, jitter: float, first: float = FIRST_DELAY) -> float:
    """Return the seconds to wait after so many failures in a row.

    Args:
        failures: 1 or more.
        jitter: Random, 0 to 1; it spreads workers that failed at the same moment.
        first: The delay after the first failure.
    """
    delay = min(first * 2.0 ** min(failures - 1, 10), MAX_DELAY)
    return min(max(delay * (0.75 + 0.5 * jitter), FIRST_DELAY), MAX_DELAY)


def first_delay(error: Exception) -> float:
    """Return the seconds to wait after the first failure of a call to Kit."""
    return FIRST_DELAY_LIMITED if isinstance(error, RateLimited) else FIRST_DELAY


def failures_after(failures: int, lived: float) -> int:
    """Return how many tries in a row have failed, after one more that led to something which is lost again.

    Args:
        failures: In a row, before it.
        lived: Seconds for which there was what was tried for; 0 where there never was.
    """
    return failures + 1 if lived < SOON else 0


def pause(failures: int, jitter: float) -> float:
    """Return the seconds to wait for before one tries again; where nothing has failed yet, a moment.

    The moment spreads those who have lost the same thing at once, such as the workers of one broker.
    """
    return backoff(failures, jitter) if failures else jitter * 0.5


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

    def exhausted(self, now: float, patience: Patience) -> bool:
        """Tell whether this change, not Kit, is the likely cause, so that it should stop trying."""
        return self.count >= patience.tries and now - self.first_at >= patience.trying
