"""Turns a value of a text into another one by as few changes as will do. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

from worker.accounts.edit.lines import column_of, line_end, line_start
from worker.accounts.edit.places import LIST, MAP, EntryPlace, Place, meaning_of
from worker.accounts.edit.render import block, entry_lines, inline, is_inline, item_lines, scalar
from worker.accounts.edit.splices import UNCLEAR, Splices
from worker.errors import CannotEdit


def turn(splices: Splices, holder: Place, entry: EntryPlace, value: object, spread: int = 0) -> None:
    """Let an entry have another value; what both have in common stays as it is written.

    Args:
        splices: Takes the changes.
        holder: In which the entry is.
        entry: It.
        value: What it is to be.
        spread: As for `render.block`.
    """
    place = entry.value
    if place.meaning == meaning_of(value):
        return
    if isinstance(value, Mapping) and value and place.kind == MAP and (place.entries or place.flow):
        _turn_map(splices, holder, entry, value, spread)
    elif isinstance(value, list | tuple) and value and place.kind == LIST and place.entries:
        _turn_list(splices, place, value)
    elif isinstance(value, Mapping | list | tuple) or place.kind != "scalar":
        replace(splices, holder, entry, value, spread)
    else:
        _turn_scalar(splices, holder, entry, value)


def _turn_scalar(splices: Splices, holder: Place, entry: EntryPlace, value: object) -> None:
    place = entry.value
    if place.start == place.end:
        replace(splices, holder, entry, value)
    else:
        splices.put(place.start, place.end, scalar(value, place.style))


def _turn_map(
    splices: Splices, holder: Place, entry: EntryPlace, value: Mapping[object, object], spread: int
) -> None:
    place, wanted = entry.value, {str(name): of for name, of in value.items()}
    if not place.entries:
        splices.put(place.inner, place.inner, inline(value)[1:-1])
        return
    there = {each.name: each for each in place.entries}
    if len(there) < len(place.entries):
        raise CannotEdit(UNCLEAR)
    if not there.keys() & wanted.keys():
        replace(splices, holder, entry, value, spread)
        return
    for name, each in there.items():
        if name in wanted:
            turn(splices, place, each, wanted[name])
    splices.remove(place, [at for at, each in enumerate(place.entries) if each.name not in wanted])
    _add_names(splices, place, wanted)


def _add_names(splices: Splices, place: Place, wanted: Mapping[str, object]) -> None:
    """Add the names that are not there, each behind the one that it follows in what is wanted."""
    there = {each.name: each for each in place.entries}
    above: EntryPlace | None = None
    first = next((each for name, each in there.items() if name in wanted), None)
    for name, value in wanted.items():
        if name in there:
            above = there[name]
        else:
            add(splices, place, above, first, name, value)


def add(  # noqa: PLR0913, PLR0917 - where, between what, and what
    splices: Splices,
    place: Place,
    above: EntryPlace | None,
    below: EntryPlace | None,
    name: str | None,
    value: object,
    spread: int = 0,
) -> None:
    """Add an entry to a mapping, or (without a name) to a list.

    Args:
        splices: Takes the change.
        place: The mapping or list.
        above: Behind which entry; None for the first place.
        below: Before which entry, where there is none above; None where it is the first one at all.
        name: Its key.
        value: Its value.
        spread: As for `render.block`.
    """
    if place.flow:
        _add_in_brackets(splices, place, above, below, f"{_key(name)}{inline(value)}")
        return
    here = above or below
    if here is None:
        raise CannotEdit(UNCLEAR)
    column = column_of(splices.text, here.start)
    if name is None:
        lines = item_lines(value, column, splices.style)
    else:
        lines = entry_lines(name, value, column, splices.style, spread)
    if above is not None:
        splices.add_lines(above.end, lines, column)
    else:
        whole = splices.style.newline.join(lines)
        splices.put(here.start, here.start, f"{whole[column:]}{splices.style.newline}{' ' * column}")


def _key(name: str | None) -> str:
    return "" if name is None else f"{scalar(name)}: "


def _add_in_brackets(
    splices: Splices, place: Place, above: EntryPlace | None, below: EntryPlace | None, said: str
) -> None:
    if above is not None:
        splices.put(above.end, above.end, f", {said}")
    elif below is not None:
        splices.put(below.start, below.start, f"{said}, ")
    else:
        splices.put(place.inner, place.inner, said)


def _turn_list(splices: Splices, place: Place, value: Sequence[object]) -> None:
    there = [entry.value.meaning for entry in place.entries]
    steps = SequenceMatcher(None, there, list(map(meaning_of, value)), autojunk=False).get_opcodes()
    for _, first, last, from_, to in steps:
        both = min(last - first, to - from_)
        for number in range(both):
            if there[first + number] != meaning_of(value[from_ + number]):
                turn(splices, place, place.entries[first + number], value[from_ + number])
        if first + both < last:
            splices.remove(place, range(first + both, last))
        above = place.entries[first + both - 1] if first + both else None
        for each in value[from_ + both : to]:
            add(splices, place, above, place.entries[0], None, each)


def replace(splices: Splices, holder: Place, entry: EntryPlace, value: object, spread: int = 0) -> None:
    """Put a value in place of all that an entry has; a comment on its first line stays."""
    place, text = entry.value, splices.text
    is_spread = spread > 0 and isinstance(value, Mapping) and bool(value)
    if holder.flow or (is_inline(value) and not is_spread):
        _replace_by_line(splices, entry, inline(value))
        return
    if holder.kind == LIST and line_start(text, place.start) == line_start(text, entry.start):
        column = column_of(text, entry.start)
        whole = splices.style.newline.join(item_lines(value, column, splices.style))
        splices.put(entry.after, place.end, whole[column + 1 :])
        return
    lines = block(value, column_of(text, entry.start) + splices.style.unit, splices.style, spread - 1)
    if line_start(text, place.start) == line_start(text, entry.after):
        if entry.after < place.end:
            splices.put(entry.after, place.end, "")
        splices.add_lines(place.end, lines)
    else:
        splices.put(line_end(text, entry.after), line_end(text, place.end), "")
        splices.add_lines(place.end, lines)


def _replace_by_line(splices: Splices, entry: EntryPlace, said: str) -> None:
    place, text = entry.value, splices.text
    if place.start == place.end:
        splices.put(entry.after, entry.after, f" {said}")
    elif line_start(text, place.start) == line_start(text, entry.after):
        splices.put(place.start, place.end, said)
    else:
        splices.put(entry.after, entry.after, f" {said}")
        splices.put(line_end(text, entry.after), line_end(text, place.end), "")
