"""The record in docs: its charts, its table, and that neither is older than its figures."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from tests.bench import record
from tests.bench.__main__ import main, why
from tests.bench.bench import MeasurementFailed
from tests.bench.charts import charts
from tests.bench.figures import Spread
from tests.bench.report import Report
from tests.bench.rows import idle
from tests.bench.svg import MARGIN, WIDTH, Bar, Chart

SVG = "{http://www.w3.org/2000/svg}"
CHART = Chart(
    "Events a second",
    "more is better",
    [
        (
            "Bulk <calls>",
            [Bar("plain", Spread(50.0, 40.0, 80.0), ours=False), Bar("us", Spread(0, 0, 0), ours=True)],
        )
    ],
)


def drawn(chart: Chart) -> ET.Element:
    return ET.fromstring(chart.svg())  # noqa: S314  # we wrote it


def wide(chart: Chart, kind: str) -> list[float]:
    return [float(bar.attrib["width"]) for bar in drawn(chart).iter(f"{SVG}rect") if bar.get("class") == kind]


# -- a chart -----------------------------------------------------------------------------------------------


def test_a_bar_is_as_long_as_its_median_and_the_largest_of_all_fills_the_width() -> None:
    assert wide(CHART, "other") == [(WIDTH - 2 * MARGIN) * 50 / 80]
    assert wide(CHART, "ours") == [0.0]


def test_a_spread_is_drawn_where_there_is_one() -> None:
    (spread,) = drawn(CHART).iter(f"{SVG}path")
    room = WIDTH - 2 * MARGIN
    assert spread.attrib["d"].startswith(f"M{MARGIN + room / 2} ")
    assert f"H{MARGIN + float(room)} " in spread.attrib["d"]


def test_a_chart_is_told_in_words_to_who_does_not_see_it() -> None:
    root = drawn(CHART)
    named = {each.get("id"): each.text for each in root if each.get("id")}
    assert root.attrib["role"] == "img"
    assert [named[name] for name in root.attrib["aria-labelledby"].split()] == [
        "Events a second",
        "Events a second, more is better. Bulk <calls>: plain 50 (40 to 80), us 0.",
    ]


def test_a_chart_loads_nothing_and_has_colours_for_light_and_dark() -> None:
    svg = CHART.svg()
    assert "prefers-color-scheme: dark" in svg
    assert "url(" not in svg
    assert "href" not in svg


# -- what docs hold ----------------------------------------------------------------------------------------


def test_what_docs_show_is_what_the_record_says() -> None:
    """Else somebody edited one of them: `make charts` writes table and charts from the record."""
    should = record.files(record.read())
    stale = [path.name for path, text in should.items() if path.read_text(encoding="utf-8") != text]
    assert not stale


def test_no_chart_is_left_that_nobody_draws() -> None:
    assert {path.stem for path in record.PICTURES.glob("performance-*.svg")} == set(charts(record.read()))


def test_what_lacks_a_row_or_failed_is_no_record() -> None:
    whole = record.read()
    partly = replace(whole, lines=[line for line in whole.lines if line.row != idle.NAME])
    with pytest.raises(record.NotARecord, match="not measured: idle"):
        record.files(partly)
    with pytest.raises(record.NotARecord, match=r"Not measured: kill\."):
        record.files(replace(whole, failures={"kill": "Nobody took over."}))


def test_the_record_can_be_read_again() -> None:
    whole = record.read()
    assert Report.read(record.files(whole)[record.KEPT]) == whole


def test_the_record_is_of_all_rows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["bench", "--record", "--rows", "idle"])
    with pytest.raises(SystemExit):
        main()
    assert "--record is of all rows" in capsys.readouterr().err


def test_each_failure_of_what_runs_side_by_side_is_told() -> None:
    both = ExceptionGroup("", [MeasurementFailed("Nobody took over."), TimeoutError()])
    assert why(ExceptionGroup("", [both])) == "Nobody took over. It took too long."
