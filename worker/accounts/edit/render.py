"""Writes plain values as YAML, as a person would. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import yaml
from yaml.nodes import ScalarNode

_PLAIN: Final = re.compile(r"[^\W\d]([\w .+&()/-]*[\w.+&()/-])?")
_WIDEST: Final = 80
"""Characters of what is written within brackets, in one line, where it need not be."""
_TEXT: Final = "tag:yaml.org,2002:str"
_RESOLVER: Final = yaml.resolver.Resolver()


@dataclass(frozen=True, slots=True)
class Style:
    """How a file is written.

    Attributes:
        newline: What ends a line.
        unit: By how many spaces what is in a mapping is indented.
    """

    newline: str
    unit: int


def scalar(value: object, quote: str = "") -> str:
    """Return one value as it stands in a file; a text in these quotes, where they can hold it."""
    if not isinstance(value, str):
        return json.dumps(value)
    if quote == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return value if quote != '"' and _is_plain(value) else _quoted(value)


def _is_plain(text: str) -> bool:
    """Tell whether a text, without quotes, is that text to all who read YAML, also in brackets."""
    if not _PLAIN.fullmatch(text) or not text.isprintable():
        return False
    tag = _RESOLVER.resolve(ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]  # as in PyYAML's stubs
    return str(tag) == _TEXT and text.lower() not in ("y", "n")


def _quoted(text: str) -> str:
    return "".join(
        letter if letter.isprintable() else _escaped(letter)
        for letter in json.dumps(text, ensure_ascii=False)
    )


def _escaped(letter: str) -> str:
    number = ord(letter)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def inline(value: object) -> str:
    """Return a value in one line, mappings and lists in brackets."""
    if isinstance(value, Mapping):
        inside = (f"{scalar(str(name))}: {inline(of)}" for name, of in value.items())
        return "{" + ", ".join(inside) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(inline, value)) + "]"
    return scalar(value)


def is_inline(value: object) -> bool:
    """Tell whether a value is best written in one line: it is short, and holds lists of names at most."""
    if not isinstance(value, Mapping | list | tuple) or not value:
        return True
    return _depth(value) <= 2 and len(inline(value)) <= _WIDEST


def _depth(value: object) -> int:
    inside: Sequence[object] = (
        list(value.values())
        if isinstance(value, Mapping)
        else list(value)
        if isinstance(value, list | tuple)
        else []
    )
    return 1 + max(map(_depth, inside)) if inside else 0


def block(value: object, column: int, style: Style, spread: int = 0) -> list[str]:
    """Return the lines of a mapping or a list that is not empty.

    Args:
        value: It.
        column: How many spaces stand before each entry.
        style: Of the file.
        spread: How many levels of mappings are written in lines of their own, even where brackets would do.
    """
    if isinstance(value, Mapping):
        return [
            line for name, of in value.items() for line in entry_lines(str(name), of, column, style, spread)
        ]
    items = value if isinstance(value, list | tuple) else [value]
    return [line for item in items for line in item_lines(item, column, style)]


def entry_lines(name: str, value: object, column: int, style: Style, spread: int = 0) -> list[str]:
    """Return the lines of a key and its value."""
    key = " " * column + scalar(name) + ":"
    is_spread = spread > 0 and isinstance(value, Mapping) and bool(value)
    if not is_spread and is_inline(value):
        return [f"{key} {inline(value)}"]
    return [key, *block(value, column + style.unit, style, spread - 1)]


def item_lines(value: object, column: int, style: Style) -> list[str]:
    """Return the lines of a dash and what it stands before."""
    dash = " " * column + "- "
    # A rule is read line by line, also where it is short.
    if not isinstance(value, Mapping) or not value or _depth(value) < 2:
        return [dash + inline(value)]
    lines = list(_flat(value, column + 2, style))
    return [dash + lines[0][column + 2 :], *lines[1:]]


def _flat(value: Mapping[object, object], column: int, style: Style) -> Iterator[str]:
    yield from block(value, column, replace(style, unit=2))
