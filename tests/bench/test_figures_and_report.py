"""Figures, and the table that is made of them."""

from dataclasses import replace

from tests.bench.figures import Line, percentile, rounds_of, spread
from tests.bench.report import Report

CALLS = {"kit-worker": spread([1.5, 1.4, 1.6])}
SPEEDS = {"plain": spread([900.0]), "kit-worker": spread([1200.4])}
COUNTED = Line("calls", "calls", CALLS, "at most 1.5", met=True, digits=2, over="3 rounds")
TIMED = Line("speed", "events/s", SPEEDS, "more", met=True)


def report(*lines: Line) -> Report:
    return Report(3, 2, 0.5, "Python 3.11.7, RabbitMQ 4.0.5", list(lines), seconds=120.0)


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(number) for number in range(1, 41)]
    assert percentile(values, 0.5) == 20.0
    assert percentile(values, 0.99) == 40.0
    assert percentile([7.0], 0.5) == 7.0


def test_a_spread_shows_its_bounds_only_where_they_differ() -> None:
    assert spread([1.0, 3.0, 2.0]).text(1) == "2.0 (1.0 to 3.0)"
    assert spread([1200.4]).text(0) == "1,200"


def test_it_is_said_of_how_many_rounds_a_figure_is() -> None:
    assert rounds_of([1.0]) == "1 round"
    assert rounds_of([1.0, 1.0, 2.0]) == "3 rounds"


def test_a_missed_aim_is_told_and_only_a_count_that_is_off_fails_the_benchmark() -> None:
    missed = report(COUNTED, replace(TIMED, met=False))
    assert not missed.failed
    assert missed.conclusion() == ["Missed: events/s; the aim is more."]
    assert report(replace(COUNTED, met=False, failed=True), TIMED).failed


def test_a_row_that_was_not_measured_fails_the_benchmark_and_is_told() -> None:
    failed = report(COUNTED)
    failed.failures["kill"] = "Nobody took over."
    assert failed.failed
    assert failed.conclusion() == ["Every aim was met.", "Not measured: kill. Nobody took over."]


def test_the_table_of_the_page_has_a_cell_for_each_consumer() -> None:
    lines = report(COUNTED, replace(TIMED, met=False)).markdown().splitlines()
    assert lines[0] == "|  | plain | FastStream | kit-worker | of | aim for kit-worker |  |"
    assert lines[2] == "| calls |  |  | 1.50 (1.40 to 1.60) | 3 rounds | at most 1.5 | met |"
    assert lines[3] == "| events/s | 900 |  | 1,200 |  | more | **missed** |"


def test_what_was_saved_is_read_as_it_was() -> None:
    saved = report(COUNTED, TIMED)
    assert Report.read(saved.json()) == saved
