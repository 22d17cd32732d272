"""Where the lines of a text begin and end. Pure."""

from __future__ import annotations

import re


def line_before(text: str, start: int) -> int:
    """Return where the line ends that is before the one that begins there: before its line break."""
    return start - 2 if text[max(0, start - 2) : start] == "\r\n" else start - 1


def line_start(text: str, at: int) -> int:
    """Return where the line begins in which something is; behind the byte-order mark."""
    start = max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1
    return start + 1 if start == 0 and text.startswith("\ufeff") and at else start


def line_end(text: str, at: int) -> int:
    """Return where the line ends in which something is: before its line break."""
    match = re.compile(r"[\r\n]").search(text, at)
    return match.start() if match else len(text)


def column_of(text: str, at: int) -> int:
    """Return how many characters stand before something in its line."""
    return at - line_start(text, at)
