"""What people are told of how a plan of `apply` was carried out, on the page and by the command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from worker.ledger.plan_runs import PlanAction
from worker.subscribers.item import Kind

NOT_DONE: Final = "not_done"
"""Of whom the history has no line: the run was stopped before."""
HELD: Final = "held"
"""Of whom all was done but the tags that are held."""
HELD_WHY: Final = "tags of theirs are held by max_new_taggings_per_hour: kit-worker allow shows them"
DONE: Final = frozenset({Kind.APPLIED.value, Kind.SUPERSEDED.value})
_WHY: Final = {
    NOT_DONE: "the run was stopped before their turn",
    HELD: HELD_WHY,
    Kind.IGNORED.value: "another file was in force by then; make the plan anew",
    Kind.DEAD_LETTERED.value: "they are dead letters: kit-worker dead-letters list, or the page",
    Kind.FORGOTTEN.value: "they were forgotten meanwhile",
}
_DONE: Final = {PlanAction.APPLY: "Done: {} people.", PlanAction.UNDO: "Taken back: of {} people."}
_OTHERS: Final = {
    PlanAction.APPLY: "The others were not brought under the file:",
    PlanAction.UNDO: "Of the others it was not taken back:",
}


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


def told_end(action: PlanAction, ends: Mapping[str, int]) -> ToldEnd:
    """Return what people are told of an end.

    Args:
        action: What was carried out.
        ends: How many people's events ended how, as the history names it, or as `NOT_DONE` or `HELD`.
    """
    count, done = sum(ends.values()), sum(ends.get(end, 0) for end in DONE)
    if done == count:
        return ToldEnd(is_all=True, sentence=_DONE[action].format(f"{count:,}"))
    others = [f"{ends[end]:,}: {_WHY.get(end, end)}" for end in sorted(ends.keys() - DONE) if ends[end]]
    sentence = f"{_DONE[action].format(f'{done:,} of {count:,}')} {_OTHERS[action]}"
    return ToldEnd(is_all=False, sentence=sentence, why=tuple(others))
