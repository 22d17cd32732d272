"""Applies a plan: its people's events are heard anew, by messages of the workers' own.

Here only their timers are set. The workers publish them, a hundred at a time and behind what just happens,
and again where one is lost; whoever has the account carries on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from worker.accounts.account import Account
from worker.consumer.due_message import anew_effect
from worker.errors import KitWorkerError
from worker.ledger.journal import Action, Journal
from worker.ledger.store import Ledger
from worker.ledger.timers import Timers
from worker.ops.apply_plan import ApplyPlan

ACTION: Final = "apply"
"""As the journal names it."""
PORTION: Final = 1000
"""Timers that are set in one transaction."""


class NotThisPlanError(KitWorkerError):
    """The plan is not for this account as it is now."""


def run_of(plan: ApplyPlan) -> str:
    """Return how a plan's timers, and its events in the history, begin."""
    return f"apply-{plan.hash}"


async def start(
    ledger: Ledger,
    account: Account,
    plan: ApplyPlan,
    who: str,
    counted: Callable[[int], None] = lambda _: None,
) -> None:
    """Have workers do what a plan says; done once more, it does what is left.

    Args:
        ledger: The workers'.
        account: By the file in force.
        plan: What somebody has seen.
        who: Who says so, without an address.
        counted: Is told of how many more people's timers are set.

    Raises:
        NotThisPlanError: Another file is in force by now; nothing was done.
        LedgerUnavailable: Some may be set.
    """
    if (plan.account, plan.version) != (account.name, account.version):
        raise NotThisPlanError(
            f"the plan is for {plan.account} by the version {plan.version} of its file, and that of "
            f"{account.name} is {account.version} now: make it anew"
        )
    timers, run, people = Timers(ledger), run_of(plan), plan.people
    numbered = [(number, person.email) for number, person in enumerate(people, 1)]
    for first in range(0, len(people), PORTION):
        portion = numbered[first : first + PORTION]
        now = await timers.now()
        effects = [anew_effect(email, run, number, plan.version, now) for number, email in portion]
        await timers.set(account.name, effects)
        counted(len(portion))
    told = f"What {len(plan.people):,} people have is brought under the file {plan.version}"
    await Journal(ledger).append(Action(account.name, who, ACTION, plan.hash, len(plan.people), told))


async def left(ledger: Ledger, account: str, run: str) -> int:
    """Return how many people of a run are not done yet; raises `LedgerUnavailable`."""
    return await Timers(ledger).count(account, f"{run}-")


async def stop(ledger: Ledger, account: str, run: str, who: str) -> int:
    """Do no more of a run, and return of how many people; who is on the way is done all the same."""
    dropped = await Timers(ledger).drop(account, f"{run}-")
    told = f"It was stopped; {dropped:,} people stay as they were"
    await Journal(ledger).append(Action(account, who, "stop", run, dropped, told))
    return dropped
