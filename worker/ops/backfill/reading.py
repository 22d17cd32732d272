"""Reads a file of existing members, row by row: JSON lines of events, or a table with a first line. Pure."""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import IO, Any, Final, NamedTuple

from worker.accounts.account import Account
from worker.events.body import MAX_BODY_BYTES
from worker.events.json_body import lenient_json
from worker.events.row import Row
from worker.ops.backfill.columns import Columns, read_columns
from worker.ops.backfill.options import BackfillOptions, MembersFileError

NO_TYPE: Final = "it names no type: give one for all such rows by --type"
NO_TIME: Final = (
    "it says nowhere when it happened: give a time for all such rows by --as-of, before anything that the "
    "platform has told since, so that what is newer stands"
)
NO_UTF_8: Final = "it is not UTF-8: save the file as UTF-8 (in Excel: CSV UTF-8)"
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_PACKED: Final = {b"PK\x03\x04": "a spreadsheet or a zip archive", b"\x1f\x8b": "packed by gzip"}
MAX_LINE: Final = MAX_BODY_BYTES + 1
"""Bytes of a line that are read."""


class WrongRow(NamedTuple):
    """A row that nobody can take.

    Attributes:
        line: Where it begins in the file, from 1.
        why: For people.
    """

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class RowFile:
    """A file of members.

    Attributes:
        columns: None where it has lines of JSON.
        rows: Its rows, in their order.
    """

    columns: Columns | None
    rows: Iterator[Row | WrongRow]


def lines_in(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the lines of a file; of one that is too long for any event, its beginning."""
    while line := file.readline(MAX_LINE):
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = file.readline(MAX_LINE)
        yield line


def read_rows(lines: Iterable[bytes], account: Account, options: BackfillOptions) -> RowFile:
    """Return a file's rows, which are read as one asks for them.

    Args:
        lines: The file's, each with its end.
        account: Whose events they are.
        options: How the file is read.

    Raises:
        MembersFileError: It is no such file.
    """
    numbered = _numbered(lines)
    first = next(((number, line) for number, line in numbered if line.strip()), None)
    if first is None:
        raise MembersFileError("it is empty")
    number, line = first
    app = _app(account, options)
    if line.lstrip()[:1] == b"{":
        found = _json_rows(chain([first], numbered))
    elif line.lstrip()[:1] == b"[":
        raise MembersFileError("it is one list of JSON: write each event on a line of its own")
    else:
        columns = read_columns(_text(line), options.columns)
        return RowFile(columns, _rows(_table_rows(columns, number, numbered), app, options))
    if options.columns:
        raise MembersFileError("--map is for a table: this file has lines of JSON")
    return RowFile(None, _rows(found, app, options))


def _app(account: Account, options: BackfillOptions) -> str:
    """Return whose events the rows are."""
    apps = account.apps
    if options.app and options.app not in apps:
        takes = ", ".join(apps) or "events without an app"
        raise MembersFileError(f"--app {options.app}: the account takes {takes}")
    if len(apps) > 1 and not options.app:
        raise MembersFileError(
            f"the account takes events of several apps: say --app with one of {', '.join(apps)}"
        )
    return options.app or next(iter(apps), "")


def _numbered(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(lines, 1):
        if number == 1:
            if line.startswith(_UTF_16):
                raise MembersFileError("it is UTF-16: save it as UTF-8 (in Excel: CSV UTF-8)")
            for begins, what in _PACKED.items():
                if line.startswith(begins):
                    raise MembersFileError(f"it is {what}: save it as CSV UTF-8, or unpack it")
        yield number, line.removeprefix(codecs.BOM_UTF8) if number == 1 else line


def _text(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise MembersFileError(NO_UTF_8) from error


# -- each form --------------------------------------------------------------------------------------------


class _AsFound(NamedTuple):
    """An event, as it stands there and as it is read."""

    line: int
    body: bytes
    event: Any


def _json_rows(numbered: Iterable[tuple[int, bytes]]) -> Iterator[_AsFound | WrongRow]:
    for number, line in numbered:
        body = line.strip()
        if not body:
            continue
        try:
            yield _AsFound(number, body, lenient_json(body))
        except ValueError as error:
            yield WrongRow(number, f"not JSON: {error}")


def _table_rows(
    columns: Columns, last: int, numbered: Iterable[tuple[int, bytes]]
) -> Iterator[_AsFound | WrongRow]:
    """Yield the rows of a table; a cell in quotes may go over several lines."""
    taken = _Taken(numbered, last)
    cells = csv.reader(taken, delimiter=columns.separator, strict=True)
    while True:
        begins = taken.last + 1
        try:
            row = next(cells, None)
        except csv.Error as error:
            yield WrongRow(begins, f"it is no line of a table: {error}")
            continue
        if row is None:
            return
        if any(cell.strip() for cell in row):
            yield _table_row(columns, begins, row)


@dataclass(slots=True)
class _Taken:
    """Lines as text, and the number of the last one that was taken; what is no UTF-8 is found in its row."""

    numbered: Iterable[tuple[int, bytes]]
    last: int

    def __iter__(self) -> Iterator[str]:
        for number, line in self.numbered:
            self.last = number
            yield line.decode(errors="surrogateescape")


def _table_row(columns: Columns, line: int, cells: Sequence[str]) -> _AsFound | WrongRow:
    try:
        event = columns.event(cells)
        return _AsFound(line, json.dumps(event, ensure_ascii=False).encode(), event)
    except UnicodeEncodeError:
        return WrongRow(line, NO_UTF_8)
    except ValueError as error:
        return WrongRow(line, str(error))


# -- a row ------------------------------------------------------------------------------------------------


def _rows(
    found: Iterable[_AsFound | WrongRow], app: str, options: BackfillOptions
) -> Iterator[Row | WrongRow]:
    for each in found:
        yield each if isinstance(each, WrongRow) else _row(each, app, options)


def _row(found: _AsFound, app: str, options: BackfillOptions) -> Row | WrongRow:
    line, body, event = found
    if not isinstance(event, dict):
        return WrongRow(line, "it is no event: each has to be a JSON object")
    kind = _given(event, "type") or options.event_type
    if not kind:
        return WrongRow(line, NO_TYPE)
    is_dated = any(event.get(name) is not None for name in ("time", "occurred_at"))
    if not is_dated and options.as_of is None:
        return WrongRow(line, NO_TIME)
    return Row(
        line,
        body,
        f"{kind}.{app}" if app else kind,
        kind,
        id=_given(event, "id"),
        as_of=None if is_dated else options.as_of,
        cloud_event="specversion" in event,
    )


def _given(event: dict[str, Any], name: str) -> str:
    """Return text as the worker reads it: a whole number, too, stands for its digits."""
    value = event.get(name)
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
