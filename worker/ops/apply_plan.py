"""What it takes to bring the people who are there under the file in force, as one can see and keep it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from worker.accounts.account import Account
from worker.consumer.newest import as_delivered
from worker.ledger.newest import kept_people
from worker.ledger.person import tenure_now
from worker.ledger.store import Ledger
from worker.ops.file_impact import PORTION, FileImpact
from worker.ops.person_impact import PersonImpact, impact_now
from worker.subscribers.identity import home_app

FORMAT: Final = "kit-worker apply plan, version 1"


class NotAPlanError(ValueError):
    """It is no plan, or not as it was made; the text says why."""


class PlannedPerson(msgspec.Struct, frozen=True, array_like=True):
    """What one person would gain and lose: tags and custom fields by their names."""

    email: str
    gains: tuple[str, ...]
    loses: tuple[str, ...]
    fields: tuple[str, ...]


class _StoredPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    hash: str
    account: str
    version: str
    people: list[PlannedPerson]


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
        if not self.people:
            return ""
        told = msgspec.json.encode([self.account, self.version, self.people])
        return hashlib.sha256(told).hexdigest()[:16]

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

    def add(self, email: str, impact: PersonImpact) -> None:
        """Add what one person would have otherwise, if that is anything."""
        self.impact.count(email, impact)
        if impact.is_otherwise:
            names = (
                tuple(sorted(each)) for each in (impact.gained.values(), impact.lost.values(), impact.fields)
            )
            self.people.append(PlannedPerson(email, *names))


async def plan_apply(
    ledger: Ledger, account: Account, counted: Callable[[int], None] = lambda _: None
) -> ApplyPlan:
    """Return what it takes to bring an account's people under the file in force.

    Args:
        ledger: The workers'; it is only read.
        account: By the file in force.
        counted: Is told of how many more people were looked at.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    tenure = await tenure_now(ledger.database, account.name)
    home = home_app(account.apps) if tenure is None else tenure.home_app
    plan, last, now = ApplyPlan(account.name, account.version), "", ledger.clock.now()
    while portion := await kept_people(ledger.database, account.name, after=last, limit=PORTION):
        for record, events in portion:
            if record.is_left:
                continue  # whoever had that address is looked at under another one
            plan.impact.people += 1
            kept = [as_delivered(account.name, message, now) for _, message in events if message]
            if kept:
                plan.add(record.email, impact_now(record, kept, account, home))
            else:
                plan.impact.without_events += 1
        last = portion[-1].record.email
        counted(len(portion))
    return plan
