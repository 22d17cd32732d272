"""Holds account files against the rules of lint: by themselves, beside what Kit has, and beside what came."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from worker.accounts.account import Account
from worker.accounts.lint.at_kit import AtKit
from worker.accounts.lint.by_kit import NO_COUNTS
from worker.accounts.lint.facts import AccountText, AllAccounts, Facts
from worker.accounts.lint.finding import LintFinding
from worker.accounts.lint.last_events import FEWEST, LastEvents
from worker.accounts.lint.lint import lint
from worker.accounts.load import Loaded
from worker.clock import Clock
from worker.errors import KitWorkerError
from worker.files import read_text
from worker.kit.access import KitAccess
from worker.ledger.database import Database
from worker.ledger.store import Ledger
from worker.ops.came import last_events
from worker.ops.lint_kit import look_at_kit
from worker.settings import Settings

WHAT_EVENTS_TELL: Final = (
    "Of events, the history has types, calls, and values that went to custom fields. A queue gets mapped "
    "types only: others are seen where they were mapped before, or came by an old binding."
)
"""What nobody can know from the ledger."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What is known beside the files, by account.

    Attributes:
        kit: What Kit has.
        events: Which came last.
        errors: Why Kit could not be asked.
    """

    kit: Mapping[str, AtKit] = field(default_factory=dict)
    events: Mapping[str, LastEvents] = field(default_factory=dict)
    errors: Mapping[str, KitWorkerError] = field(default_factory=dict)

    @property
    def notes(self) -> list[str]:
        """What was left out, and what nobody can know, in sentences."""
        found = [
            f"{name}: this Kit does not say how many people have a tag, so {NO_COUNTS} was left out."
            for name, kit in self.kit.items()
            if not kit.has_counts
        ]
        found += [
            f"{name}: the history has {len(events.came)} events; event-never-came needs {FEWEST}."
            for name, events in self.events.items()
            if not events.is_enough
        ]
        return [*found, *([WHAT_EVENTS_TELL] if self.events else [])]


def linted(loaded: Loaded, accounts: Iterable[Account], beside: Beside) -> list[LintFinding]:
    """Return what is legal and probably wrong in some accounts' files.

    Args:
        loaded: With all accounts, which are held against each other.
        accounts: Those to look at; their findings come in the same order.
        beside: What is known beside the files.

    Raises:
        ConfigurationError: A file cannot be read any more.
    """
    together = AllAccounts(loaded.accounts.values())
    found = list[LintFinding]()
    for each in accounts:
        text = AccountText(each, read_text(each.path, "an account file"))
        found += lint(Facts(text, together, beside.kit.get(each.name), beside.events.get(each.name)))
    return found


async def events_of(database: Database, accounts: Iterable[Account], count: int) -> dict[str, LastEvents]:
    """Return the events that came last, so many at most of each account.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    return {each.name: await last_events(database, each, count) for each in accounts}


async def with_kit(settings: Settings, accounts: Sequence[Account], beside: Beside) -> Beside:
    """Return the same, with what each account's Kit has; whatever fails is in `errors`."""
    clock = Clock()
    database = Database(settings.ledger_url.get_secret_value())
    async with Ledger(database, worker="kit-worker lint", clock=clock) as ledger:
        access = KitAccess(settings, ledger)
        looks = (_look(settings, each, access, clock) for each in accounts)
        found = dict(zip((each.name for each in accounts), await asyncio.gather(*looks), strict=True))
    kit = {name: each for name, each in found.items() if isinstance(each, AtKit)}
    errors = {name: each for name, each in found.items() if isinstance(each, KitWorkerError)}
    return replace(beside, kit=kit, errors=errors)


async def _look(
    settings: Settings, account: Account, access: KitAccess, clock: Clock
) -> AtKit | KitWorkerError:
    try:
        return await look_at_kit(settings, account, access, clock)
    except KitWorkerError as error:
        return error
