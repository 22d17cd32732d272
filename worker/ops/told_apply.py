"""What people are told of how a plan of `apply` was carried out, on the page and by the command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from worker.ledger.plan_runs import PlanAction
from worker.ops.told_end import DONE, NOT_DONE, ToldEnd, told_others
from worker.subscribers.item import Kind

_WHY: Final = {
    NOT_DONE: "the run was stopped before their turn",
    Kind.IGNORED.value: "another file was in force by then; make the plan anew",
}
_DONE: Final = {PlanAction.APPLY: "Done: {} people.", PlanAction.UNDO: "Taken back: of {} people."}
_OTHERS: Final = {
    PlanAction.APPLY: "The others were not brought under the file:",
    PlanAction.UNDO: "Of the others it was not taken back:",
}


def told_plan_end(action: PlanAction, ends: Mapping[str, int]) -> ToldEnd:
    """Return what people are told of an end.

    Args:
        action: What was carried out.
        ends: How many people's events ended how, as the history names it, or as `NOT_DONE` or `HELD`.
    """
    count, done = sum(ends.values()), sum(ends.get(end, 0) for end in DONE)
    if done == count:
        return ToldEnd(is_all=True, sentence=_DONE[action].format(f"{count:,}"))
    sentence = f"{_DONE[action].format(f'{done:,} of {count:,}')} {_OTHERS[action]}"
    return ToldEnd(is_all=False, sentence=sentence, why=tuple(told_others(ends, DONE, _WHY)))
