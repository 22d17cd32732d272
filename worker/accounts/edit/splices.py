"""What is put into a text in place of what: small pieces of it, and whole entries. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from worker.accounts.edit.lines import column_of, line_before, line_end, line_start
from worker.accounts.edit.places import EntryPlace, Place
from worker.accounts.edit.render import Style
from worker.errors import CannotEdit

_BREAK: Final = re.compile(r"\r\n|\n|\r")
_COMMENT: Final = re.compile(r"(?:\r\n|\n|\r)( *)#[^\r\n]*")
_ALONE: Final = re.compile(r"[ \t]*,?[ \t]*(#.*)?")
UNCLEAR: Final = "this place is written in a way that only a person can edit; edit the file as text"


class Splices:
    """Collects what changes in a text.

    Args:
        text: As it was.
        style: How it is written.
    """

    def __init__(self, text: str, style: Style) -> None:
        self.text = text
        self.style = style
        self._found: list[tuple[int, int, str]] = []

    def put(self, start: int, end: int, instead: str) -> None:
        """Put something in place of a piece of the text; of two at one place the first comes first."""
        self._found.append((start, end, instead))

    def result(self) -> str:
        """Return the text with all of it changed.

        Raises:
            CannotEdit: Two pieces overlap.
        """
        parts, at = list[str](), 0
        for start, end, instead in sorted(self._found, key=lambda found: found[:2]):
            if start < at:
                raise CannotEdit(UNCLEAR)
            parts += (self.text[at:start], instead)
            at = end
        return "".join((*parts, self.text[at:]))

    def add_lines(self, at: int, lines: Iterable[str], column: int | None = None) -> None:
        """Add lines below the one in which something ends; and below comments that stand behind a column."""
        end = line_end(self.text, at)
        while column is not None and (match := _COMMENT.match(self.text, end)) and len(match[1]) > column:
            end = match.end()
        self.put(end, end, "".join(f"{self.style.newline}{line}" for line in lines))

    def remove_lines(self, start: int, end: int) -> None:
        """Remove the lines from that of one place to that of another one."""
        first, last = line_start(self.text, start), line_end(self.text, end)
        if first <= 1 and column_of(self.text, first) == 0 and not self.text[:first].strip("\ufeff"):
            match = _BREAK.match(self.text, last)
            self.put(first, match.end() if match else last, "")
        else:
            self.put(line_before(self.text, first), last, "")

    def remove(self, place: Place, gone: Sequence[int]) -> None:
        """Remove some, and not all, of the entries of a mapping or a list, by their numbers."""
        for first, last in _runs(gone):
            entries = place.entries[first : last + 1]
            if all(self._is_alone(entry, flow=place.flow) for entry in entries):
                is_last = last + 1 == len(place.entries)
                for entry in entries:
                    # Else a blank line above the last one would stand behind all of it.
                    start = self.below_text(entry.start) if is_last else entry.start
                    self.remove_lines(start, entry.end)
            elif last + 1 < len(place.entries):
                self._remove_up_to(entries, place.entries[last + 1], flow=place.flow)
            else:
                self.put(place.entries[first - 1].end, entries[-1].end, "")

    def below_text(self, at: int) -> int:
        """Return where the first of the blank lines begins that are above a place; else that place."""
        start = line_start(self.text, at)
        while start > 1:
            above = line_start(self.text, line_before(self.text, start))
            if self.text[above:start].strip() or above == start:
                return at
            start = at = above
        return at

    def _is_alone(self, entry: EntryPlace, *, flow: bool) -> bool:
        """Tell whether nothing else stands in an entry's lines, but a comment on it."""
        before = self.text[line_start(self.text, entry.start) : entry.start]
        behind = self.text[entry.end : line_end(self.text, entry.end)]
        return not before.strip() and (not flow or bool(_ALONE.fullmatch(behind)))

    def _remove_up_to(self, entries: Sequence[EntryPlace], following: EntryPlace, *, flow: bool) -> None:
        """Remove entries behind a dash or a bracket; comments on the next one stay."""
        end = line_end(self.text, entries[-1].end)
        has_comment = "#" in self.text[end : following.start]
        self.put(entries[0].start, end if has_comment and not flow else following.start, "")


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of each run of numbers without a gap."""
    for _, found in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        run = [number for _, number in found]
        yield run[0], run[-1]


def style_of(text: str, root: Place) -> Style:
    """Return how a file is written."""
    match = _BREAK.search(text)
    inside = (entry for entry in root.entries if entry.value.kind != "scalar" and not entry.value.flow)
    units = [
        column_of(text, entry.value.entries[0].start) - column_of(text, entry.start)
        for entry in inside
        if entry.value.entries
    ]
    unit = next((unit for unit in units if unit > 0), 2)
    return Style(match[0] if match else "\n", unit)
