"""What lint finds, and what a rule of it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from worker.accounts.file.source import YamlPath
from worker.accounts.file.syntax_errors import Spot
from worker.accounts.lint.facts import Facts


class Suspicion(NamedTuple):
    """What a check has found in a file.

    Attributes:
        path: Of what it is about; where that is not in the file, of what would hold it.
        text: What is so, and what comes of it; a sentence without its dot.
        remedy: What to do; a sentence without its dot.
    """

    path: YamlPath
    text: str
    remedy: str


Check: TypeAlias = Callable[[Facts], Iterable[Suspicion]]
Needs: TypeAlias = Literal["file", "accounts", "kit", "counts", "events"]
"""The name of the facts without which a check has nothing to look at."""


@dataclass(frozen=True, slots=True)
class LintRule:
    """One thing that is legal in an account's file and probably wrong.

    Attributes:
        id: Its name, which never changes: people turn rules off by it.
        what: What it finds, in a few words; docs/lint.md has more.
        check: Finds it.
    """

    id: str
    what: str
    check: Check
    needs: Needs = "file"


@dataclass(frozen=True, slots=True)
class LintFinding:
    """Something in an account's file that is legal and probably wrong.

    Attributes:
        rule: The rule's id.
        account: The account's name.
        path: The account's file.
        spot: Where in it.
        text: What is so, and what comes of it.
        remedy: What to do.
        about: The keys and indices in the file that lead to it; empty for a comment.
    """

    rule: str
    account: str
    path: Path
    spot: Spot
    text: str
    remedy: str
    about: YamlPath = ()

    def __str__(self) -> str:
        """Return the line that people read and editors jump to."""
        return f"{self.path}:{self.spot.line}:{self.spot.column}: {self.rule}: {self.sentence}"

    @property
    def sentence(self) -> str:
        """What is so, and what to do."""
        end = "" if self.remedy.endswith("?") else "."
        return f"{self.text}. {self.remedy[:1].upper()}{self.remedy[1:]}{end}"
