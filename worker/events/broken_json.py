"""Reading what can be read of a JSON object that is wrong, too large or cut off. Pure."""

from __future__ import annotations

import json
import re
from typing import Final

from worker.events.values import Json

MAX_READ: Final = 256 * 1024
"""Bytes of a body that are looked at."""
LEVELS: Final = 3
"""Of objects that are read member by member: an event, its data, its user."""

_BLANK: Final = re.compile(r"[ \t\r\n]*+")
_VALUE: Final = json.JSONDecoder(strict=False)


def readable_part(body: bytes) -> dict[str, Json]:
    """Return the members of a JSON object up to where it breaks off; nothing where it is no object.

    What it holds may be no text, or no number of the standard's. It raises nothing, whatever the bytes.
    """
    text = body[:MAX_READ].decode("utf-8-sig", "replace")
    start = _after_blanks(text, 0)
    return _members(text, start, LEVELS)[0] if text[start : start + 1] == "{" else {}


def _members(text: str, start: int, levels: int) -> tuple[dict[str, Json], int]:
    """Return an object's members, and where it ends; the end of the text where it breaks off."""
    found: dict[str, Json] = {}
    at = _after_blanks(text, start + 1)
    while text[at : at + 1] == '"':
        try:
            key, at = _VALUE.raw_decode(text, at)
            at = _after_blanks(text, at)
            if text[at : at + 1] != ":":
                return found, len(text)
            found[key], at = _value(text, _after_blanks(text, at + 1), levels)
        except (ValueError, RecursionError):
            return found, len(text)
        at = _after_blanks(text, at)
        if text[at : at + 1] != ",":
            break
        at = _after_blanks(text, at + 1)
    return found, at + 1 if text[at : at + 1] == "}" else len(text)


def _value(text: str, at: int, levels: int) -> tuple[Json, int]:
    if levels > 1 and text[at : at + 1] == "{":
        return _members(text, at, levels - 1)
    return _VALUE.raw_decode(text, at)


def _after_blanks(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return at if found is None else found.end()
