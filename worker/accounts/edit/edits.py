"""What an account's admin may change in its file: one entry of a section, or a section as text. Pure.

Each edit changes the lines that it is about, and no other byte. Whether the new text is a valid account file,
`file.read` says; here is made sure only that it means what it meant, with that edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from worker.accounts.edit.lines import line_before, line_start
from worker.accounts.edit.places import (
    EMPTY_MAP,
    MAP,
    NOTHING,
    EntryPlace,
    Meaning,
    Place,
    meaning_of,
    pairs,
    read_places,
)
from worker.accounts.edit.render import block
from worker.accounts.edit.sections import (
    add_section,
    remove_section,
    section_entry,
    section_range,
)
from worker.accounts.edit.splices import UNCLEAR, Splices, style_of
from worker.accounts.edit.turning import add, replace, turn
from worker.errors import CannotEdit

Section: TypeAlias = Literal["events", "fields", "options"]
_SPREAD: Final = {"events": 1}
"""What an event does is read line by line, also where it is short."""


@dataclass(frozen=True, slots=True)
class SetEntry:
    """Let an entry of a section have this value, which it may have had before.

    Attributes:
        section: The section; made where the file has none.
        name: An event's type, a value's name, or an option.
        value: Text, numbers, true, false, None, and lists and mappings of these. None turns an event off, and
            sends a value nowhere.
    """

    section: Section
    name: str
    value: object


@dataclass(frozen=True, slots=True)
class UnsetEntry:
    """Take an entry out of a section, so that its default is in force."""

    section: Section
    name: str


@dataclass(frozen=True, slots=True)
class SetSection:
    """Let a section be this text.

    Attributes:
        section: The section.
        text: Its lines, as `section_text` returns them; empty to take it out.
    """

    section: Section
    text: str


Edit: TypeAlias = SetEntry | UnsetEntry | SetSection


def section_text(text: str, section: Section) -> str:
    """Return the lines of a section, with its name and the comments in it; empty where there is none.

    Raises:
        CannotEdit: The file cannot be read, or stands in brackets as a whole.
    """
    root = _root(text)
    entry = section_entry(root, section)
    if entry is None:
        return ""
    start, end = section_range(text, root, entry)
    return text[start:end]


def edited(text: str, edit: Edit) -> str:
    """Return the text of an account file with an edit.

    Raises:
        CannotEdit: It cannot be read, or the edit would change more than it says.
    """
    root = _root(text)
    splices = Splices(text, style_of(text, root))
    entry = section_entry(root, edit.section)
    if isinstance(edit, SetEntry):
        _set(splices, root, entry, edit)
    elif isinstance(edit, UnsetEntry):
        _unset(splices, root, entry, edit.name)
    else:
        _set_section(splices, root, entry, edit)
    new = splices.result()
    _check(root, new, edit)
    return new


def _root(text: str) -> Place:
    root = read_places(text)
    if root.meaning[0] != MAP:
        raise CannotEdit("the file has no sections; an operator has to mend it")
    return root


def _set(splices: Splices, root: Place, entry: EntryPlace | None, edit: SetEntry) -> None:
    spread = _SPREAD.get(edit.section, 0)
    whole = {edit.name: edit.value}
    meaning_of(whole)
    if entry is None:
        _add_whole(splices, root, edit.section, whole)
        return
    section = entry.value
    if section.kind == MAP and section.entries:
        found = [each for each in section.entries if each.name == edit.name]
        if len(found) > 1:
            raise CannotEdit(f"{edit.name} stands there twice; put both together, as text")
        if found:
            turn(splices, section, found[0], edit.value, spread)
        else:
            add(splices, section, section.entries[-1], None, edit.name, edit.value, spread)
    elif section.kind == MAP and section.flow:
        add(splices, section, None, None, edit.name, edit.value)
    elif section.meaning == NOTHING:
        replace(splices, root, entry, whole, spread + 1)
    else:
        raise CannotEdit(f"{edit.section} is no list of entries with a colon each; mend it as text")


def _add_whole(splices: Splices, root: Place, section: str, whole: dict[str, object]) -> None:
    if root.flow:
        above = root.entries[-1] if root.entries else None
        add(splices, root, above, None, section, whole)
        return
    add_section(splices, root, block({section: whole}, 0, splices.style, 1 + _SPREAD.get(section, 0)))


def _unset(splices: Splices, root: Place, entry: EntryPlace | None, name: str) -> None:
    section = entry.value if entry else None
    gone = [at for at, each in enumerate(section.entries) if each.name == name] if section else []
    if not gone or entry is None or section is None:
        return
    if len(gone) < len(section.entries):
        splices.remove(section, gone)
    elif section.flow:
        splices.put(section.inner, section.end - 1, "")
    elif _is_last_and_bare(splices.text, root, entry):
        remove_section(splices, root, entry)
    else:
        splices.remove_lines(splices.below_text(section.entries[0].start), section.end)


def _is_last_and_bare(text: str, root: Place, entry: EntryPlace) -> bool:
    """Tell whether a section of one entry stands where a new one is put, and has no comments, which stay."""
    if root.flow or len(root.entries) == 1:
        return False
    start, end = section_range(text, root, entry)
    first, above = entry.value.entries[0], text[: line_before(text, start)]
    is_last = not text[end:].strip() and bool(above[line_start(above, len(above)) :].strip())
    return is_last and "#" not in text[entry.after : first.start] + text[first.end : end]


def _set_section(splices: Splices, root: Place, entry: EntryPlace | None, edit: SetSection) -> None:
    lines = edit.text.replace("\r\n", "\n").replace("\r", "\n").strip("\n").split("\n")
    text = splices.style.newline.join(lines)
    if not text.strip():
        if entry is not None:
            remove_section(splices, root, entry)
    elif entry is None:
        add_section(splices, root, lines)
    else:
        start, end = section_range(splices.text, root, entry)
        splices.put(start, end, text)


def _check(root: Place, new: str, edit: Edit) -> None:
    """Refuse a text that means anything else than the old one with the edit."""
    found = _root(new)
    said = _wanted(root, edit)
    kept, wanted = (
        [pair for pair in pairs(each.meaning) if pair[0] != edit.section] for each in (root, found)
    )
    if kept != wanted or found.meaning[0] != root.meaning[0]:
        raise CannotEdit("this would change more of the file than it says; edit the file as text")
    if _said(found, edit.section) != said:
        raise CannotEdit(UNCLEAR)


def _wanted(root: Place, edit: Edit) -> list[tuple[str, Meaning]]:
    if isinstance(edit, SetSection):
        return _only_section(edit)
    others = [pair for pair in _said(root, edit.section) if pair[0] != edit.name]
    if isinstance(edit, UnsetEntry):
        return others
    return sorted([*others, (edit.name, meaning_of(edit.value))], key=lambda pair: pair[0])


def _only_section(edit: SetSection) -> list[tuple[str, Meaning]]:
    if not edit.text.strip():
        return []
    alone = _root(edit.text.replace("\r\n", "\n"))
    if any(each.name != edit.section for each in alone.entries) or len(alone.entries) != 1:
        raise CannotEdit(f"only {edit.section}: and what belongs to it may stand here, indented below it")
    return _said(alone, edit.section)


def _said(root: Place, section: str) -> list[tuple[str, Meaning]]:
    """Return what a section says; to be empty, or not to be there, is the same."""
    found = [said for name, said in pairs(root.meaning) if name == section]
    if len(found) > 1:
        raise CannotEdit(f"{section} stands there twice; put both together, as text")
    if not found or found[0] in (EMPTY_MAP, NOTHING):
        return []
    return pairs(found[0]) or [("", found[0])]
