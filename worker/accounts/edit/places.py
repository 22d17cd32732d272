"""Reads where each value of a YAML text begins and ends, and what it means. Pure.

`file.source` says what is wrong in a text, and where; this says of one that can be read, to the letter, which
part of it each value is. An alias, an anchor and a tag are part of what is meant, and are never resolved.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import yaml
from yaml.nodes import ScalarNode

from worker.accounts.edit.lines import column_of, line_before, line_end, line_start
from worker.accounts.file.source import MAX_DEPTH, MAX_NODES, scalar_value
from worker.accounts.file.syntax_errors import Spot, TooMuchError, explain
from worker.errors import CannotEdit

Meaning: TypeAlias = tuple[Any, ...]
"""What a value says, such that two of them are equal if and only if they say the same."""

MAP: Final = "map"
LIST: Final = "list"
EMPTY_MAP: Final[Meaning] = (MAP, ())
NOTHING: Final[Meaning] = ("NoneType", None)


@dataclass(frozen=True, slots=True)
class Place:
    """A value in a text.

    Attributes:
        kind: `map`, `list`, or `scalar`, which an alias counts as.
        start: Where it begins.
        end: Where its last visible character ends; before any comment.
        meaning: What it says.
        style: Of a scalar: its quote, `|`, `>`, or nothing.
        flow: Whether it stands in brackets.
        inner: Of what stands in brackets: where the opening one ends.
        entries: What is in it.
    """

    kind: str
    start: int
    end: int
    meaning: Meaning
    style: str = ""
    flow: bool = False
    inner: int = 0
    entries: tuple[EntryPlace, ...] = ()


@dataclass(frozen=True, slots=True)
class EntryPlace:
    """A value in a mapping or a list, with its key or dash.

    Attributes:
        name: Its key.
        start: Where the key or the dash begins; in brackets, a list's value.
        after: Where the colon or the dash ends.
        end: Where all of it ends.
        value: The value.
    """

    name: str
    start: int
    after: int
    end: int
    value: Place


def read_places(text: str) -> Place:
    """Return the value that a text is.

    Raises:
        CannotEdit: It is no YAML, more than one document, or too much of it.
    """
    try:
        return _Reader(text).document()
    # As in `file.source`.
    except (yaml.YAMLError, TooMuchError, ValueError, OverflowError) as error:
        spot, said = explain(error, text)
        raise CannotEdit(f"line {spot.line}: {said}") from error


def meaning_of(value: object) -> Meaning:
    """Return what a plain value says.

    Raises:
        CannotEdit: It holds what no account file can.
    """
    if isinstance(value, Mapping):
        return _map_meaning([(str(name), meaning_of(of)) for name, of in value.items()])
    if isinstance(value, list | tuple):
        return LIST, tuple(map(meaning_of, value))
    if value is None or isinstance(value, str | bool | int | float):
        return type(value).__name__, value
    raise CannotEdit(f"{type(value).__name__} is nothing that an account file can hold")


def pairs(meaning: Meaning) -> list[tuple[str, Meaning]]:
    """Return the names in a mapping, each with what is said of it; none of what is no mapping."""
    return list(meaning[1]) if meaning[0] == MAP else []


def _map_meaning(found: list[tuple[str, Meaning]]) -> Meaning:
    return MAP, tuple(sorted(found, key=lambda pair: pair[0]))


class _Reader:
    """Reads PyYAML's events, which know where they are."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._loader = yaml.SafeLoader(text)
        self._depth = self._count = 0
        self._anchors = {""}

    def document(self) -> Place:
        """Return the only document's value."""
        try:
            self._next()
            if isinstance(self._peek(), yaml.StreamEndEvent):
                raise CannotEdit("the file is empty; an operator has to begin it")
            self._next()
            root = self._value()
            self._next()
            if not isinstance(self._peek(), yaml.StreamEndEvent):
                line = self._peek().start_mark.line + 1
                raise CannotEdit(f"line {line}: a second document begins here (---); delete it")
            return root
        finally:
            self._loader.dispose()

    def _next(self) -> Any:  # noqa: ANN401 - PyYAML's stubs know no common event type
        return self._loader.get_event()  # type: ignore[no-untyped-call]  # so it is in PyYAML's stubs

    def _peek(self) -> Any:  # noqa: ANN401 - as for _next
        return self._loader.peek_event()  # type: ignore[no-untyped-call]  # so it is in PyYAML's stubs

    def _value(self) -> Place:
        event = self._next()
        self._count += 1
        if self._count > MAX_NODES or self._depth > MAX_DEPTH:
            raise TooMuchError(Spot.of(event.start_mark), "too many entries, or too many of them in others")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if event.anchor:
            self._anchors.add(event.anchor)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        self._depth += 1
        place = self._mapping(event) if isinstance(event, yaml.MappingStartEvent) else self._list(event)
        self._depth -= 1
        return place

    def _alias(self, event: Any) -> Place:  # noqa: ANN401 - as for _next
        if event.anchor not in self._anchors:
            line = event.start_mark.line + 1
            raise CannotEdit(f"line {line}: *{event.anchor} stands for what is not there (&{event.anchor})")
        return Place("scalar", event.start_mark.index, event.end_mark.index, ("*", event.anchor))

    def _scalar(self, event: Any) -> Place:  # noqa: ANN401 - as for _next
        start, end = event.start_mark.index, event.end_mark.index
        tag = self._loader.resolve(ScalarNode, event.value, event.implicit)  # type: ignore[no-untyped-call]
        value = scalar_value(ScalarNode(tag, event.value, style=event.style))
        style = event.style or ""
        if style in ("|", ">") and "+" not in self._text[start : line_end(self._text, start)].split("#")[0]:
            end = start + len(self._text[start:end].rstrip())
        return Place("scalar", start, end, _signed(event, (type(value).__name__, value)), style)

    def _mapping(self, event: Any) -> Place:  # noqa: ANN401 - as for _next
        entries = []
        while not isinstance(self._peek(), yaml.MappingEndEvent):
            key, value = self._value(), self._value()
            colon = _colon(self._text, key, value)
            # The loader takes `no` and 1 as they are written, too; what has a sign is no name to it.
            is_text = key.meaning[0] == "str"
            name = str(key.meaning[1]) if is_text else self._text[key.start : key.end]
            end = colon if value.start == value.end else value.end
            entries.append(EntryPlace(name, key.start, colon, max(key.end, end), value))
        said = _map_meaning([(entry.name, entry.value.meaning) for entry in entries])
        return self._collection(MAP, event, entries, said)

    def _list(self, event: Any) -> Place:  # noqa: ANN401 - as for _next
        entries = []
        column = None if event.flow_style else _dashes(self._text, event)
        while not isinstance(self._peek(), yaml.SequenceEndEvent):
            value = self._value()
            start = after = value.start
            if column is not None:
                start = _dash(self._text, column, value.start)
                after = start + 1
            entries.append(EntryPlace("", start, after, max(after, value.end), value))
        said = (LIST, tuple(entry.value.meaning for entry in entries))
        return self._collection(LIST, event, entries, said)

    def _collection(self, kind: str, event: Any, entries: list[EntryPlace], said: Meaning) -> Place:  # noqa: ANN401
        closing = self._next()
        inner = event.end_mark.index
        end = closing.end_mark.index if event.flow_style else entries[-1].end if entries else inner
        flow = bool(event.flow_style)
        start = event.start_mark.index
        return Place(kind, start, end, _signed(event, said), "", flow, inner, tuple(entries))


def _signed(event: Any, said: Meaning) -> Meaning:  # noqa: ANN401 - as for _next
    return ("signed", event.anchor, event.tag, said) if event.anchor or event.tag else said


def _colon(text: str, key: Place, value: Place) -> int:
    """Return where the colon behind a key ends; the key's end, where there is none."""
    match = re.compile(r"\s*:").match(text, key.end)
    return match.end() if match and match.end() <= max(value.start, key.end) else key.end


def _dashes(text: str, event: Any) -> int:  # noqa: ANN401 - as for _next
    """Return in which column the dashes of a list stand; an anchor or a tag may stand above them."""
    at = event.start_mark.index
    if event.anchor or event.tag:
        match = re.compile(r"(?<=[\r\n])( *)-(?=\s|$)").search(text, at)
        at = match.end(1) if match else at
    return column_of(text, at)


def _dash(text: str, column: int, at: int) -> int:
    """Return where the dash is that stands before a value."""
    start = line_start(text, at)
    while text[start + column : start + column + 1] != "-" or start + column >= at:
        if start == 0:
            raise CannotEdit("a list is written in a way that only a person can edit; edit it as text")
        start = line_start(text, line_before(text, start))
    return start + column
