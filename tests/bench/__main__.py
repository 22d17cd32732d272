"""`python -m tests.bench`: measures the rows, one after another, and prints a table."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from rich.console import Console

from tests.bench import record
from tests.bench.bench import MeasurementFailed, opened
from tests.bench.figures import Line
from tests.bench.processes import ProgramEnded
from tests.bench.queues import broker_version
from tests.bench.report import Report
from tests.bench.rows.registry import ROWS, Measure
from worker.errors import KitWorkerError

MISSED: Final = 1
NO_BROKER: Final = 4  # as kit-worker's own exit code

progress = Console(stderr=True)


def main() -> int:
    """Measure and print; 1 where a count is off, which no machine is an excuse for."""
    options = _options()
    if options.show is not None:
        report = Report.read(options.show.read_text())
        _print(report, options.format)
        return _recorded(report) if options.record else 0
    url = os.environ.get("AMQP_URL")
    if not url:
        progress.print("AMQP_URL is not set: use 'make bench', or 'scripts/with-broker' before the command.")
        return NO_BROKER
    programs = f"Python {platform.python_version()}, RabbitMQ {asyncio.run(broker_version(url))}"
    report = Report(options.rounds, os.cpu_count() or 1, os.getloadavg()[0], programs)
    asyncio.run(_measure(url, _measures(options), report, options.save))
    _print(report, options.format)
    if options.record and (ended := _recorded(report)):
        return ended
    return MISSED if report.failed else 0


def _recorded(report: Report) -> int:
    try:
        record.write(report)
    except record.NotARecord as error:
        progress.print(f"docs stay as they are. {error}", markup=False)
        return MISSED
    progress.print(f"written: {record.PAGE.name}, and its record and charts in {record.PICTURES.name}/")
    return 0


def _options() -> argparse.Namespace:
    rows = "\n".join(f"  {name:10} {row.about}" for name, row in ROWS.items())
    parser = argparse.ArgumentParser(
        prog="make bench",
        description=f"Measure kit-worker beside a plain and a FastStream consumer.\n\nrows:\n{rows}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rows", type=_rows, default=list(ROWS), help="some only, with commas between")
    parser.add_argument("--rounds", type=_at_least_one, help="how often each is measured (3; with --short 1)")
    parser.add_argument("--short", action="store_true", help="what can be counted, once, in a minute")
    parser.add_argument("--format", choices=("table", "markdown", "json"), default="table")
    parser.add_argument("--save", type=Path, help="a file to keep the figures in, row by row")
    parser.add_argument("--show", type=Path, help="print what was saved, and measure nothing")
    parser.add_argument(
        "--record", action="store_true", help="write it into docs: table, charts, and the figures as JSON"
    )
    options = parser.parse_args()
    if options.record and (options.short or options.rows != list(ROWS)):
        parser.error("--record is of all rows")
    if options.short:
        options.rows = [name for name in options.rows if ROWS[name].short is not None]
    options.rounds = options.rounds or (1 if options.short else 3)
    return options


def _measures(options: argparse.Namespace) -> dict[str, Measure]:
    chosen = {name: ROWS[name] for name in options.rows}
    return {name: (row.short if options.short else None) or row.measure for name, row in chosen.items()}


def _rows(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in ROWS]:
        raise argparse.ArgumentTypeError(f"no such row: {', '.join(unknown)}; there are: {', '.join(ROWS)}")
    return names


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _print(report: Report, form: str) -> None:
    if form == "table":
        Console().print(report.table(), *report.conclusion(), sep="\n", markup=True)
    else:
        sys.stdout.write(f"{report.markdown() if form == 'markdown' else report.json()}\n")


async def _measure(url: str, rows: dict[str, Measure], report: Report, save: Path | None) -> None:
    """Measure the rows into a report, those that mostly wait at once; one that fails leaves the others."""
    began = time.monotonic()
    found: dict[str, list[Line]] = {}

    async def measured(row: str) -> None:
        progress.print(f"[dim]{time.monotonic() - began:5.0f} s  {row}: {ROWS[row].about}[/]")
        try:
            async with opened(url, folder, os.environ.get("POSTGRES_URL")) as bench:
                found[row] = await rows[row](bench, report.rounds)
        except* (MeasurementFailed, ProgramEnded, TimeoutError, KitWorkerError) as errors:
            report.failures[row] = why(errors)
            progress.print(f"{row}: {report.failures[row]}", markup=False)
        report.lines = [line for each in rows for line in found.get(each, [])]
        report.seconds = time.monotonic() - began
        if save is not None:
            save.write_text(report.json())

    with tempfile.TemporaryDirectory(prefix="kit-worker-bench-") as name:
        folder = Path(name)
        await asyncio.gather(*(measured(row) for row in rows if ROWS[row].waits))
        for row in rows:
            if not ROWS[row].waits:
                await measured(row)


def why(errors: BaseExceptionGroup[Exception]) -> str:
    """Return what the errors say; what runs side by side may fail in several places."""
    texts = [
        why(error) if isinstance(error, BaseExceptionGroup) else str(error) or "It took too long."
        for error in errors.exceptions
    ]
    return " ".join(texts)


if __name__ == "__main__":
    sys.exit(main())
