"""The times in an event's data, in whichever form the platform writes them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Final

from worker.errors import InvalidEvent
from worker.events.times import FEWEST_MILLISECONDS, MOST_MILLISECONDS
from worker.events.values import Number

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FEWEST_SECONDS: Final = FEWEST_MILLISECONDS // 1000


def moment(name: str, value: str | tuple[str, ...], timezone: tzinfo) -> datetime:
    """Return the time that a value is, in UTC.

    Args:
        name: Of the value, for the error.
        value: ISO 8601, or a number of seconds or milliseconds since 1970. A date is the start of that day.
        timezone: Of what has no offset of its own.

    Raises:
        InvalidEvent: It is no time.
    """
    try:
        time = _since_1970(value) if isinstance(value, Number) else datetime.fromisoformat(_text(value))
        if time.tzinfo is None:
            time = time.replace(tzinfo=timezone)
        return time.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidEvent(f"{name}: is not a time such as 2027-07-01T10:00:00Z or 2027-07-01") from error


def _text(value: str | tuple[str, ...]) -> str:
    if isinstance(value, tuple):
        raise ValueError("a list is no time")  # noqa: TRY004 - of the wrong form, as texts that are no time
    # RFC 3339 allows small letters, which Python does not.
    return value.upper()


def _since_1970(text: Number) -> datetime:
    number = Decimal(text)
    if FEWEST_MILLISECONDS <= number <= MOST_MILLISECONDS:
        return _EPOCH + timedelta(milliseconds=float(number))
    if _FEWEST_SECONDS <= number < FEWEST_MILLISECONDS:
        return _EPOCH + timedelta(seconds=float(number))
    raise ValueError("neither seconds nor milliseconds since 1970")
