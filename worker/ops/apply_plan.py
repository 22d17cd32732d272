"""What it takes to bring the people who are there under the file in force, as one can see and keep it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from worker.accounts.account import Account
from worker.consumer.newest import as_delivered
from worker.ledger.newest import kept_people
from worker.ledger.person import tenure_now
from worker.ledger.plans import PlannedPerson
from worker.ledger.store import Ledger
from worker.ops.file_impact import PORTION, FileImpact, at_once
from worker.ops.person_impact import impact_now
from worker.subscribers.identity import home_app

FORMAT: Final = "kit-worker apply plan, version 1"


class NotAPlanError(ValueError):
    """It is no plan, or not as it was made; the text says why."""


class _StoredPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    hash: str
    account: str
    version: str
    people: list[PlannedPerson]


class PlanHash:
    """Makes the hash of a plan, person by person."""

    def __init__(self, account: str, version: str) -> None:
        self._made = hashlib.sha256(msgspec.json.encode([account, version]))
        self._is_empty = True

    def add(self, people: Sequence[PlannedPerson]) -> None:
        """Let these be the next people of the plan."""
        for person in people:
            self._made.update(msgspec.json.encode(person))
            self._is_empty = False

    @property
    def value(self) -> str:
        """The hash; empty where there is nobody in the plan."""
        return "" if self._is_empty else self._made.hexdigest()[:16]


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
        made = PlanHash(self.account, self.version)
        made.add(self.people)
        return made.value

    def dump(self) -> bytes:
        """Return it as JSON, to be kept."""
        return msgspec.json.encode(_StoredPlan(FORMAT, self.hash, self.account, self.version, self.people))

    @classmethod
    def load(cls, text: bytes) -> ApplyPlan:
        """Return the plan that `dump` wrote, without what was counted.

        Raises:
            NotAPlanError: It is none, or was changed since.
        """
        try:
            stored = msgspec.json.decode(text, type=_StoredPlan)
        except msgspec.MsgspecError as error:
            raise NotAPlanError(f"this is no plan of kit-worker apply: {error}") from error
        plan = cls(stored.account, stored.version, stored.people)
        if stored.format != FORMAT or stored.hash != plan.hash:
            raise NotAPlanError("the plan was changed since it was made; make it anew")
        return plan


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
        for record, events in portion:
            if record.is_left:
                continue  # whoever had that address is looked at under another one
            await goes_on()
            impact.people += 1
            kept = [as_delivered(account.name, message, now) for _, message in events if message]
            if not kept:
                impact.without_events += 1
                continue
            theirs = impact_now(record, kept, account, home)
            impact.count(record.email, theirs)
            if theirs.is_otherwise:
                names = (theirs.gained.values(), theirs.lost.values(), theirs.fields)
                found.append(PlannedPerson(record.email, *(tuple(sorted(each)) for each in names)))
        yield found
        last = portion[-1].record.email
        counted(len(portion))
