"""An event as a file has it that somebody imports, and its place among others. Pure."""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b
from typing import Final, NamedTuple


class Row(NamedTuple):
    """An event as a file has it.

    Attributes:
        line: Where it begins in the file, from 1.
        routing_key: As the platform would have published it.
        kind: Its type.
        id: As the file gives it; empty where it does not.
        as_of: When it happened, where it does not say so itself.
    """

    line: int
    body: bytes
    routing_key: str
    kind: str
    id: str = ""
    as_of: datetime | None = None
    cloud_event: bool = False


_LINE_BITS: Final = 24
_ROW_BITS: Final = 35
"""Of a row's place: those of its line, and before them some that tell its run from others."""
_OF_ROWS: Final = 1 << 61
"""Every row's place is less, and every `event.arrival_of` of a tenure since 2004 is more."""


def place_of_row(run: str, line: int, runs_before: int) -> int:
    """Return the `arrival` of a row: of one time a later line is newer, a later file, and what comes live.

    Args:
        run: The name of its run.
        line: Where it begins in its file.
        runs_before: How many other runs of the account began before that.
    """
    return (runs_before << _ROW_BITS) + mark_of_row(run, line)


def mark_of_row(run: str, line: int) -> int:
    """Return what tells a row from others of its time, whichever runs began before."""
    of_run = int.from_bytes(blake2b(run.encode(), digest_size=2).digest()) >> 16 + _LINE_BITS - _ROW_BITS
    return (of_run << _LINE_BITS) + line


def row_at(place: int) -> int | None:
    """Return the mark of the row that has a place; None where that is of no row."""
    return place % (1 << _ROW_BITS) if 0 <= place < _OF_ROWS else None
