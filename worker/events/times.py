"""The times that publishers write. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from worker.errors import InvalidEvent

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
FEWEST_MILLISECONDS: Final = 100_000_000_000
"""March 1973. A smaller number is one of seconds, and would be a day in January 1970."""
MOST_MILLISECONDS: Final = 10_000_000_000_000
"""The year 2286. A greater number is one of microseconds, or of something finer."""


def parse_time(name: str, value: object) -> datetime:
    """Return a time in UTC, from ISO 8601 text or from what AMQP carries as a timestamp.

    Args:
        name: What has it, for the error.
        value: Whatever stands there.

    Raises:
        InvalidEvent: It is none, or lacks its offset.
    """
    try:
        time = value if isinstance(value, datetime) else _from_iso(value)
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidEvent(f"{name}: must be an ISO 8601 time such as 2026-07-01T10:00:00Z") from error
    raise InvalidEvent(f"{name}: lacks its offset from UTC, such as Z or +02:00")


def _from_iso(value: Any) -> datetime:  # noqa: ANN401  # whatever the JSON holds
    # RFC 3339 allows a small z, which Python before 3.12 does not.
    return datetime.fromisoformat(f"{value[:-1]}Z" if value[-1:] == "z" else value)


def from_milliseconds(name: str, number: int) -> datetime:
    """Return the time that many milliseconds after 1970 began, which is how AMQP 1.0 counts.

    Raises:
        InvalidEvent: The number must be one of seconds, or of something finer than milliseconds.
    """
    if FEWEST_MILLISECONDS <= number <= MOST_MILLISECONDS:
        return _EPOCH + timedelta(milliseconds=number)
    raise InvalidEvent(f"{name}: a number must be one of milliseconds since 1970, such as 1782900000000")
