"""How results look: readable on a terminal, whole lines without frames in a pipe, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPE_WIDTH: Final = 1_000_000
"""Columns in a pipe: nothing is cut or wrapped, so that programs find what they look for."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def console() -> Console:
    """Return the console for results, standard output as it is now."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, width=PIPE_WIDTH, no_color=True)


def say(*lines: str, style: str = "") -> None:
    """Print lines of plain text; nothing in them is markup."""
    target = console()
    for line in lines:
        target.print(Text(line, style=style), soft_wrap=True)


def warn(line: str) -> None:
    """Print a line about the command itself, which is no result, on standard error."""
    print(line, file=sys.stderr)  # noqa: T201  # plain text for the person who typed the command


def show_json(value: Any) -> None:  # noqa: ANN401  # any JSON
    """Print a value as JSON."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "") -> Table:
    """Return a table of plain text."""
    on_terminal = sys.stdout.isatty()
    made = Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD if on_terminal else None,
        pad_edge=False,
        header_style="bold" if on_terminal else "",
    )
    for heading in headings:
        made.add_column(heading, overflow="fold")
    for row in rows:
        made.add_row(*(Text(cell) for cell in row))
    return made
