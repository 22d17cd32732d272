"""The sections of an account file: from where to where each stands, and how one comes and goes. Pure."""

from __future__ import annotations

import re
from typing import Final

from worker.accounts.edit.lines import column_of, line_end, line_start
from worker.accounts.edit.places import EntryPlace, Place
from worker.accounts.edit.splices import Splices
from worker.errors import CannotEdit

EDITABLE: Final = ("events", "fields", "options")
"""What an account's admin may change; all else in the file is an operator's."""
_COMMENTS: Final = re.compile(r"(?:(?>\r\n|\n|\r)[ \t]*+)++(?<=[ \t])#[^\r\n]*")
_ENDED: Final = re.compile(r"(?:^|[\r\n])\.\.\.(?=\s|$)")


def section_entry(root: Place, section: str) -> EntryPlace | None:
    """Return where a section stands in a file; None where there is none.

    Raises:
        CannotEdit: It stands there twice.
    """
    found = [entry for entry in root.entries if entry.name == section]
    if len(found) > 1:
        raise CannotEdit(f"{section} stands there twice; put both together, as text")
    return found[0] if found else None


def section_range(text: str, root: Place, entry: EntryPlace) -> tuple[int, int]:
    """Return where the lines of a section begin and end: to the last comment that is indented below it.

    Raises:
        CannotEdit: It has no lines of its own.
    """
    if root.flow or column_of(text, entry.start):
        raise CannotEdit("this section has no lines of its own; edit the file as text")
    end = line_end(text, entry.end)
    while match := _COMMENTS.match(text, end):
        end = match.end()
    return line_start(text, entry.start), end


def add_section(splices: Splices, root: Place, lines: list[str]) -> None:
    """Add the lines of a section at the end of a file."""
    text = splices.text
    ended = _ENDED.search(text, root.end)
    end = root.end if ended else max(root.end, len(text.rstrip()))
    column = column_of(text, root.start)
    splices.add_lines(end, [f"{' ' * column}{line}" if line else line for line in lines])


def remove_section(splices: Splices, root: Place, entry: EntryPlace) -> None:
    """Remove the lines of a section, with all comments in them."""
    if root.flow:
        splices.remove(root, [root.entries.index(entry)])
        return
    start, end = section_range(splices.text, root, entry)
    splices.remove_lines(start, end)
