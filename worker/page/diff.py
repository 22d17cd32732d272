"""What differs between two texts, line by line, as people read it. Pure."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Final, Literal, NamedTuple

from worker.outside.texts import line

AROUND: Final = 3
"""Lines before and behind each change."""
LONGEST: Final = 400
"""Characters of a line that people still read."""
MOST: Final = 2_000
"""Lines between the first and the last change; beyond that, they are not compared one by one."""


class DiffLine(NamedTuple):
    """A line of a difference.

    Attributes:
        kind: What becomes of it; a `gap` stands for lines that stay.
        number: In the new text; in the old one where it goes.
        text: It, without what acts on a terminal, and without secrets.
    """

    kind: Literal["added", "removed", "same", "gap"]
    number: int
    text: str

    @property
    def sign(self) -> str:
        """What stands before it in a unified diff."""
        return {"added": "+", "removed": "-", "same": " ", "gap": "…"}[self.kind]


def difference(old: str, new: str) -> list[DiffLine]:
    """Return what differs, with some lines around it; nothing where both are the same."""
    before, after = old.splitlines(), new.splitlines()
    shared = min(len(before), len(after))
    first = next((at for at in range(shared) if before[at] != after[at]), shared)
    rest = shared - first
    behind = next((at for at in range(rest) if before[-1 - at] != after[-1 - at]), rest)
    lines = _between(before, after, first, behind)
    if not lines:
        return _only_ends(old, new, len(after))
    start, end = max(0, first - AROUND), len(after) - behind
    above = [_line("same", number, after[number]) for number in range(start, first)]
    below = [_line("same", number, after[number]) for number in range(end, min(len(after), end + AROUND))]
    return _with_gaps([*above, *lines, *below])


def _only_ends(old: str, new: str, count: int) -> list[DiffLine]:
    """Return that nothing but blanks differs which no line shows."""
    return (
        [] if old == new else [DiffLine("gap", count, "only line ends, or a mark at the beginning, differ")]
    )


def _between(before: list[str], after: list[str], first: int, behind: int) -> list[DiffLine]:
    old, new = before[first : len(before) - behind], after[first : len(after) - behind]
    if max(len(old), len(new)) > MOST:
        steps = [("replace", 0, len(old), 0, len(new))]
    else:
        steps = list(SequenceMatcher(None, old, new, autojunk=False).get_opcodes())
    found = list[DiffLine]()
    for kind, start, end, from_, to in steps:
        if kind == "equal":
            found += [_line("same", first + at, new[at]) for at in range(from_, to)]
        else:
            found += [_line("removed", first + at, old[at]) for at in range(start, end)]
            found += [_line("added", first + at, new[at]) for at in range(from_, to)]
    return found


def _line(kind: Literal["added", "removed", "same"], at: int, text: str) -> DiffLine:
    return DiffLine(kind, at + 1, line(text, LONGEST, addresses=False))


def _with_gaps(lines: list[DiffLine]) -> list[DiffLine]:
    """Leave out what is far from any change."""
    changes = [at for at, each in enumerate(lines) if each.kind != "same"]
    near = {at + by for at in changes for by in range(-AROUND, AROUND + 1)}
    found = list[DiffLine]()
    for at, each in enumerate(lines):
        if at in near:
            found.append(each)
        elif found and found[-1].kind != "gap":
            found.append(DiffLine("gap", each.number, ""))
    return found
