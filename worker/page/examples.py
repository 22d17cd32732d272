"""An account's own examples on the page: run while somebody waits, so as much as is quick."""

from __future__ import annotations

import asyncio
import re
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import Final, NamedTuple, TypeAlias

from worker.accounts.account import Account
from worker.accounts.examples.example import ExampleFile
from worker.accounts.saving import read_exactly
from worker.errors import CannotSave, ConfigurationError
from worker.files import read_text
from worker.ops.examples.files import FileResult, example_paths, read_example_file, results_in

MOST_FILES: Final = 2_000
"""Files whose account is looked at."""
MOST_BYTES: Final = 32 * 1024
"""Of an account's files together: some 80 tests. More are run by `kit-worker test` alone."""
WITHIN: Final = 0.05
"""Seconds for all tests of one account."""
KEPT: Final = 64
"""Files that are kept as they were read."""
_Place: TypeAlias = tuple[Path, int, int]
_ACCOUNT: Final = re.compile(r"^account:[ \t]*[\"']?([\w-]+)", re.MULTILINE)


class ExampleResults(NamedTuple):
    """What came of an account's examples.

    Attributes:
        files: Each file's.
        too_large: The names of those that were not read, because all together are too large for the page.
    """

    files: tuple[FileResult, ...] = ()
    too_large: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What people are told, for a file that is not in force yet; empty where there are no examples."""
        if not self.files and not self.too_large:
            return ""
        count = sum(len(each.results) for each in self.files)
        failed = sum(each.failed for each in self.files)
        left = sum(each.left for each in self.files) or self.too_large
        wrong = sum(bool(each.problems) for each in self.files)
        told = [f"{count - failed} hold", *([f"{failed} would fail"] if failed else [])]
        told += [f"{wrong} of their files cannot be read"] if wrong else []
        told += ["more take too long for the page: kit-worker test runs all"] if left else []
        return f"Your tests: {', '.join(told)}."


class AccountExamples:
    """Reads the files of examples, each once for each of its versions.

    Args:
        config_dir: The configuration folder.
    """

    def __init__(self, config_dir: Path) -> None:
        self._dir = config_dir
        self._whose: dict[_Place, str] = {}
        self._read: dict[_Place, ExampleFile] = {}

    async def of(self, account: Account, text: str | None = None) -> ExampleResults:
        """Return what comes of an account's examples.

        Args:
            account: As it is, or is to be.
            text: Of its file; None for what is there.
        """
        return await asyncio.to_thread(self._of, account, text)

    def _of(self, account: Account, text: str | None) -> ExampleResults:
        files, too_large, room = list[ExampleFile](), list[str](), MOST_BYTES
        for place in self._places(account.name):
            room -= place[2]
            if room < 0:
                too_large.append(place[0].name)
            else:
                files.append(self._file(place))
        if text is None:
            text = _text_of(account.path)
        ends_at = monotonic() + WITHIN
        return ExampleResults(
            tuple(results_in(each, account, text, ends_at) for each in files), tuple(too_large)
        )

    def _places(self, name: str) -> list[_Place]:
        """Return the files of an account, each with the time of its last change, and its size."""
        seen = dict[_Place, str]()
        for path in islice(example_paths(self._dir), MOST_FILES):
            try:
                stat = path.stat()
                place = (path, stat.st_mtime_ns, stat.st_size)
                seen[place] = self._whose.get(place) or _whose(path)
            except (OSError, ConfigurationError):
                continue  # the command says why
        self._whose = seen
        return [place for place, whose in seen.items() if whose == name]

    def _file(self, place: _Place) -> ExampleFile:
        file = self._read.get(place) or read_example_file(place[0])
        # A few threads may be here at once: each has what it has read.
        self._read = {**dict(islice(self._read.items(), KEPT)), place: file}
        return file


def _whose(path: Path) -> str:
    """Return whose examples are in a file, as far as its beginning tells."""
    found = _ACCOUNT.search(read_text(path, "a file of examples"))
    return found[1] if found else path.stem


def _text_of(path: Path) -> str:
    try:
        return read_exactly(path)
    except CannotSave:
        return ""
