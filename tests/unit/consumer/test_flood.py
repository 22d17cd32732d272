"""The flood alarm: loud once when it begins, quiet once when it ends, and it stops nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog
from structlog.testing import capture_logs

from worker.consumer.flood import FloodAlarm


@pytest.fixture(autouse=True)
def _plain_logs() -> Iterator[None]:
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


def noted(alarm: FloodAlarm, dead: int = 0, good: int = 0) -> None:
    """Let so many events end so."""
    for _ in range(dead):
        alarm.note(dead_lettered=True)
    for _ in range(good):
        alarm.note(dead_lettered=False)


@pytest.mark.parametrize(("dead", "on"), [(49, False), (50, True)])
def test_it_begins_at_half_of_the_last_hundred(dead: int, *, on: bool) -> None:
    alarm = FloodAlarm("sunny")
    noted(alarm, good=100)
    noted(alarm, dead=dead)
    assert alarm.on is on


def test_fifty_bad_ones_are_enough_after_a_start() -> None:
    """Given a worker that has just begun, it does not wait for a hundred events."""
    alarm = FloodAlarm("sunny")
    noted(alarm, dead=50)
    assert alarm.on


def test_it_ends_when_fewer_than_half_are_left() -> None:
    alarm = FloodAlarm("sunny")
    noted(alarm, dead=50)
    noted(alarm, good=50)
    assert alarm.on
    noted(alarm, good=1)
    assert not alarm.on


def test_it_says_so_once_when_it_begins_and_once_when_it_ends() -> None:
    alarm = FloodAlarm("sunny")
    with capture_logs() as lines:
        noted(alarm, dead=300, good=300)
    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("flood_alarm_started", "error"),
        ("flood_alarm_ended", "info"),
    ]
    assert lines[0]["account"] == "sunny"
    assert "kit-worker dead-letters list --account sunny" in lines[0]["hint"]
