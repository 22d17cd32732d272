"""`kit-worker impact`: whom a changed account file would treat otherwise."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from worker.accounts.account import Account
from worker.accounts.file.read import MissingSecret
from worker.accounts.load import Loaded, read_beside
from worker.commands.common import AccountName, begin, one_account, opened_ledger, read_accounts, run_async
from worker.commands.exits import ExitCode
from worker.commands.output import AsJson, say, show, show_json, table
from worker.commands.progress import progress
from worker.errors import ConfigurationError
from worker.files import read_text
from worker.kit.credentials import API_KEY_LIMIT
from worker.ledger.newest import count_people
from worker.ops.file_impact import FileImpact, file_impact
from worker.settings import Settings, environment

OF_PEOPLE_THERE: Final = (
    "This is of those who are there already: a saved file alone changes nothing for them before their next "
    "event. To bring them under it once it is saved: kit-worker apply."
)
MOST_TOLD: Final = 50
"""Tags and fields that are told one by one."""


def impact(
    account: AccountName,
    new: Annotated[
        Path, typer.Option("--new", metavar="FILE", help="The account's file as it is to become.")
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Show whom a changed file would treat otherwise, of the people whose events the ledger keeps.

    Nothing is changed. Exit code: 0 nobody, 1 somebody.
    """
    settings = begin()
    loaded = read_accounts(settings)
    before = one_account(loaded, account)
    after = _read(new, before, loaded)
    found = run_async(_impact(settings, before, after, hidden=as_json))
    limit = settings.kit_rate_limit or (before.credential.limit if before.credential else API_KEY_LIMIT)
    if as_json:
        show_json({**found.as_json(), "minutes": minutes_of(found, limit)})
    else:
        show_people(found, limit)
        say(OF_PEOPLE_THERE)
    raise typer.Exit(ExitCode.SOMETHING if found.otherwise else ExitCode.OK)


def _read(new: Path, before: Account, loaded: Loaded) -> Account:
    """Return the account by its new file, which is checked as if it were in its place."""
    draft = read_beside(
        read_text(new, "an account file"), before.path, environment(), loaded.accounts.values()
    )
    problems = [
        replace(problem, where=problem.where.replace(str(before.path), str(new)))
        for problem in draft.problems
        if not isinstance(problem, MissingSecret)
    ]
    if problems or draft.account is None:
        raise ConfigurationError(problems)
    return draft.account


async def _impact(settings: Settings, before: Account, after: Account, *, hidden: bool) -> FileImpact:
    async with opened_ledger(settings) as ledger:
        with progress("looking at people", hidden=hidden) as steps:
            steps.expect(await count_people(ledger.database, before.name))
            return await file_impact(ledger, before, after, steps.advance)


def minutes_of(found: FileImpact, limit: int) -> float:
    """Return how long the calls take at Kit's limit, in minutes."""
    return round(found.calls / limit, 1)


def show_people(found: FileImpact, limit: int) -> None:
    """Print who would have what otherwise, and what it takes.

    Args:
        found: Who.
        limit: Calls that Kit allows the account within a minute.
    """
    of = f"{found.people:,} people"
    if not found.otherwise:
        say(f"Nobody would be treated otherwise, of {of}.")
    else:
        new = sum(found.new_taggings.values())
        say(f"{found.otherwise:,} of {of} would be treated otherwise.", style="bold")
        say(
            f"New taggings, each of which may start an automation and send mail: {new:,}.",
            f"To bring it about: {found.calls:,} calls to Kit, {minutes_of(found, limit):,} minutes at its "
            f"limit of {limit} a minute (with OAuth fewer calls).",
            "",
        )
        _show_counts(found)
        rows = [
            (each.email, *(", ".join(names) for names in (each.gained, each.lost, each.fields)))
            for each in found.examples
        ]
        show(table(("For example", "Would gain", "Would lose", "Other values"), rows, whole=1))
    _show_unknown(found)


def _show_counts(found: FileImpact) -> None:
    tags = sorted({*found.gained, *found.lost}, key=lambda tag: -(found.gained[tag] + found.lost[tag]))
    rows = [
        (tag, *(f"{counts[tag]:,}" for counts in (found.gained, found.new_taggings, found.lost)))
        for tag in tags[:MOST_TOLD]
    ]
    if rows:
        show(table(("Tag", "Would gain it", "Of these new in Kit", "Would lose it"), rows))
    if found.fields:
        most = Counter(found.fields).most_common(MOST_TOLD)
        show(
            table(
                ("Field", "Would have another value, or none"), [(name, f"{count:,}") for name, count in most]
            )
        )


def _show_unknown(found: FileImpact) -> None:
    if found.partly_known:
        say(
            f"Of {found.partly_known:,} people not all is known: they have something by an event that the "
            "ledger does not keep, because it came before events were kept, a newer one of its kind has "
            "taken its place, or it was too large. That stays as it is."
        )
    if found.without_events:
        say(f"Of {found.without_events:,} people no event is kept; they stay as they are.")
