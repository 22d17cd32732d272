"""A day as plots: which bars there are, and what they show in words."""

from __future__ import annotations

import pytest

from worker.ledger.counts import QUARTER, Counts
from worker.page.plots import BARS, HEIGHT, STEP, WIDTH, duration, first_quarter, plots

NOW = 1_795_780_800.0 + 100  # 27 November 2026, 12:01:40 UTC
LAST = first_quarter(NOW) + (BARS - 1) * QUARTER


def test_a_day_ends_with_the_quarter_of_an_hour_that_is_not_over() -> None:
    assert LAST == 1_795_780_800
    assert LAST - first_quarter(NOW) == 24 * 3600 - QUARTER


def test_bars_stand_on_each_other_and_the_highest_fills_the_plot() -> None:
    """Given a quarter of three applied and one dead letter, and one of two superseded, each has its bar."""
    counts = {LAST: Counts(applied=3, dead=1), first_quarter(NOW): Counts(superseded=2)}

    events = plots(counts, NOW)[0]

    applied, superseded, dead = events.layers
    right = WIDTH - STEP
    assert applied.path == f"M{right} {HEIGHT}.0v-30.0h3v30.0z"
    assert dead.path == f"M{right} 10.0v-10.0h3v10.0z"
    assert superseded.path == f"M0 {HEIGHT}.0v-20.0h3v20.0z"
    assert events.told == (
        "Events in the last 24 hours: 3 applied, 2 superseded, 1 dead letter; "
        "most in a quarter of an hour: 4, at 12:00 UTC"
    )


def test_calls_and_ages_are_told_in_words() -> None:
    counts = {LAST: Counts(applied=2, calls=1234, age=9.0, aged=2), LAST - QUARTER: Counts(age=90.0, aged=1)}

    _, calls, ages = plots(counts, NOW)

    assert calls.layers[0].told == "1,234"
    assert ages.layers[0].told == "33.0 s on average"
    assert ages.most == "most in a quarter of an hour: 1.5 min, at 11:45 UTC"


def test_of_a_day_in_which_nothing_happened_that_is_said() -> None:
    events, calls, ages = plots({LAST - 2 * BARS * QUARTER: Counts(applied=9)}, NOW)

    assert [layer.path for plot in (events, calls, ages) for layer in plot.layers] == [""] * 5
    assert ages.told == "From event to applied in the last 24 hours: nothing was applied"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.04, "0.0 s"), (59.94, "59.9 s"), (90, "1.5 min"), (9000, "2.5 h"), (129_600, "1.5 d")],
)
def test_how_long_something_took_is_told(seconds: float, told: str) -> None:
    assert duration(seconds) == told
