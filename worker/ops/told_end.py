"""What people are told of how something ended that workers did for many people, or rows. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from worker.subscribers.item import Kind

NOT_DONE: Final = "not_done"
"""Of whom, or of which row, the history has no line."""
HELD: Final = "held"
"""Of whom all was done but the tags that are held."""
DONE: Final = frozenset({Kind.APPLIED.value, Kind.SUPERSEDED.value})
"""How it ends for whom it was done, or a newer event had said otherwise."""
_WHY: Final[Mapping[str, str]] = {
    HELD: "tags of theirs are held by max_new_taggings_per_hour: kit-worker allow shows them",
    Kind.DEAD_LETTERED.value: "they are dead letters: kit-worker dead-letters list, or the page",
    Kind.FORGOTTEN.value: "they were forgotten meanwhile",
}
"""What is told of other ends, whatever was done."""


@dataclass(frozen=True, slots=True)
class ToldEnd:
    """How it ended.

    Attributes:
        is_all: Whether it was done for everybody.
        sentence: For how many it was.
        why: Of how many others it was not, and why not.
    """

    is_all: bool
    sentence: str
    why: tuple[str, ...] = ()


def told_others(ends: Mapping[str, int], known: Collection[str], why: Mapping[str, str]) -> list[str]:
    """Return a line for each of the other ends, how many ended so and why.

    Args:
        ends: How many ended how, as the history names it, or as `NOT_DONE` or `HELD`.
        known: The ends of which it is told otherwise.
        why: What the others mean; where it says nothing, `_WHY` does.
    """
    said = {**_WHY, **why}
    return [f"{ends[end]:,}: {said.get(end, end)}" for end in sorted(ends.keys() - set(known)) if ends[end]]
