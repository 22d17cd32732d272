"""`kit-worker impact`: whom a changed account file would treat otherwise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from worker.accounts.account import Account
from worker.accounts.file.read import MissingSecret
from worker.accounts.load import Loaded, read_beside
from worker.commands.common import (
    AccountName,
    begin,
    collect_seldom,
    one_account,
    opened_ledger,
    read_accounts,
    run_async,
)
from worker.commands.exits import ExitCode
from worker.commands.output import AsJson, say, show, show_json, table, warn
from worker.commands.progress import progress
from worker.errors import ConfigurationError
from worker.files import read_text
from worker.ledger.taggings import count_people
from worker.ops.file_impact import FileImpact, file_impact
from worker.ops.told_impact import ToldImpact, limit_of, minutes_of, told
from worker.settings import Settings, environment


def impact(
    account: AccountName,
    new: Annotated[
        Path, typer.Option("--new", metavar="FILE", help="The account's file as it is to become.")
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Show whom a changed file would treat otherwise, of the people whose events the ledger keeps.

    Nothing is changed. Exit code: 0 nobody, 1 somebody, 2 a file or an option is wrong, 4 the ledger is away.
    """
    settings = begin()
    loaded = read_accounts(settings)
    before = one_account(loaded, account)
    after = _read(new, before, loaded)
    collect_seldom()
    found = run_async(_impact(settings, before, after, hidden=as_json))
    limit = limit_of(before, settings.kit_rate_limit)
    if as_json:
        show_json({**found.as_json(), "minutes": minutes_of(found, limit)})
    else:
        show_told(told(found, limit))
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
    if not {*_apps(draft.account)} & {*_apps(before)}:
        warn(
            f"kit-worker: {new} takes events of {_told(draft.account)}, and {before.name} has had those of "
            f"{_told(before)}: of these the file says nothing. Is it another account's?"
        )
    return draft.account


def _apps(account: Account) -> tuple[str, ...]:
    return account.apps or ("",)


def _told(account: Account) -> str:
    return ", ".join(account.apps) or "no app"


async def _impact(settings: Settings, before: Account, after: Account, *, hidden: bool) -> FileImpact:
    async with opened_ledger(settings) as ledger:
        with progress("looking at people", hidden=hidden) as steps:
            steps.expect(await count_people(ledger.database, before.name))
            return await file_impact(ledger, before, after, steps.advance)


def show_told(told: ToldImpact) -> None:
    """Print who would have what otherwise, and what it takes."""
    say(told.sentence, style="bold" if told.is_somebody else "")
    if told.is_somebody:
        say(*filter(None, (told.new, told.due, told.costs)), "")
        if told.tags:
            rows = [(each.tag, *(f"{count:,}" for count in each[1:])) for each in told.tags]
            show(table(("Tag", "Would gain it", "Of these new in Kit", "Would lose it"), rows))
        if told.fields:
            rows = [(each.field, f"{each.people:,}") for each in told.fields]
            show(table(("Field", "Would have another value, or none"), rows))
        say(*filter(None, [told.more]))
        rows = [
            (each.email, *(", ".join(names) for names in (each.gained, each.lost, each.fields)))
            for each in told.examples
        ]
        show(table(("For example", "Would gain", "Would lose", "Other values"), rows, whole=1))
    say(*told.unknown)
