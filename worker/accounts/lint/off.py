"""Comments in an account's file that turn rules of lint off.

`# lint: off tag-never-removed` at the end of a line counts for that line; alone on a line, for the next one
that is no comment. Several ids stand there with commas or blanks between them, and a reason behind ` - `.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from worker.accounts.file.syntax_errors import Spot

_COMMENT: Final = re.compile(r"(?:^|(?<=\s))#\s*lint:\s*off\b(?P<ids>.*)")
_REASON: Final = re.compile(r"\s-\s.*")
_WORD: Final = re.compile(r"[^\s,]+")
_NO_TEXT: Final = re.compile(r"\s*(?:#.*)?")


class Off(NamedTuple):
    """A rule that a comment turns off.

    Attributes:
        rule: The id that stands there; empty where none does.
        line: The line for which it is off.
        spot: Where the id stands.
    """

    rule: str
    line: int
    spot: Spot


def turned_off(text: str) -> list[Off]:
    """Return each rule that a comment of the file turns off, in order."""
    lines = text.splitlines()
    return [off for number, line in enumerate(lines, 1) for off in _offs(line, number, lines)]


def _offs(line: str, number: int, lines: list[str]) -> Iterator[Off]:
    found = _COMMENT.search(line)
    if found is None:
        return
    alone = not line[: found.start()].strip()
    target = _next(lines, number) if alone else number
    ids = _REASON.sub("", found["ids"])
    words = list(_WORD.finditer(ids))
    for word in words:
        yield Off(word[0], target, Spot(number, found.start("ids") + word.start() + 1))
    if not words:
        yield Off("", target, Spot(number, found.start() + 1))


def _next(lines: list[str], number: int) -> int:
    """Return the number of the first line behind one that holds more than a comment."""
    return next(
        (at for at in range(number + 1, len(lines) + 1) if not _NO_TEXT.fullmatch(lines[at - 1])), number
    )
