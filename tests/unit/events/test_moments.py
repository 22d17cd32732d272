"""Times in an event's data."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.errors import InvalidEvent
from worker.events.moments import moment
from worker.events.times import FEWEST_MILLISECONDS, MOST_MILLISECONDS
from worker.events.values import Json, as_found

BERLIN = ZoneInfo("Europe/Berlin")


def read(value: Json) -> datetime:
    found = as_found(value, "x")
    assert isinstance(found, str | tuple)
    return moment("data.x", found, BERLIN)


@pytest.mark.parametrize(
    ("value", "time"),
    [
        ("2027-07-01T10:00:00Z", "2027-07-01T10:00:00+00:00"),
        ("2027-07-01t10:00:00z", "2027-07-01T10:00:00+00:00"),
        ("2027-07-01T10:00:00+02:00", "2027-07-01T08:00:00+00:00"),
        ("2027-07-01T10:00:00.5Z", "2027-07-01T10:00:00.500000+00:00"),
        ("2027-07-01T10:00:00.123456789Z", "2027-07-01T10:00:00.123456+00:00"),
        ("2027-07-01T10:00:00", "2027-07-01T08:00:00+00:00"),
        ("2027-07-01 10:00", "2027-07-01T08:00:00+00:00"),
        ("2027-07-01", "2027-06-30T22:00:00+00:00"),
        ("2027-01-01", "2026-12-31T23:00:00+00:00"),
        (1782900000, "2026-07-01T10:00:00+00:00"),
        (1782900000000, "2026-07-01T10:00:00+00:00"),
        (1782900000.5, "2026-07-01T10:00:00.500000+00:00"),
    ],
)
def test_a_time_is_read_however_the_platform_writes_it(value: Json, time: str) -> None:
    """What has no offset, and a date alone, are meant in the account's time zone."""
    assert read(value).isoformat() == time


@pytest.mark.parametrize(
    "value",
    [
        "soon",
        "01.07.2027",
        "2027-02-30",
        "2027-07",
        "10:00",
        5,
        -1,
        1e300,
        True,
        "1782900000",
        ["2027-07-01"] * 2,
    ],
)
def test_what_is_no_time_says_so_by_its_name(value: Json) -> None:
    with pytest.raises(
        InvalidEvent, match=r"^data\.x: is not a time such as 2027-07-01T10:00:00Z or 2027-07-01$"
    ):
        read(value)


@given(st.text() | st.floats() | st.integers() | st.lists(st.text()))
def test_whatever_stands_there_is_a_time_in_utc_or_an_invalid_event(value: Json) -> None:
    try:
        found = as_found(value, "x") if value == value else "nan"  # noqa: PLR0124  # NaN is no JSON
        time = moment("data.x", found if isinstance(found, str | tuple) else "", BERLIN)
    except (InvalidEvent, OverflowError) as error:
        assert isinstance(error, InvalidEvent) or value in (float("inf"), float("-inf"))  # noqa: PT017  # either
    else:
        assert time.tzinfo is UTC


def test_the_edges_of_time_are_no_bug() -> None:
    for value in ("0001-01-01", "9999-12-31T23:59:59-12:00"):
        with pytest.raises(InvalidEvent):
            read(value)


def test_numbers_of_seconds_and_of_milliseconds_are_told_apart() -> None:
    assert read(FEWEST_MILLISECONDS).year == 1973
    assert read(FEWEST_MILLISECONDS - 1).year == 5138
    assert read(MOST_MILLISECONDS).year == 2286
