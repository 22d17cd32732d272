"""What would become of replayed letters, counted and in words."""

from __future__ import annotations

from worker.ops.letters.fate import Fate
from worker.ops.letters.forecast import Forecast
from worker.subscribers.item import Kind


def test_counts_add_up_and_the_first_that_fails_is_the_example() -> None:
    both = Forecast()
    for each in (
        Fate(Kind.APPLIED, by_kit=True),
        Fate(Kind.DUPLICATE),
        Fate(Kind.DEAD_LETTERED, "no", "invalid_event"),
        Fate(Kind.DEAD_LETTERED, "another", "wrong_app"),
    ):
        both = both.with_one_more(each)

    assert both.told == "1 would be applied, 1 would change nothing, 2 would fail again."
    assert both.remedy == (
        "The first that would fail again: invalid_event: no. Put that right first. "
        "Kit refused 1 of those that would be applied, and was not asked: try one first."
    )


def test_what_waits_until_its_time_counts_as_applied_and_whatever_ends_otherwise_changes_nothing() -> None:
    found = Forecast()
    for kind in (Kind.SCHEDULED, Kind.SUPERSEDED, Kind.FORGOTTEN, Kind.IGNORED):
        found = found.with_one_more(Fate(kind))

    assert found == Forecast(applied=1, unchanged=3)


def test_where_all_is_well_there_is_nothing_to_know() -> None:
    assert Forecast(applied=3).remedy == ""
