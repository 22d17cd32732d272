"""What is done about custom fields, as the history tells people; and read back from there. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Final

MAX_TOLD: Final = 100
"""Characters of a value that people are told."""
TOLD_FIRST_NAME: Final = "first name"
"""What Kit's own field of that name is called there."""

_QUOTED: Final = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_LINE: Final = re.compile(rf"(?P<name>[^\n]+?) (?:cleared|(?P<value>{_QUOTED})(?P<cut>…?))(?:, |\Z)")


def told(name: str, value: str | None) -> str:
    """Return what is done about a custom field, or the first name, for people."""
    if value is None:
        return f"{name} cleared"
    return f"{name} {value[:MAX_TOLD]!r}{'…' if len(value) > MAX_TOLD else ''}"


def values_told(text: str) -> Mapping[str, str | None]:
    """Return the values that a line of several of these names, whole ones only; none of other lines."""
    found: dict[str, str | None] = {}
    at = 0
    while match := _LINE.match(text, at):
        if not match["cut"]:
            found[match["name"]] = _unquoted(match["value"])
        at = match.end()
    return found if at == len(text) else {}


def _unquoted(text: str | None) -> str | None:
    if text is None or "\\" not in text:
        return text and text[1:-1]
    return str(ast.literal_eval(text))
