"""`kit-worker lint`: what is legal in account files and probably wrong."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from worker.accounts.file.read import MissingSecret
from worker.accounts.lint.facts import AccountText, AllAccounts, Facts
from worker.accounts.lint.finding import LintFinding
from worker.accounts.lint.lint import lint as lint_of
from worker.accounts.load import Loaded, load_accounts
from worker.commands.common import begin, unknown_account
from worker.commands.exits import ExitCode
from worker.commands.lint_sarif import sarif
from worker.commands.output import AsJson, say, show_json
from worker.errors import ConfigurationError, Problem
from worker.files import read_text
from worker.settings import environment


class LintFormat(StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


def lint(
    account: Annotated[
        str | None, typer.Argument(metavar="[ACCOUNT]", help="This one only. Default: all.")
    ] = None,
    format_: Annotated[
        LintFormat,
        typer.Option("--format", help="For people, for programs, or for code scanning (SARIF 2.1.0)."),
    ] = LintFormat.TEXT,
    as_json: AsJson = False,
) -> None:
    """Show what is legal in account files and probably wrong, and what to do. Asks nobody."""
    loaded = load_accounts(begin().config_dir, environment())
    if account is not None and account not in loaded.names:
        raise unknown_account(account, loaded.names)
    findings = _findings(loaded, account)
    problems = _problems(loaded, account)
    if as_json or format_ is LintFormat.JSON:
        show_json({"findings": [_as_json(each) for each in findings], "problems": [*map(str, problems)]})
    elif format_ is LintFormat.SARIF:
        show_json(sarif(findings, problems))
    elif findings:
        _show(findings)
    elif not problems:
        say("Nothing found.")
    if problems:
        raise ConfigurationError(problems)
    raise typer.Exit(ExitCode.SOMETHING if findings else ExitCode.OK)


def _findings(loaded: Loaded, only: str | None) -> list[LintFinding]:
    accounts = AllAccounts(loaded.accounts.values())
    return [
        finding
        for name, account in sorted(loaded.accounts.items())
        if only in (None, name)
        for finding in lint_of(
            Facts(AccountText(account, read_text(account.path, "an account file")), accounts)
        )
    ]


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
