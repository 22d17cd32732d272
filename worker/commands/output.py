"""Prints results: readable on a terminal, whole lines without frames in a pipe, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from rich import box
from rich.console import Console, RenderableType
from rich.table import Column, Table
from rich.text import Text

from worker import logs
from worker.commands.exits import OutputError
from worker.events.values import time_text
from worker.outside.texts import MAX_TRACEBACK, harmless, harmless_json, redacted

PIPE_WIDTH: Final = 1_000_000
"""Columns in a pipe: nothing is cut or wrapped, so that programs find what they look for."""

READABLE: Final = 8
"""Characters that a line of a cell has at least, if the cell has as many."""
BETWEEN: Final = 3
"""Characters between two columns on a terminal."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def say(*lines: str, style: str = "") -> None:
    """Print lines of plain text; nothing in them is markup."""
    for line in map(harmless, lines):
        if sys.stdout.isatty():
            Console(highlight=False).print(Text(line, style=style), soft_wrap=True)
        else:
            _write(f"{line}\n")
    _write("", now=True)  # whoever watches a long-running command through a pipe sees it now


def warn(line: str) -> None:
    """Print a line about the command itself, which is no result, on standard error."""
    logs.tell(redacted(line, MAX_TRACEBACK, addresses=False))


def warn_not_ended(why: str) -> None:
    """Say that an access at Kit goes on, why, and what to do; print nothing where `why` is empty."""
    if why:
        warn(f"kit-worker: its access at Kit was not ended ({why}); remove the app in Kit's settings")


def show_json(value: Any, *, indent: int | None = 2) -> None:  # noqa: ANN401  # any JSON
    """Print a value as JSON; without `indent`, on one line."""
    is_utf8 = sys.stdout.encoding.lower().replace("-", "") == "utf8"
    _write(harmless_json(json.dumps(value, indent=indent, ensure_ascii=not is_utf8)) + "\n")


def moment_text(seconds: float) -> str:
    """Return a moment, in seconds since 1970, as people and programs read it."""
    return time_text(datetime.fromtimestamp(seconds, UTC).replace(microsecond=0))


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, whole: int = 0) -> Table:
    """Return a table of plain text; the first `whole` columns are never broken, so that one can copy them."""
    made = Table(box=box.SIMPLE_HEAD if sys.stdout.isatty() else None, pad_edge=False, header_style="bold")
    for at, heading in enumerate(headings):
        made.add_column(Text(harmless(heading)), overflow="fold", no_wrap=at < whole)
    for row in rows:
        made.add_row(*(Text(harmless(cell)) for cell in row))
    return made


def show(rendered: Table) -> None:
    """Print a table; in a pipe without frames, and with an empty line after it.

    Where a terminal is too narrow for it, each row is shown as lines, one for each of its cells.
    """
    if sys.stdout.isatty():
        console = Console(highlight=False)
        if _fits(rendered, console.width):
            console.print(rendered)
        else:
            say(*_as_lines(rendered))
        return
    plain = Console(highlight=False, width=PIPE_WIDTH, no_color=True)
    with plain.capture() as captured:
        plain.print(rendered)
    _write("".join(f"{line.rstrip()}\n" for line in [*captured.get().splitlines(), ""]))


def _fits(shown: Table, width: int) -> bool:
    """Tell whether no column is cut that must be whole, and none so small that nobody can read it."""
    widest = ((column, max(map(len, map(str, _texts(column))))) for column in shown.columns)
    needed = [most if column.no_wrap else min(most, READABLE) for column, most in widest]
    return sum(needed) + BETWEEN * len(needed) <= width


def _as_lines(shown: Table) -> Iterator[str]:
    headings, *rows = zip(*map(_texts, shown.columns), strict=True)
    for row in rows:
        yield ""
        yield from (f"{name}: {cell}" for name, cell in zip(headings, row, strict=True) if str(cell))
    yield ""


def _texts(column: Column) -> list[RenderableType]:
    return [column.header, *column.cells]


def _write(text: str, *, now: bool = False) -> None:
    try:
        sys.stdout.write(text)
        if now:
            sys.stdout.flush()
    except BrokenPipeError:  # whoever read it has seen enough, which is no fault
        raise
    except OSError as error:
        raise OutputError(error) from error
