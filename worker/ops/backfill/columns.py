"""What the columns of a table of members are: its first line, and what somebody says of it. Pure."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from worker.handlers.base import PLATFORM_FIELDS, path_of
from worker.ops.backfill.options import MembersFileError

SEPARATORS: Final[Mapping[str, str]] = {",": "commas", ";": "semicolons", "\t": "tabs"}
ENVELOPE: Final = frozenset({"id", "type", "time"})
"""Columns that are of the event itself; all others are of its `data`."""
EMAIL: Final = "email"


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table.

    Attributes:
        separator: What stands between two cells.
        names: As the first line has them.
        paths: What each is: a word of `ENVELOPE`, a path in `data`, or nothing where it is not read.
    """

    separator: str
    names: tuple[str, ...]
    paths: tuple[str, ...]

    @property
    def unread(self) -> tuple[str, ...]:
        """The names of those that are not read."""
        return tuple(name for name, path in zip(self.names, self.paths, strict=True) if name and not path)

    def event(self, cells: Sequence[str]) -> dict[str, Any]:
        """Return a row as an event; an empty cell says nothing.

        Raises:
            ValueError: It has more cells than there are columns.
        """
        if any(cell.strip() for cell in cells[len(self.paths) :]):
            raise ValueError(
                f"it has {len(cells)} cells, and the first line {len(self.paths)}: a cell with a separator "
                'in it has to stand in "quotes"'
            )
        event, data = dict[str, Any](), dict[str, Any]()
        for path, cell in zip(self.paths, cells, strict=False):
            if not path or not (text := cell.strip()):
                continue
            if path in ENVELOPE:
                event[path] = text
            else:
                _put(data, path.split("."), text)
        return {**event, "data": data}


def read_columns(line: str, said: Iterable[tuple[str, str]]) -> Columns:
    """Return what the columns of a table are.

    Args:
        line: The first one.
        said: By the name of a column, what it is, where its name alone does not say so.

    Raises:
        MembersFileError: That cannot be told.
    """
    separator = _separator(line)
    names = tuple(name.strip() for name in _cells(line, separator))
    by_name = dict(said)
    for name in by_name.keys() - set(names):
        raise MembersFileError(f"--map {name}={by_name[name]}: there is no such column{_near(name, names)}")
    paths = tuple(_path(by_name.get(name, name), must_be=name in by_name) for name in names)
    _check(names, paths)
    return Columns(separator, names, paths)


def _separator(line: str) -> str:
    return max(SEPARATORS, key=lambda each: len(_cells(line, each)))


def _cells(line: str, separator: str) -> Sequence[str]:
    try:
        return next(csv.reader([line], delimiter=separator))
    except csv.Error:
        raise MembersFileError(
            "the first line is none of a table: its lines may end otherwise than those of Windows or Linux"
        ) from None


def _path(name: str, *, must_be: bool) -> str:
    """Return what a column is by its name; empty where it is nothing that is read."""
    small = name.lower()
    if small in ENVELOPE:
        return small
    if small == EMAIL:
        return "user.email"
    if small in PLATFORM_FIELDS:
        return PLATFORM_FIELDS[small]
    if "." in name and all(path_of(name).split(".")) and not any(map(str.isspace, name)):
        return path_of(name)
    if must_be or small.startswith("mk_"):
        raise MembersFileError(
            f"{name or '(nothing)'}: is neither a platform field nor a path such as data.user.locale, nor "
            f"email, id, type or time{_near(small, PLATFORM_FIELDS)}"
        )
    return ""


def _check(names: Sequence[str], paths: Sequence[str]) -> None:
    """See that each row can name its person, and that no two cells are for one place."""
    if "user.email" not in paths:
        raise MembersFileError(
            f"no column is the email address: call it {EMAIL}, or say --map COLUMN={EMAIL}; the first line "
            f"has {', '.join(filter(None, names)) or 'nothing'}"
        )
    read = [path for path in paths if path]
    twice = [path for path, count in Counter(read).items() if count > 1]
    if twice:
        raise MembersFileError(f"more than one column is {twice[0]}")
    for path in read:
        within = [other for other in read if other.startswith(f"{path}.")]
        if within:
            raise MembersFileError(f"{path} is a column, and so is {within[0]}, which lies within it")


def _near(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, [each for each in known if each], n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _put(data: dict[str, Any], keys: Sequence[str], text: str) -> None:
    for key in keys[:-1]:
        data = data.setdefault(key, {})
    data[keys[-1]] = text
