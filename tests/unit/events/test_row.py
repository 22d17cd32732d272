"""Which place the rows of files have among what happened at the same time."""

from __future__ import annotations

from tests.unit.examples import NOON
from worker.events.event import arrival_of
from worker.events.row import mark_of_row, place_of_row, row_at

LIVE = arrival_of(int(NOON.timestamp() * 1000), 1)


def test_a_later_line_is_newer_and_a_later_file_and_all_that_comes_live() -> None:
    places = [place_of_row("one", 1, 0), place_of_row("one", 2, 0), place_of_row("two", 1, 1)]
    places += [place_of_row("one", 10**7, 10**6), LIVE]
    assert places == sorted(places)


def test_a_row_is_known_by_its_place_whatever_began_before() -> None:
    marks = {row_at(place_of_row("one", 7, before)) for before in (0, 1, 10**6)}
    assert marks == {mark_of_row("one", 7)}
    assert mark_of_row("one", 7) not in {mark_of_row("two", 7), mark_of_row("one", 8)}
    assert row_at(LIVE) is row_at(-1) is None
