"""Has workers mend what a plan says: Kit gets again what they gave, or Kit's word is taken for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from worker.consumer.due_message import adopting, repairing
from worker.ledger.journal import Action, Journal
from worker.ledger.store import Ledger
from worker.ops.drift.plan import DriftPlan
from worker.ops.own_runs import set_timers
from worker.subscribers.known import DueEffect

_TOLD: Final = {
    False: "What Kit has otherwise of {people:,} people is as this worker gave it again",
    True: "What Kit has otherwise of {people:,} people is taken for what should be so",
}


def run_of(plan: DriftPlan, *, adopt: bool = False) -> str:
    """Return how a plan's timers, and its events in the history, begin; see `start`."""
    return f"{'adopt-' if adopt else ''}drift-{plan.hash}"


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
    run, people, effect_of = run_of(plan, adopt=adopt), plan.people, adopting if adopt else repairing

    def effect(number: int, now: float) -> DueEffect:
        person = people[number - 1]
        return effect_of(person.email, run, number, person.differences, plan.asked_at, now)

    await set_timers(ledger, plan.account, len(people), effect, counted)
    told, action = _TOLD[adopt].format(people=len(people)), "adopt drift" if adopt else "repair drift"
    await Journal(ledger).append(Action(plan.account, who, action, plan.hash, len(people), told))
