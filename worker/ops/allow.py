"""Lets through what is held, by messages of the worker's own through the account's queue.

Here only their timers are set. The workers publish them, a hundred at a time, and again where one is lost;
a second copy is a duplicate.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from worker.consumer.own_message import allowing
from worker.errors import KitWorkerError
from worker.ledger.held import HeldPlan, PlanGoneError, held_plan, let_through
from worker.ledger.journal import Action, Journal
from worker.ledger.store import Ledger

ACTION = "allow"
"""As the journal names it."""


class NotThePlan(KitWorkerError):
    """What is held is not any more what somebody has seen."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What was let through.

    Attributes:
        count: Taggings.
        left: What is held now.
    """

    count: int
    left: HeldPlan

    @property
    def told(self) -> str:
        """It, as a sentence."""
        let = f"{self.count:,} held tagging{'' if self.count == 1 else 's'}"
        are = "is" if self.left.count == 1 else "are"
        held = f"; {self.left.count:,} {are} still held" if self.left.count else ""
        return f"{let} of {self.left.account} may go{held}."


async def allow(
    ledger: Ledger, account: str, who: str, *, plan: str | None = None, count: int | None = None
) -> Allowed:
    """Let through what is held in an account, and note it in the journal.

    Args:
        ledger: The workers'.
        account: Its name.
        who: Who says so, without an address.
        plan: The hash of what somebody has seen; just that is let through.
        count: So many at most, the oldest first.

    Raises:
        NotThePlan: It is not any more what the plan says; nothing was let through.
        LedgerUnavailable: The ledger could not be written; perhaps some are let through.
    """
    try:
        done = await let_through(ledger, account, partial(allowing, account), plan=plan, count=count)
    except PlanGoneError:
        raise NotThePlan(
            f"what is held in {account} is not what {plan} says any more: some of it was let through, or is "
            "wanted no more. Nothing was done; look at it anew"
        ) from None
    told = Allowed(done, await held_plan(ledger, account))
    if done:
        await Journal(ledger).append(Action(account, who, ACTION, plan or "", done, told.told))
    return told
