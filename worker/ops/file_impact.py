"""Whom another file would treat otherwise, of all people of an account whose events are kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, Final

from worker.accounts.account import Account
from worker.consumer.newest import as_delivered
from worker.ledger.newest import KeptPerson, kept_people
from worker.ledger.person import tenure_now
from worker.ledger.store import Ledger
from worker.ops.person_impact import Files, PersonImpact
from worker.subscribers.identity import home_app

PORTION: Final = 100
"""People who are read together; no more are in memory at once."""
EXAMPLES: Final = 10
"""People who are named, at most."""


@dataclass(frozen=True, slots=True)
class Example:
    """One person who would be treated otherwise: the tags and fields by name."""

    email: str
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    fields: tuple[str, ...]


@dataclass(slots=True)
class FileImpact:
    """What another file would do to the people of an account.

    Attributes:
        people: How many were looked at.
        otherwise: How many of them would have something otherwise.
        gained: By tag, how many would have it then, and do not now.
        lost: By tag, how many would have it no more.
        fields: By custom field, how many would have another value, or none.
        new_taggings: By tag, how many of those gained Kit does not have yet: each may start an automation.
        due: How many effects would come later, and would not now, or not just so.
        due_no_more: How many come later now, and would not any more, or not just so.
        calls: To Kit, to bring that about for all, each by itself.
        partly_known: Of those of whom the files may make something else, how many have something by an event
            that is not kept: it came before events were kept, a newer one of its kind has taken its place,
            it was too large, it came for an app that the new file does not name, or it mentioned somebody who
            was forgotten. That stays as it is.
        without_events: People of whom no event is kept: they stay as they are.
        examples: Some of those who would have something otherwise.
    """

    people: int = 0
    otherwise: int = 0
    gained: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    new_taggings: Counter[str] = field(default_factory=Counter)
    due: int = 0
    due_no_more: int = 0
    calls: int = 0
    partly_known: int = 0
    without_events: int = 0
    examples: list[Example] = field(default_factory=list)

    def as_json(self) -> Mapping[str, Any]:
        """Return it for programs."""
        counts = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**counts, "examples": [asdict(each) for each in self.examples]}

    def count(self, email: str, impact: PersonImpact) -> None:
        """Count what one person would have otherwise."""
        self.partly_known += not impact.is_wholly_known
        if not impact.is_otherwise:
            return
        self.otherwise += 1
        self.gained.update(impact.gained.values())
        self.lost.update(impact.lost.values())
        self.fields.update(impact.fields)
        self.new_taggings.update(impact.gained[key] for key in impact.new_taggings)
        self.due += len(impact.due)
        self.due_no_more += len(impact.due_no_more)
        self.calls += impact.calls
        if len(self.examples) < EXAMPLES:
            names = (
                tuple(sorted(each)) for each in (impact.gained.values(), impact.lost.values(), impact.fields)
            )
            self.examples.append(Example(email, *names))


async def at_once() -> None:
    """Go on with the next person."""


async def file_impact(
    ledger: Ledger,
    before: Account,
    after: Account,
    counted: Callable[[int], None] = lambda _: None,
    goes_on: Callable[[], Awaitable[None]] = at_once,
) -> FileImpact:
    """Return whom another file would treat otherwise.

    Args:
        ledger: The workers'; it is only read.
        before: The account, by the file in force.
        after: The same, by the other one.
        counted: Is told of how many more people were looked at.
        goes_on: Returns when the next person may be looked at.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    tenure = await tenure_now(ledger.database, before.name)
    files = Files(before, after, home_app(before.apps) if tenure is None else tenure.home_app)
    found, last, now = FileImpact(), "", ledger.clock.now()
    while portion := await kept_people(ledger.database, before.name, after=last, limit=PORTION):
        for person in portion:
            if not person.record.is_left:  # whoever had that address is looked at under another one
                _look(person, files, found, now)
                await goes_on()
        last = portion[-1].record.email
        counted(len(portion))
    return found


def _look(person: KeptPerson, files: Files, found: FileImpact, now: datetime) -> None:
    found.people += 1
    if not person.events:
        found.without_events += 1
    elif files.may_differ(kind for kind, _ in person.events):
        name = files.before.name
        kept = [as_delivered(name, message, now) for _, message in person.events if message]
        found.count(person.record.email, files.impact_on(person.record, kept))
