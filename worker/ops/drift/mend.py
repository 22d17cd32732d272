"""Has workers mend what a plan says: Kit gets again what they gave, or Kit's word is taken for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from worker.consumer.own_message import adopting, repairing
from worker.ledger.journal import Action, Journal
from worker.ledger.store import Ledger
from worker.ops.drift.plan import DriftPlan
from worker.ops.own_runs import set_timers
from worker.ops.told_end import DONE, NOT_DONE, ToldEnd, told_others
from worker.subscribers.due_effect import DueEffect
from worker.subscribers.item import Kind

REPAIRED: Final = "repair drift"
ADOPTED: Final = "adopt drift"
"""What the journal calls it."""
AS_IT_IS: Final = Kind.IGNORED.value
_WHY: Final = {
    AS_IT_IS: "nothing was to be done, as it is otherwise by now, or nobody is subscribed or made again",
    NOT_DONE: "the history does not say",
}
_TOLD: Final = {
    False: "What Kit has otherwise of {people:,} people is as this worker gave it again",
    True: "What Kit has otherwise of {people:,} people is taken for what should be so",
}


def run_of(hash_: str, *, adopt: bool = False) -> str:
    """Return how the timers of the plan with a hash, and its events in the history, begin; see `start`."""
    return f"{'adopt-' if adopt else ''}drift-{hash_}"


async def start(
    ledger: Ledger,
    plan: DriftPlan,
    who: str,
    *,
    adopt: bool,
    counted: Callable[[int], None] = lambda _: None,
) -> None:
    """Have workers mend what a plan says, each person looked at again; once more, what is left of it.

    Args:
        ledger: The workers'.
        plan: What somebody has seen.
        who: Who says so, without an address.
        adopt: Whether Kit's word stands; else Kit is to have again what this worker gave.
        counted: Is told of how many more people's timers are set.

    Raises:
        LedgerUnavailable: Some may be set.
    """
    run, people, effect_of = run_of(plan.hash, adopt=adopt), plan.people, adopting if adopt else repairing

    def effect(number: int, now: float) -> DueEffect:
        person = people[number - 1]
        return effect_of(person.email, run, number, person.differences, plan.asked_at, now)

    await set_timers(ledger, plan.account, len(people), effect, counted)
    told, action = _TOLD[adopt].format(people=len(people)), ADOPTED if adopt else REPAIRED
    await Journal(ledger).append(Action(plan.account, who, action, plan.hash, len(people), told))


def told_mended(ended: Counter[str]) -> ToldEnd:
    """Return what people are told of how it ended: of how many people how, as the history names it."""
    done, as_it_is = sum(ended[end] for end in DONE), {AS_IT_IS: ended[AS_IT_IS]}
    others = told_others(ended, {*DONE, AS_IT_IS}, _WHY)
    return ToldEnd(
        is_all=not others,
        sentence=f"Done: {done:,} of {ended.total():,} people.",
        why=(*told_others(as_it_is, (), _WHY), *others),
    )
