"""People as Kit's own importer takes them: tables without an empty cell, which would clear a value. Pure.

Whom a file would change is split by which values there are, and again by tag, as Kit puts one tag on all of
an upload. What a spreadsheet would take for a formula is left out: it could do anything on whoever's machine.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from worker.ops.backfill.trial import PersonEnd

EMAIL: Final = "email"
FIRST_NAME: Final = "first_name"
_FORMULA: Final = re.compile(r"\s*[=+\-@|%\t\r]")
_NUMBER: Final = re.compile(r"[+-]?[\d .,()/-]+")
"""What begins as a formula does, and is none: a telephone number, say."""


@dataclass(frozen=True, slots=True)
class KitFile:
    """A table for Kit's importer.

    Attributes:
        name: Of the file; nothing in it comes from an event.
        people: How many are in it.
        tag: Which tag to choose for the upload; empty for none.
        columns: Its headings.
        text: What is in it.
    """

    name: str
    people: int
    tag: str
    columns: tuple[str, ...]
    text: str


@dataclass(slots=True)
class KitFiles:
    """The tables for a file of members.

    Attributes:
        left_out: Whose value of which column is left out, as it could be a formula.
    """

    left_out: list[tuple[str, str]] = field(default_factory=list)
    _values: dict[tuple[str, ...], list[tuple[str, ...]]] = field(default_factory=dict)
    _tags: dict[str, list[str]] = field(default_factory=dict)

    def add(self, end: PersonEnd) -> None:
        """Add what one person would have otherwise."""
        values = {FIRST_NAME: end.first_name, **end.values}
        if is_formula(end.email):
            self.left_out.append((end.email, EMAIL))
            return
        for name, value in values.items():
            if value and (is_formula(name) or is_formula(value)):
                self.left_out.append((end.email, name))
        kept = {
            name: value
            for name, value in values.items()
            if value and not is_formula(name) and not is_formula(value)
        }
        names = tuple(sorted(kept, key=lambda name: (name != FIRST_NAME, name)))
        if names:
            self._values.setdefault(names, []).append((end.email, *(kept[name] for name in names)))
        for tag in end.impact.gained.values():
            self._tags.setdefault(tag, []).append(end.email)

    def files(self) -> Iterator[KitFile]:
        """Yield the tables: first those with values, so that mails which a tag starts see them."""
        for number, (names, rows) in enumerate(sorted(self._values.items()), 1):
            columns = (EMAIL, *names)
            yield KitFile(f"1-values-{number}.csv", len(rows), "", columns, _table(columns, rows))
        for number, (tag, emails) in enumerate(sorted(self._tags.items()), 1):
            rows = [(email,) for email in emails]
            yield KitFile(f"2-tag-{number}.csv", len(rows), tag, (EMAIL,), _table((EMAIL,), rows))


def is_formula(text: str) -> bool:
    """Tell whether a spreadsheet could take a cell for a formula."""
    return _FORMULA.match(text) is not None and _NUMBER.fullmatch(text) is None


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)  # with CRLF, as RFC 4180 has it
    writer.writerow(columns)
    writer.writerows(rows)
    return buffer.getvalue()
