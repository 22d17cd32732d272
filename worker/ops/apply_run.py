"""Carries out plans of `apply`: their people's events are heard anew, by messages of the workers' own.

Here only timers are set, a portion of people after another. The workers publish them, a hundred at a time
and behind what just happens, and again where one is lost; whoever has the account carries on.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from worker.accounts.account import Account
from worker.consumer.own_message import anew_effect
from worker.errors import KitWorkerError
from worker.ledger.history import Line, lines_of
from worker.ledger.journal import Action, Journal
from worker.ledger.plan_runs import PlanAction, PlanRun, PlanRuns
from worker.ledger.plans import KeptPlan, PlannedPerson, Plans
from worker.ledger.store import Ledger
from worker.ledger.timers import Timers
from worker.ops.apply_plan import ApplyPlan
from worker.ops.file_impact import at_once
from worker.ops.own_runs import outcomes
from worker.ops.taking_back import taking_back
from worker.ops.told_apply import told_plan_end
from worker.ops.told_end import NOT_DONE
from worker.subscribers.due_effect import DueEffect

PORTION: Final = 250
"""People whose timers are set in one transaction."""
LOOK_EVERY: Final = 1.0
"""Seconds between two looks whether those are done who were on the way when a run was stopped."""


class NotThisPlanError(KitWorkerError):
    """The plan is not for this account as it is now."""


UNDOING: Final = "undo-apply-"
"""How the ids of timers begin by which something is taken back, of whichever plan."""


def run_of(hash_: str, number: int) -> str:
    """Return how a round of a plan is called, from the first one, of which people know the hash alone."""
    return f"apply-{hash_}" if number == 1 else f"apply-{hash_}.{number}"


def prefix_of(hash_: str, action: PlanAction, number: int) -> str:
    """Return how the ids of a run's timers begin, and those of its events in the history."""
    return f"{'' if action is PlanAction.APPLY else 'undo-'}{run_of(hash_, number)}-"


async def _round(ledger: Ledger, plan: KeptPlan) -> int:
    return 1 + await Journal(ledger).count(plan.account, "undo", plan.hash)


# -- what people say ---------------------------------------------------------------------------------------


async def start(ledger: Ledger, account: Account, plan: KeptPlan, who: str) -> None:
    """Begin what a plan says, which `carry_on` then does; once more, what is left of it.

    After its undo, all of it is done again.

    Args:
        ledger: The workers'.
        account: By the file in force.
        plan: What somebody has seen.
        who: Who says so, without an address.

    Raises:
        NotThisPlanError: Another file is in force by now, or an undo is under way; nothing was begun.
        LedgerUnavailable: It may be begun.
    """
    check(plan, account)
    undo_run = (await PlanRuns(ledger).of(plan)).get(PlanAction.UNDO)
    is_begun = undo_run is not None and is_being_set(plan, undo_run)
    if is_begun or await Timers(ledger).count(account.name, UNDOING):
        raise NotThisPlanError("what a plan put on is still being taken back: wait until that is done")
    await PlanRuns(ledger).start(plan, PlanAction.APPLY, who, await _round(ledger, plan))
    told = f"What {plan.people:,} people have is brought under the file {plan.version}"
    await Journal(ledger).append(Action(account.name, who, "apply", plan.hash, plan.people, told))


def check(plan: KeptPlan | ApplyPlan, account: Account) -> None:
    """Raise `NotThisPlanError` where a plan is not for an account as its file is now."""
    if (plan.account, plan.version) != (account.name, account.version):
        raise NotThisPlanError(
            f"the plan is for {plan.account} by the version {plan.version} of its file, and that of "
            f"{account.name} is {account.version} now: make it anew"
        )


async def stop(ledger: Ledger, account: str, hash_: str, who: str) -> int:
    """Do no more of a plan, and return of how many people; who is on the way is done all the same."""
    dropped = await _let_be(ledger, account, hash_)
    told = f"It was stopped; {dropped:,} people stay as they were"
    await Journal(ledger).append(Action(account, who, "stop", f"apply-{hash_}", dropped, told))
    return dropped


async def undo(ledger: Ledger, plan: KeptPlan, who: str) -> None:
    """Begin to take off what a plan's run put on, and nobody touched since; `carry_on` then does it.

    Whoever waits still stays as they are.
    """
    await _let_be(ledger, plan.account, plan.hash)  # else who waits still gets it after this
    await PlanRuns(ledger).start(plan, PlanAction.UNDO, who, await _round(ledger, plan))
    told = "What it put on is taken back, where nobody touched it since"
    await Journal(ledger).append(Action(plan.account, who, "undo", plan.hash, plan.people, told))


async def _let_be(ledger: Ledger, account: str, hash_: str) -> int:
    """Let no more people's turn come; return of how many."""
    plan, unset = await Plans(ledger).newest(account, hash_), 0
    if plan is not None:
        await PlanRuns(ledger).stop(plan, PlanAction.APPLY)
        run = (await PlanRuns(ledger).of(plan)).get(PlanAction.APPLY)
        unset = 0 if run is None else max(0, plan.people - run.seen)
    return unset + await Timers(ledger).drop_waiting(account, run_of(hash_, 1))


# -- carrying it out ---------------------------------------------------------------------------------------


async def carry_on(
    ledger: Ledger,
    plan: KeptPlan,
    action: PlanAction,
    counted: Callable[[int], None] = lambda _: None,
    goes_on: Callable[[], Awaitable[None]] = at_once,
) -> PlanRun | None:
    """Set the timers that are not set yet, until all are, or somebody stops it; return how far it is then.

    Several may carry on with one run at once: what one has set, another does not set again.

    Args:
        ledger: The workers'.
        plan: Which.
        action: What is done of it.
        counted: Is told of how many more people it is done with.
        goes_on: Returns when the next people may be looked at.

    Raises:
        LedgerUnavailable: Some are set.
    """
    plans, runs = Plans(ledger), PlanRuns(ledger)
    while True:
        run = (await runs.of(plan)).get(action)
        if run is None or not is_being_set(plan, run):
            return run
        await goes_on()
        if action is PlanAction.UNDO and await Timers(ledger).count(plan.account, run_of(plan.hash, 1)):
            await asyncio.sleep(LOOK_EVERY)  # what it has put on cannot be told while some are on the way
            continue
        people = await plans.people(plan.id, after=run.seen, limit=PORTION)
        last = max(people, default=plan.people)  # those who are missing were forgotten
        await runs.set_timers(plan, run, last, await _effects(ledger, plan, run, people))
        counted(last - run.seen)


def is_being_set(plan: KeptPlan, run: PlanRun) -> bool:
    """Tell whether timers of a run are still to be set."""
    return run.ended_at is None and run.stopped_at is None and run.seen < plan.people


async def left(ledger: Ledger, plan: KeptPlan, run: PlanRun) -> int:
    """Return how many people of a run are not done yet; raises `LedgerUnavailable`."""
    unset = plan.people - run.seen if is_being_set(plan, run) else 0
    return unset + await Timers(ledger).count(plan.account, prefix_of(plan.hash, run.action, run.round))


async def end(
    ledger: Ledger, plan: KeptPlan, run: PlanRun, goes_on: Callable[[], Awaitable[None]] = at_once
) -> Counter[str]:
    """Note how a run ended of which nothing is left, and return how many people's events ended how.

    Raises:
        LedgerUnavailable: It may be noted.
    """
    ends = await _ends(ledger, plan, run, goes_on)
    told = told_plan_end(run.action, ends)
    said = " ".join((told.sentence, *told.why))
    action = Action(plan.account, run.who, f"{run.action} ended", plan.hash, plan.people, said)
    await PlanRuns(ledger).end(run, ends, action)
    return ends


async def _ends(
    ledger: Ledger, plan: KeptPlan, run: PlanRun, goes_on: Callable[[], Awaitable[None]]
) -> Counter[str]:
    prefix, ended = prefix_of(plan.hash, run.action, run.round), Counter[str]()
    count, last = 0, 0
    while people := await Plans(ledger).people(plan.id, after=last, limit=PORTION):
        await goes_on()
        ids, last = [f"{prefix}{number:07}" for number in people], max(people)
        ended.update((await outcomes(ledger, plan.account, ids)).values())
        count += len(people)
    if run.action is PlanAction.UNDO:
        count = run.people
    if missing := max(0, count - ended.total()):
        ended[NOT_DONE] = missing
    return ended


async def _effects(
    ledger: Ledger, plan: KeptPlan, run: PlanRun, people: Mapping[int, PlannedPerson]
) -> list[DueEffect]:
    if run.action is PlanAction.UNDO:
        return await _undoing(ledger, plan, run, people)
    now, name = await Timers(ledger).now(), run_of(plan.hash, run.round)
    return [anew_effect(each.email, name, number, plan.version, now) for number, each in people.items()]


async def _undoing(
    ledger: Ledger, plan: KeptPlan, run: PlanRun, people: Mapping[int, PlannedPerson]
) -> list[DueEffect]:
    """Return the timers that take back what events of a run put on; what they set for later is set no more.

    Of the rounds before this one something may have been on its way when they were taken back.
    """
    prefixes = [prefix_of(plan.hash, PlanAction.APPLY, number) for number in range(1, run.round + 1)]
    of_ids = {f"{prefix}{number:07}": number for prefix in prefixes for number in people}
    done = await lines_of(ledger.database, plan.account, of_ids)
    timers, lines = set[str](), list[tuple[int, Line]]()
    for line in done:
        number = of_ids[line.event_id or ""]
        lines.append((number, line))
        timers |= {timer for timer, _ in people[number].due} - {*people[number].due_no_more}
    name = run_of(plan.hash, run.round)
    effects = await taking_back(ledger, plan.account, name, lines, until_anew=True)
    await Timers(ledger).drop_these(plan.account, timers)
    return [effect for each in effects.values() for effect in each]
