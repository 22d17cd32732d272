"""The record in docs: what was measured last, as JSON, as the table of docs/performance.md, and as charts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.bench.charts import charts
from tests.bench.processes import ROOT
from tests.bench.report import Report

PAGE: Final = ROOT / "docs" / "performance.md"
PICTURES: Final = ROOT / "docs" / "pictures"
KEPT: Final = PICTURES / "performance.json"
BEGIN: Final = "<!-- What follows is written by `make bench ARGS=--record`; edit nothing up to its end. -->"
END: Final = "<!-- The end of what is written. -->"


class NotARecord(Exception):
    """What was measured cannot be the record; the text says why."""


def read() -> Report:
    """Return the record."""
    return Report.read(KEPT.read_text(encoding="utf-8"))


def files(report: Report) -> Mapping[Path, str]:
    """Return what each file of the record should hold.

    Raises:
        NotARecord: A row failed or is missing.
    """
    if report.failures:
        raise NotARecord(f"Not measured: {', '.join(report.failures)}.")
    try:
        drawn = charts(report)
    except LookupError as error:
        raise NotARecord(f"{error}.") from None
    shown = [f"![{chart.words}](pictures/{name}.svg)" for name, chart in drawn.items()]
    caption = f"{report.caption[0].upper()}{report.caption[1:]}."
    told = "\n\n".join([BEGIN, "\n".join(shown), caption, report.markdown(), END])
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise NotARecord(f"{PAGE.name} has no place for it: {BEGIN} and {END}")
    return {
        KEPT: f"{report.json()}\n",
        PAGE: f"{before}{told}{after}",
        **{PICTURES / f"{name}.svg": chart.svg() for name, chart in drawn.items()},
    }


def write(report: Report) -> None:
    """Make it the record.

    Raises:
        NotARecord: as `files`.
    """
    for path, text in files(report).items():
        path.write_text(text, encoding="utf-8")
