"""`kit-worker lint`: what is legal in account files and probably wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any, NoReturn

import typer

from worker.accounts.account import Account
from worker.accounts.file.read import MissingSecret
from worker.accounts.lint.finding import LintFinding
from worker.accounts.load import Loaded, load_accounts
from worker.commands.common import begin, opened_ledger, run_async, unknown_account
from worker.commands.exits import ExitCode, UsageError, exit_code
from worker.commands.lint_sarif import sarif
from worker.commands.output import AsJson, say, show_json, warn
from worker.commands.progress import progress
from worker.errors import ConfigurationError, KitWorkerError, Problem
from worker.ops.linting import Beside, events_of, linted, with_kit
from worker.settings import Settings, environment


class LintFormat(StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


def lint(
    account: Annotated[
        str | None, typer.Argument(metavar="[ACCOUNT]", help="This one only. Default: all.")
    ] = None,
    *,
    live: Annotated[
        bool, typer.Option("--live", help="Also by what Kit has now: ask it, by a few calls that only read.")
    ] = False,
    events: Annotated[
        int, typer.Option(min=0, metavar="N", help="Also by the last N events in the ledger, such as 500.")
    ] = 0,
    format_: Annotated[
        LintFormat,
        typer.Option("--format", help="For people, for programs, or for code scanning (SARIF 2.1.0)."),
    ] = LintFormat.TEXT,
    as_json: AsJson = False,
) -> None:
    """Show what is legal in account files and probably wrong, and what to do. By itself it asks nobody.

    Exit code: 0 nothing, 1 something, 2 a file or an option is wrong, 3 Kit refuses the key, 4 it is away.
    """
    if as_json and format_ is LintFormat.SARIF:
        raise UsageError("--json is --format json, and --format sarif another one; say one")
    settings = begin()
    loaded = load_accounts(settings.config_dir, environment())
    if account is not None and account not in loaded.names:
        raise unknown_account(account, loaded.names)
    chosen = [each for name, each in sorted(loaded.accounts.items()) if account in (None, name)]
    format_ = LintFormat.JSON if as_json else format_
    beside = Beside()
    if live or events:
        with progress("asking Kit and the ledger", hidden=format_ is not LintFormat.TEXT):
            beside = run_async(_asked(settings, chosen, live=live, events=events))
    findings = linted(loaded, chosen, beside)
    problems = _problems(loaded, account)
    _print(findings, problems, beside, format_)
    if problems:
        raise ConfigurationError(problems)
    if beside.errors:
        _refuse(beside.errors)
    raise typer.Exit(ExitCode.SOMETHING if findings else ExitCode.OK)


def _refuse(errors: Mapping[str, KitWorkerError]) -> NoReturn:
    """Say for which accounts Kit could not be asked, and why; the first one decides the exit code."""
    for name, error in errors.items():
        warn(f"kit-worker: {name}: {error}")
    raise typer.Exit(exit_code(next(iter(errors.values()))))


def _print(findings: list[LintFinding], problems: list[Problem], beside: Beside, format_: LintFormat) -> None:
    wrong = [*map(str, problems), *(f"{name}: {error}" for name, error in beside.errors.items())]
    if format_ is LintFormat.JSON:
        show_json({"findings": [*map(_as_json, findings)], "problems": wrong, "notes": beside.notes})
    elif format_ is LintFormat.SARIF:
        show_json(sarif(findings, wrong))
    elif findings:
        _show(findings)
    elif not problems and not beside.errors:
        say("Nothing found.")
    if format_ is LintFormat.TEXT and beside.notes:
        say("", *beside.notes)


async def _asked(settings: Settings, accounts: Sequence[Account], *, live: bool, events: int) -> Beside:
    beside = Beside()
    if events:
        async with opened_ledger(settings) as ledger:
            beside = replace(beside, events=await events_of(ledger.database, accounts, events))
    return await with_kit(settings, accounts, beside) if live else beside


def _problems(loaded: Loaded, only: str | None) -> list[Problem]:
    """Return what keeps files from being read; a secret that is not there is no fault of the file."""
    found = loaded.problems if only is None else loaded.problems_of(only)
    return [problem for problem in found if not isinstance(problem, MissingSecret)]


def _as_json(finding: LintFinding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "account": finding.account,
        "file": str(finding.path),
        "line": finding.spot.line,
        "column": finding.spot.column,
        "text": finding.text,
        "remedy": finding.remedy,
    }


def _show(findings: Sequence[LintFinding]) -> None:
    for at, finding in enumerate(findings):
        if at and finding.account != findings[at - 1].account:
            say("")
        say(str(finding))
    names = sorted({finding.account for finding in findings})
    count = "1 finding" if len(findings) == 1 else f"{len(findings)} findings"
    where = names[0] if len(names) == 1 else f"{len(names)} accounts"
    say("", f"{count} in {where}. docs/lint.md says more of each rule.")
