"""`kit-worker test`: an admin's own examples, from `config/tests/*.yaml`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from worker.accounts.load import load_accounts
from worker.commands.common import begin, unknown_account
from worker.commands.exits import ExitCode, UsageError
from worker.commands.output import AsJson, say, show_json
from worker.errors import ConfigurationError, Problem
from worker.ops.examples.files import FileResult, example_paths, read_example_file, results_of
from worker.ops.examples.run import ExampleResult, Look
from worker.settings import environment


def test(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE…]", help="Default: all of config/tests/*.yaml.")
    ] = None,  # noqa: PT028  # a command, and no test
    account: Annotated[str | None, typer.Option(help="Only those of this account.")] = None,  # noqa: PT028
    as_json: AsJson = False,  # noqa: PT028
) -> None:
    """Run your own examples: what happens to somebody, and what they then have. Asks nobody.

    Exit code: 0 all hold, 1 some do not, 2 a file is wrong.
    """
    config_dir = begin().config_dir
    loaded = load_accounts(config_dir, environment())
    if account is not None and account not in loaded.names:
        raise unknown_account(account, loaded.names)
    paths = files or example_paths(config_dir)
    if not paths:
        raise UsageError(f"there are no examples: {config_dir / 'tests'} holds no file; see docs/testing.md")
    read = map(read_example_file, paths)
    chosen = [each for each in read if account in (None, each.account)]
    results = list(results_of(chosen, loaded))
    if as_json:
        show_json(_as_json(results))
    else:
        _show(results)
    if problems := _problems(results):
        raise ConfigurationError(problems)
    raise typer.Exit(ExitCode.SOMETHING if any(each.failed for each in results) else ExitCode.OK)


def _problems(results: Sequence[FileResult]) -> list[Problem]:
    return list(dict.fromkeys(problem for each in results for problem in each.problems))


# -- for people --------------------------------------------------------------------------------------------


def _show(results: Sequence[FileResult]) -> None:
    for file in results:
        for each in file.results:
            say(f"{file.path}:{each.line}: {'ok' if each.holds else 'FAILED'}: {each.name}")
            _show_looks(file, each)
    say("", summary(results))


def _show_looks(file: FileResult, result: ExampleResult) -> None:
    for look in result.looks:
        say(f"  {file.path}:{look.line}: {_of(look)}")
        for each in look.differences:
            say(f"    {each.sign} {each.what}{f' ({each.why})' if each.why else ''}")
    if not result.holds:
        say(*(f"    {each}" for each in result.events))


def _of(look: Look) -> str:
    return f"at {look.at}, {look.email}: - is to be so, + is so"


def summary(results: Sequence[FileResult]) -> str:
    """Return how many examples were run and how many do not hold, as one line."""
    count, failed = sum(len(each.results) for each in results), sum(each.failed for each in results)
    return f"{count} test{'' if count == 1 else 's'}, {failed} failed"


# -- for programs ------------------------------------------------------------------------------------------


def _as_json(results: Sequence[FileResult]) -> dict[str, Any]:
    return {
        "tests": [_result_as_json(file, each) for file in results for each in file.results],
        "problems": [str(problem) for problem in _problems(results)],
    }


def _result_as_json(file: FileResult, result: ExampleResult) -> dict[str, Any]:
    return {
        "file": str(file.path),
        "line": result.line,
        "account": file.account,
        "name": result.name,
        "holds": result.holds,
        "looks": [
            {
                "at": look.at,
                "person": look.email,
                "line": look.line,
                "missing": _lines(look, "-"),
                "unexpected": _lines(look, "+"),
            }
            for look in result.looks
        ],
        "events": list(result.events),
    }


def _lines(look: Look, sign: str) -> list[dict[str, str]]:
    return [{"what": each.what, "why": each.why} for each in look.differences if each.sign == sign]
