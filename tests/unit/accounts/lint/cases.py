"""Account files that trip a rule of lint, each beside one that nearly does."""

from __future__ import annotations

from typing import NamedTuple

from tests.unit.accounts.harness import KIT, parse
from worker.accounts.account import Account
from worker.accounts.lint.facts import AccountText, Facts
from worker.accounts.lint.finding import LintFinding
from worker.accounts.lint.lint import lint

HERE = "# here"
"""Behind each line in which a file trips the rule."""


class Case(NamedTuple):
    """What trips a rule, by its id, and what nearly does; `kit` stands in neither."""

    rule: str
    trips: str
    nearly: str

    @property
    def marked(self) -> list[int]:
        """The lines in which the first one trips the rule."""
        lines = self.trips.splitlines()
        return [number for number, line in enumerate(lines, 1) if line.endswith(HERE)]

    @property
    def found(self) -> list[int]:
        """The lines in which the rule finds something there."""
        return [line for rule, line in places(self.trips) if rule == self.rule]


def findings(text: str, accounts: tuple[Account, ...] | None = None) -> list[LintFinding]:
    """Return what lint finds in a file."""
    whole = KIT + text
    return lint(Facts(AccountText(parse(whole), whole), accounts))


def places(text: str) -> list[tuple[str, int]]:
    """Return the rule and the line of each finding; the text's own lines count from 1."""
    return [(each.rule, each.spot.line - 1) for each in findings(text)]
