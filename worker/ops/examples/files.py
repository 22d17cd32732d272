"""Runs whole files of examples, `config/tests/*.yaml`, each under the mapping of its account."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from time import monotonic
from typing import Final

from worker.accounts.account import Account
from worker.accounts.examples.example import ExampleFile
from worker.accounts.examples.read import read_examples
from worker.accounts.file.lines import rule_lines
from worker.accounts.file.read import MissingSecret
from worker.accounts.load import Loaded
from worker.errors import ConfigurationError, Problem
from worker.files import read_text
from worker.ops.examples.run import ExampleResult, run

FOLDER: Final = "tests"
NO_END: Final = float("inf")
QUICK: Final = 5.0
"""Seconds that a command takes for examples which is about something else."""


@dataclass(frozen=True, slots=True)
class FileResult:
    """What came of a file's examples.

    Attributes:
        results: In the order of the file.
        problems: What keeps them from being run: of the file, or of its account's.
        left: How many were not run, because there was no time left.
    """

    path: Path
    account: str
    results: tuple[ExampleResult, ...] = ()
    problems: tuple[Problem, ...] = ()
    left: int = 0

    @property
    def failed(self) -> int:
        """How many do not hold."""
        return sum(not each.holds for each in self.results)


def example_paths(config_dir: Path) -> list[Path]:
    """Return the files of examples; none where there is no such folder, or it cannot be read."""
    try:
        found = sorted((config_dir / FOLDER).iterdir())
    except OSError:
        return []
    return [path for path in found if path.suffix in {".yaml", ".yml"} and not path.name.startswith(".")]


def read_example_file(path: Path) -> ExampleFile:
    """Return what a file of examples says; one that cannot be read is a problem too."""
    try:
        return read_examples(read_text(path, "a file of examples"), path)
    except ConfigurationError as error:
        return ExampleFile(path, path.stem, problems=error.problems)


def results_of(files: Iterable[ExampleFile], loaded: Loaded, within: float = NO_END) -> Iterator[FileResult]:
    """Yield what comes of files of examples, each under its account's mapping.

    Args:
        files: The files.
        loaded: All accounts; one that only lacks its secret is as good as any.
        within: Seconds; when they are over, no more is begun, nor read.
    """
    ends_at = monotonic() + within
    for file in files:
        if monotonic() >= ends_at:
            return
        account = loaded.accounts.get(file.account)
        if file.problems or account is None:
            problems = file.problems or _no_account(file, loaded)
            yield FileResult(file.path, file.account, problems=problems)
            continue
        try:
            text = read_text(account.path, "an account file")
        except ConfigurationError as error:
            yield FileResult(file.path, file.account, problems=error.problems)
            continue
        yield results_in(file, account, text, ends_at)


def examples_told(config_dir: Path, loaded: Loaded) -> dict[str, str]:
    """Return of each account that has examples how many hold, as a sentence; no more than is quick."""
    found = defaultdict[str, list[FileResult]](list)
    for each in results_of(map(read_example_file, example_paths(config_dir)), loaded, QUICK):
        found[each.account].append(each)
    return {name: _told(results) for name, results in found.items()}


def _told(results: Sequence[FileResult]) -> str:
    hold = sum(len(each.results) - each.failed for each in results)
    failed, left = sum(each.failed for each in results), sum(each.left for each in results)
    wrong = sum(bool(each.problems) for each in results)
    told = [f"{hold} hold"]
    told += [f"{failed} {'does' if failed == 1 else 'do'} not"] if failed else []
    told += [f"{wrong} of their files cannot be read"] if wrong else []
    told += [f"{left} were not run, to save time"] if left else []
    return (
        told[0]
        if len(told) == 1
        else f"{', '.join(told)}; see kit-worker test --account {results[0].account}"
    )


def results_in(file: ExampleFile, account: Account, text: str, ends_at: float = NO_END) -> FileResult:
    """Return what comes of a file's examples under the mapping of an account.

    Args:
        file: The examples.
        account: By its file.
        text: Of that file.
        ends_at: By `time.monotonic`: when no more is begun.
    """
    lines = {place: f"{account.path}:{line}" for place, line in rule_lines(text).items()}
    results: list[ExampleResult] = []
    for example in file.examples:
        if monotonic() >= ends_at:
            break
        results.append(run(example, account, lines))
    left = len(file.examples) - len(results)
    return FileResult(file.path, account.name, tuple(results), file.problems, left)


def _no_account(file: ExampleFile, loaded: Loaded) -> tuple[Problem, ...]:
    if file.account in loaded.names or not loaded.names:
        found = loaded.problems_of(file.account)
        return tuple(each for each in found if not isinstance(each, MissingSecret))
    near = get_close_matches(file.account, loaded.names, n=1)
    meant = f"did you mean {near[0]}?" if near else f"there is {', '.join(loaded.names)}."
    at = f"{file.path}:{file.account_spot.line}:{file.account_spot.column}"
    said = f"there is no account {file.account}; {meant} Say which one: account: {loaded.names[0]}"
    return (Problem(at, f"account: {said}"),)
