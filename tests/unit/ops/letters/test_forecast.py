"""What would become of replayed letters, counted and in words."""

from __future__ import annotations

from worker.ops.letters.forecast import Forecast


def test_counts_add_up_and_the_first_that_fails_is_the_example() -> None:
    one = Forecast(applied=1, by_kit=1).with_more(Forecast(unchanged=1))
    both = one.with_more(Forecast(again=1, why="invalid_event: no")).with_more(Forecast(again=1, why="other"))

    assert both.told == "1 would be applied, 1 would change nothing, 2 would fail again."
    assert both.remedy == (
        "The first that would fail again: invalid_event: no. Put that right first. "
        "Kit refused 1 of those that would be applied, and was not asked: try one first."
    )


def test_where_all_is_well_there_is_nothing_to_know() -> None:
    assert Forecast(applied=3).remedy == ""
