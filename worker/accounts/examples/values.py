"""Reads values out of a file of examples, and notes all that is wrong, each with its place. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Final

from worker.accounts.file.errors import value_at
from worker.accounts.file.source import FileFault, Source, Unclear, YamlPath
from worker.accounts.file.values import check_text, shown, suggestion
from worker.events.values import Json, as_text

A_TIME: Final = "a day or a time, such as 2027-01-31 or 2027-01-31T12:00Z"
YEARS: Final = range(1970, 2100)
LONGEST: Final = 10_000
"""Characters of a field's value."""


class ExampleValues:
    """The values of a YAML text, which is read to its end.

    Attributes:
        faults: What is wrong with those that were asked for.
    """

    def __init__(self, source: Source) -> None:
        self.faults: list[FileFault] = []
        self._source = source

    def fault(self, path: YamlPath, text: str, *, key: bool = False) -> None:
        """Note what is wrong with a value, or with its key."""
        known = self._source.known(path)
        if not any(known[:length] in self._source.broken for length in range(len(known) + 1)):
            self.faults.append(FileFault(self._source.spot(path, key=key), path, text))

    def at(self, path: YamlPath) -> Any:  # noqa: ANN401  # of whatever type
        """Return a value; None where there is none."""
        return value_at(self._source, path) if path in self._source.spots else None

    def spelled(self, path: YamlPath, known: Collection[str], what: str) -> dict[str, Any]:
        """Return a mapping, with known keys only; an empty one where it is none."""
        found = self.table(path, what)
        for key in found.keys() - set(known):
            meant = suggestion(key, known) or f"; what may stand here: {', '.join(known)}"
            self.fault((*path, key), f"unknown key{meant}", key=True)
        return {key: value for key, value in found.items() if key in known}

    def table(self, path: YamlPath, what: str) -> dict[str, Any]:
        """Return a mapping; an empty one where it is none."""
        found = self.at(path)
        if isinstance(found, dict) and found:
            return found
        self.fault(path, f"must be {what}")
        return {}

    def paths(self, path: YamlPath, what: str, *, few: int = 0) -> list[YamlPath]:
        """Return where the entries of a list are."""
        found = self.at(path)
        if isinstance(found, list) and len(found) >= few:
            return [(*path, index) for index in range(len(found))]
        self.fault(path, f"must be a list of {what}")
        return []

    def one_or_more(self, path: YamlPath) -> list[YamlPath]:
        """Return where the entries of a list are, or the one that stands in its place."""
        found = self.at(path)
        return [(*path, index) for index in range(len(found))] if isinstance(found, list) else [path]

    def text(self, path: YamlPath, what: str) -> str:
        """Return a name: a short line of text, without blanks around it."""
        found = self.at(path)
        if isinstance(found, str):
            try:
                return check_text(found)
            except ValueError as error:
                self.fault(path, str(error))
                return ""
        written = self._source.written.get(path)
        self.fault(path, f"must be {what}{f'; write {shown(written)!r} in quotes' if written else ''}")
        return ""

    def moment(self, path: YamlPath) -> datetime | None:
        """Return a time; where nothing is said of its offset it is in UTC."""
        found = self.at(path)
        text = found.written if isinstance(found, Unclear) else found
        try:
            time = datetime.fromisoformat(text) if isinstance(text, str) else None
            if time is not None and time.year in YEARS:
                return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            pass
        self.fault(path, f"must be {A_TIME}")
        return None

    def number(self, path: YamlPath, most: int, what: str) -> int:
        """Return a number from 1 on; 0 where it is none."""
        found = self.at(path)
        if isinstance(found, int) and not isinstance(found, bool) and 1 <= found <= most:
            return found
        if most:  # else a fault says already that there is none
            self.fault(path, f"must be the number of {what}, from 1 to {most}")
        return 0

    def choice(self, path: YamlPath, known: Collection[str]) -> str:
        """Return one of some words."""
        found = self.at(path)
        if isinstance(found, str) and found in known:
            return found
        meant = suggestion(found, known) if isinstance(found, str) else ""
        self.fault(path, f"must be {' or '.join(known)}{meant}")
        return ""

    def json(self, path: YamlPath) -> Json:
        """Return a value as an event has it; a date is text."""
        found = self.at(path)
        if isinstance(found, dict):
            return {key: self.json((*path, key)) for key in found}
        if isinstance(found, list):
            return [self.json((*path, index)) for index in range(len(found))]
        if isinstance(found, Unclear):
            if found.taken_for != "a date":
                self.fault(path, f"YAML reads {shown(found.written)} as {found.taken_for}; put it in quotes")
            return found.written
        value: Json = found
        return value

    def field(self, path: YamlPath) -> str | None:
        """Return a value as Kit stores it: text; None where the field is to be empty."""
        found = self.json(path)
        if isinstance(found, dict | list):
            self.fault(path, "must be a text, as Kit has it; a list is one text: tea, cake")
            return None
        text = as_text(found, "")
        if isinstance(text, str) and len(text) > LONGEST:
            self.fault(path, f"has more than {LONGEST:,} characters")
        return text if isinstance(text, str) else None
