"""Plans of `apply` that the ledger keeps: how they are made there, or put there, and what is told of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import msgspec

from worker.accounts.account import Account
from worker.errors import KitWorkerError
from worker.ledger.plans import KeptPlan, Plans, SaidOfPlan
from worker.ledger.store import Ledger
from worker.ops.apply_plan import ApplyPlan, planned
from worker.ops.file_impact import EXAMPLES, Example, FileImpact, at_once
from worker.ops.stored_plan import PlanHash
from worker.ops.told_impact import ONLY_OF_THEM, ToldImpact, shortened, told

PORTION: Final = 1000
"""People who are put there in one transaction."""


class PlanReplacedError(KitWorkerError):
    """Somebody else has made another plan of the account meanwhile."""


async def make_plan(
    ledger: Ledger,
    account: Account,
    who: str,
    limit: int,
    counted: Callable[[int], None] = lambda _: None,
    goes_on: Callable[[], Awaitable[None]] = at_once,
) -> KeptPlan:
    """Make a plan in the ledger, of which few people are in memory at once, and return it; see `planned`.

    Args:
        ledger: The workers'.
        account: By the file in force.
        who: Who wants it, without an address.
        limit: Calls to Kit in a minute.
        counted: Is told of how many more people were looked at.
        goes_on: Returns when the next person may be looked at.

    Raises:
        PlanReplacedError: Somebody else has made another plan meanwhile.
        LedgerUnavailable: It is not made.
    """
    plans, impact, made, number = Plans(ledger), FileImpact(), PlanHash(account.name, account.version), 1
    plan = await plans.begin(account.name, account.version, who)
    async for people in planned(ledger, account, impact, counted, goes_on):
        await plans.add(plan, account.name, number, people)
        made.add(people)
        number += len(people)
    return await _made(plans, plan, account.name, _said(made.value, impact, told_of(impact, limit)))


async def put_plan(ledger: Ledger, plan: ApplyPlan, who: str, limit: int) -> KeptPlan:
    """Put a plan into the ledger, if it is not there, and return it as it is kept.

    It raises as `make_plan` does.
    """
    plans = Plans(ledger)
    kept = await plans.newest(plan.account, plan.hash)
    if kept is not None:
        return kept
    number = await plans.begin(plan.account, plan.version, who)
    for first in range(0, len(plan.people), PORTION):
        await plans.add(number, plan.account, first + 1, plan.people[first : first + PORTION])
    is_counted = bool(plan.impact.people)  # what was kept as a file is without that
    said = _said(plan.hash, plan.impact, told_of(plan.impact, limit) if is_counted else None)
    return await _made(plans, number, plan.account, said._replace(people=len(plan.people)))


async def _made(plans: Plans, number: int, account: str, said: SaidOfPlan) -> KeptPlan:
    if await plans.made(number, said) and (kept := await plans.newest(account, said.hash)) is not None:
        return kept
    raise PlanReplacedError("another plan was made meanwhile: make it anew")


def _said(hash_: str, impact: FileImpact, told_: ToldImpact | None) -> SaidOfPlan:
    # Examples name people; those of a plan are read with its people, who may be forgotten.
    without = None if told_ is None else replace(told_, examples=())
    taggings = sum(impact.new_taggings.values())
    return SaidOfPlan(hash_, impact.otherwise, taggings, msgspec.json.encode(without).decode())


def told_of(impact: FileImpact, limit: int) -> ToldImpact:
    """Return what people are told of a plan."""
    found = told(impact, limit)
    return replace(found, unknown=tuple(each for each in found.unknown if each != ONLY_OF_THEM))


async def told_of_kept(ledger: Ledger, plan: KeptPlan) -> ToldImpact | None:
    """Return the same of a plan that the ledger keeps; None where it was not counted, or otherwise than now.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    try:
        found = msgspec.json.decode(plan.told, type=ToldImpact | None)
    except msgspec.MsgspecError:  # another version of this program has made it
        found = None
    if found is None:
        return None
    some = await Plans(ledger).people(plan.id, after=0, limit=EXAMPLES)
    examples = (Example(each.email, each.gains, each.loses, each.fields) for each in some.values())
    return replace(found, examples=tuple(map(shortened, examples)))
