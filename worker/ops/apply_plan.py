"""What it takes to bring the people who are there under the file in force, as one can see and keep it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from worker.accounts.account import Account
from worker.consumer.newest import as_delivered
from worker.ledger.due import timers_of
from worker.ledger.newest import kept_people
from worker.ledger.person import tenure_now
from worker.ledger.plans import PlannedPerson
from worker.ledger.store import Ledger
from worker.ops.file_impact import PORTION, FileImpact, at_once
from worker.ops.person_impact import PersonImpact, impact_now
from worker.ops.stored_plan import StoredPlan, check_unchanged, load_plan, plan_hash
from worker.subscribers.identity import home_app

FORMAT: Final = "kit-worker apply plan, version 1"


@dataclass(slots=True)
class ApplyPlan:
    """What is to be done in an account.

    Attributes:
        account: Its name.
        version: Of the file under which it was made.
        people: Who would have something otherwise, by address.
        impact: The same, counted.
    """

    account: str
    version: str
    people: list[PlannedPerson] = field(default_factory=list)
    impact: FileImpact = field(default_factory=FileImpact)

    @property
    def hash(self) -> str:
        """What tells it apart from every other one; empty where there is nothing to do."""
        return plan_hash(self.account, self.version, self.people)

    def dump(self) -> bytes:
        """Return it as JSON, to be kept."""
        return msgspec.json.encode(StoredPlan(FORMAT, self.hash, self.account, self.version, self.people))

    @classmethod
    def load(cls, text: bytes) -> ApplyPlan:
        """Return the plan that `dump` wrote, without what was counted.

        Raises:
            NotAPlanError: It is none, or was changed since.
        """
        stored = load_plan(text, FORMAT, StoredPlan[PlannedPerson])
        plan = cls(stored.account, stored.version, stored.people)
        check_unchanged(stored.hash, plan.hash)
        return plan


def planned_of(email: str, impact: PersonImpact) -> PlannedPerson:
    """Return what a person would have otherwise, as a plan has it."""
    return PlannedPerson(
        email,
        gains=tuple(sorted(impact.gained.values())),
        loses=tuple(sorted(impact.lost.values())),
        fields=tuple(sorted(impact.fields)),
        due=tuple(sorted(impact.due.items())),
        due_no_more=tuple(sorted(impact.due_no_more)),
    )


async def plan_apply(
    ledger: Ledger, account: Account, counted: Callable[[int], None] = lambda _: None
) -> ApplyPlan:
    """Return what it takes to bring an account's people under the file in force; see `planned`."""
    plan = ApplyPlan(account.name, account.version)
    async for people in planned(ledger, account, plan.impact, counted):
        plan.people += people
    return plan


async def planned(
    ledger: Ledger,
    account: Account,
    impact: FileImpact,
    counted: Callable[[int], None] = lambda _: None,
    goes_on: Callable[[], Awaitable[None]] = at_once,
) -> AsyncIterator[list[PlannedPerson]]:
    """Yield who would have something otherwise, a few people at a time, by their addresses.

    Args:
        ledger: The workers'; it is only read.
        account: By the file in force.
        impact: Counts what they would have.
        counted: Is told of how many more people were looked at.
        goes_on: Returns when the next person may be looked at.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    tenure = await tenure_now(ledger.database, account.name)
    home = home_app(account.apps) if tenure is None else tenure.home_app
    last, now = "", ledger.clock.now()
    while portion := await kept_people(ledger.database, account.name, after=last, limit=PORTION):
        found = list[PlannedPerson]()
        timers = await timers_of(ledger.database, account.name, [each.record.email for each in portion])
        for record, events in portion:
            if record.is_left:
                continue  # whoever had that address is looked at under another one
            await goes_on()
            impact.people += 1
            kept = [as_delivered(account.name, message, now) for _, message in events if message]
            if not kept:
                impact.without_events += 1
                continue
            theirs = impact_now(record, kept, account, home, timers.get(record.email, ()))
            impact.count(record.email, theirs)
            if theirs.is_otherwise:
                found.append(planned_of(record.email, theirs))
        yield found
        last = portion[-1].record.email
        counted(len(portion))
