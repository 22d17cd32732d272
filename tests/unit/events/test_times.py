"""Times as text, as timestamps and as numbers; `decode/` has those of whole events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from worker.errors import InvalidEvent
from worker.events.times import from_milliseconds, parse_time

TEN = datetime(2026, 7, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "2026-07-01T10:00:00Z",
        "2026-07-01t10:00:00z",
        "2026-07-01T12:00:00+02:00",
        TEN,
        TEN.astimezone(timezone(timedelta(hours=-7))),
    ],
)
def test_a_time_is_in_utc(value: object) -> None:
    assert parse_time("time", value) == TEN
    assert parse_time("time", value).tzinfo is UTC


@pytest.mark.parametrize("value", [datetime(2026, 7, 1, 10), "2026-07-01T10:00:00"])  # noqa: DTZ001  # the point
def test_without_an_offset_nobody_knows_when(value: object) -> None:
    with pytest.raises(InvalidEvent, match="time: lacks its offset"):
        parse_time("time", value)


def test_milliseconds_keep_their_digits() -> None:
    assert from_milliseconds("time", 1782900000123) == TEN.replace(microsecond=123_000)


@pytest.mark.parametrize("number", [1782900000, -5, 1782900000123456, 10**400])
def test_seconds_and_what_is_finer_than_milliseconds_are_told_apart(number: int) -> None:
    with pytest.raises(InvalidEvent, match="must be one of milliseconds since 1970"):
        from_milliseconds("time", number)
