"""Where in the text of an account's file each event stands, and each of its rules. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from worker.accounts.file.source import Source, read_yaml

RuleLines: TypeAlias = Mapping[tuple[str, int], int]
"""By event type and rule, as the history numbers them (0: the event's own lists), lines from 1 on."""


def rule_lines(text: str) -> RuleLines:
    """Return where each event of a file stands, and each rule; what is not in the file is by default.

    Of a text that is no account's file, it returns what can be told.
    """
    return dict(_lines(read_yaml(text)))


def _lines(source: Source) -> Iterator[tuple[tuple[str, int], int]]:
    for path in (*source.keys, *source.spots):
        match path:
            case ("events", str(kind)):
                yield (kind, 0), source.spot(path, key=True).line
            case ("events", str(kind), "rules", int(index)):
                yield (kind, index + 1), source.spot(path).line
