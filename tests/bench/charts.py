"""The charts of docs/performance.md, from what was measured. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.bench.consumers import PLAIN, STREAM, WORKER
from tests.bench.figures import Line
from tests.bench.report import COLUMNS, Report
from tests.bench.rows import calls, different, idle, speed, window
from tests.bench.svg import Bar, Chart

BULK = "Bulk calls"
SINGLE = "Single calls, everyone different"


def charts(report: Report) -> Mapping[str, Chart]:
    """Return all charts, by the name of their file.

    Raises:
        LookupError: A line that they show was not measured.
    """
    return {
        "performance-speed": Chart(
            "Events a second",
            "limits off, Kit answers at once; more is better",
            [
                (BULK, _all(_line(report, speed.NAME, "events/s, limits off"))),
                (SINGLE, _all(_line(report, different.NAME, "events/s, limits off"))),
            ],
        ),
        "performance-processor": Chart(
            "Processor time per event",
            "in milliseconds, meanwhile; less is better",
            [
                (BULK, _all(_line(report, speed.NAME, "meanwhile: processor time"))),
                (SINGLE, _all(_line(report, different.NAME, "meanwhile: processor time"))),
            ],
            digits=2,
        ),
        "performance-calls": Chart(
            "Kit calls per event", "of which Kit allows so few; less is better", _calls(report), digits=3
        ),
        "performance-wrong": Chart(
            "People with a wrong final state",
            "of 1,000, with no fault at all",
            [("", _all(_line(report, calls.NAME, "people with a wrong")))],
        ),
        "performance-idle": Chart(
            "One event when nothing else is to do",
            "published until in Kit, in milliseconds; less is better",
            [
                ("Half of them within (p50)", _all(_line(report, idle.NAME, "one event when idle", "p50"))),
                ("99 of 100 within (p99)", _all(_line(report, idle.NAME, "one event when idle", "p99"))),
            ],
            digits=1,
        ),
    }


def _calls(report: Report) -> Sequence[tuple[str, Sequence[Bar]]]:
    key = _line(report, calls.NAME, "Kit calls per event")
    ours = {
        "API key, no limit": key,
        "API key, at Kit's limit": _line(report, window.NAME, "Kit calls per event"),
        "OAuth, all fields": _line(report, calls.NAME, "Kit calls per event", "all fields"),
        "OAuth, plan and level": _line(report, calls.NAME, "Kit calls per event", "plan and level"),
    }
    rivals = [Bar(name, key.figures[name], ours=False) for name in (PLAIN, STREAM)]
    return [
        ("One call for each change", rivals),
        (WORKER, [Bar(name, line.figures[WORKER], ours=True) for name, line in ours.items()]),
    ]


def _all(line: Line) -> Sequence[Bar]:
    return [Bar(name, line.figures[name], ours=name == WORKER) for name in COLUMNS]


def _line(report: Report, row: str, *words: str) -> Line:
    """Return the first line of a row in which some words are."""
    for line in report.lines:
        if line.row == row and all(word in line.what for word in words):
            return line
    raise LookupError(f"not measured: {row}, {' '.join(words)}")
