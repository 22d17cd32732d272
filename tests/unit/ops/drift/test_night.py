"""When in the night an account is compared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from worker.ops.drift.night import BEGINS, LATE, SPREAD, is_time


def begins(account: str, zone: str = "UTC") -> datetime:
    """Return the minute at which an account begins to be compared, in one of two nights."""
    start = datetime(2026, 7, 1, tzinfo=UTC)
    minutes = [start + timedelta(minutes=number) for number in range(2 * 24 * 60)]
    fits = [is_time(account, ZoneInfo(zone), each, None) for each in minutes]
    return next(minutes[at] for at in range(1, len(minutes)) if fits[at] and not fits[at - 1])


def test_it_is_once_a_night() -> None:
    first = begins("sunny")
    zone = ZoneInfo("UTC")
    assert not is_time("sunny", zone, first - timedelta(minutes=1), None)
    assert is_time("sunny", zone, first, first - timedelta(hours=1))
    assert not is_time("sunny", zone, first + timedelta(minutes=5), first)
    assert is_time("sunny", zone, first + timedelta(days=1), first)


def test_what_could_not_begin_in_the_night_waits_for_the_next_one() -> None:
    first = begins("sunny")
    assert is_time("sunny", ZoneInfo("UTC"), first + LATE - timedelta(minutes=1), None)
    assert not is_time("sunny", ZoneInfo("UTC"), first + LATE, None)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"])
def test_it_is_night_where_the_account_is(zone: str) -> None:
    local = begins("sunny", zone).astimezone(ZoneInfo(zone))
    assert BEGINS <= local.hour <= BEGINS + SPREAD // 60


def test_accounts_begin_at_different_times() -> None:
    assert len({begins(f"account-{number}") for number in range(50)}) > 20
