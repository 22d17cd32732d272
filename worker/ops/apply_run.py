"""Applies a plan: its people's events are heard anew, by messages of the workers' own.

Here only their timers are set. The workers publish them, a hundred at a time and behind what just happens,
and again where one is lost; whoever has the account carries on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from worker.accounts.account import Account
from worker.consumer.due_message import anew_effect, undoing
from worker.errors import KitWorkerError
from worker.kit.single_calls import NEWLY_TAGGED
from worker.ledger.history import Line, find_history, lines_of
from worker.ledger.journal import Action, Journal
from worker.ledger.store import Ledger
from worker.ledger.timers import Timers
from worker.ops.apply_plan import ApplyPlan, PlannedPerson
from worker.subscribers.item import Kind
from worker.subscribers.known import DueEffect
from worker.subscribers.parts import TagWish, tag_told

ACTION: Final = "apply"
"""As the journal names it."""
PORTION: Final = 1000
"""Timers that are set in one transaction."""
MOST_LINES: Final = 200_000
"""Of the history that are read at once, of so many people."""
NOT_DONE: Final = "not_done"
"""Of whom the history has no line: the run was stopped before."""


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


async def ends(ledger: Ledger, plan: ApplyPlan) -> Counter[str]:
    """Return how many people's events ended how, as the history names it; raises `LedgerUnavailable`."""
    ids, ended = list(people_by_event(plan)), Counter[str]()
    for first in range(0, len(ids), PORTION):
        portion = ids[first : first + PORTION]
        lines = await lines_of(ledger.database, plan.account, portion)
        by_id = {line.event_id: line.outcome for line in lines if line.outcome != Kind.DUPLICATE.value}
        ended.update(by_id.get(id_, NOT_DONE) for id_ in portion)
    return ended


def people_by_event(plan: ApplyPlan) -> dict[str, PlannedPerson]:
    """Return the people of a plan by the ids of their events."""
    run = run_of(plan)
    return {f"{run}-{number:07}": person for number, person in enumerate(plan.people, 1)}


async def stop(ledger: Ledger, account: str, run: str, who: str) -> int:
    """Do no more of a run, and return of how many people; who is on the way is done all the same."""
    dropped = await Timers(ledger).drop(account, f"{run}-")
    told = f"It was stopped; {dropped:,} people stay as they were"
    await Journal(ledger).append(Action(account, who, "stop", run, dropped, told))
    return dropped


async def undo(
    ledger: Ledger, plan: ApplyPlan, who: str, counted: Callable[[int], None] = lambda _: None
) -> int:
    """Have workers take off what a plan's run put on, and nobody touched since; return of how many people.

    Whoever waits still stays as they are.

    Args:
        ledger: The workers'.
        plan: Which.
        who: Who says so, without an address.
        counted: Is told of how many more people were looked at.

    Raises:
        LedgerUnavailable: Some may be taken back.
    """
    timers, run, people, by_event = Timers(ledger), run_of(plan), 0, people_by_event(plan)
    ids = list(by_event)
    await timers.drop(plan.account, f"{run}-")  # else who waits still gets it after this
    for first in range(0, len(ids), PORTION):
        portion = ids[first : first + PORTION]
        effects = await _undoing(ledger, plan.account, run, {id_: by_event[id_] for id_ in portion})
        await timers.set(plan.account, effects)
        people += len(effects)
        counted(len(portion))
    told = f"What it put on is taken back of {people:,} people"
    await Journal(ledger).append(Action(plan.account, who, "undo", plan.hash, people, told))
    return people


async def _undoing(
    ledger: Ledger, account: str, run: str, people: Mapping[str, PlannedPerson]
) -> list[DueEffect]:
    """Return the timers that take back what events of a run put on."""
    done = await lines_of(ledger.database, account, people)
    since = await find_history(
        ledger.database, emails={line.email for line in done}, account=account, limit=MOST_LINES
    )
    later: dict[str, list[Line]] = {}
    for line in since:
        later.setdefault(line.email, []).append(line)
    effects = []
    for line in done:
        id_ = line.event_id or ""
        tags = [
            tag
            for tag in people[id_].gains
            if _put_on(line, tag) and not any(_touches(each, line, tag) for each in later[line.email])
        ]
        if tags:
            number = int(id_.rpartition("-")[2])
            at = datetime.fromisoformat(line.event_time).timestamp()
            effects.append(undoing(line.email, run, number, tags, at))
    return effects


def _put_on(line: Line, tag: str) -> bool:
    """Tell whether a tag was new to the person; of a call for many people, Kit does not say that."""
    told = tag_told(TagWish(tag, present=True))
    ends = {call["status"] for call in line.calls if call["what"] == told}
    return NEWLY_TAGGED in ends or any("bulk" in call["call"] for call in line.calls if call["what"] == told)


def _touches(other: Line, line: Line, tag: str) -> bool:
    return other.at > line.at and other.is_about(tag)
