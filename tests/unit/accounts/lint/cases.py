"""Account files that trip a rule of lint, each beside one that nearly does."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from tests.unit.accounts.harness import KIT, parse
from worker.accounts.lint.facts import AccountText, AllAccounts, Facts
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


def findings(text: str, *others: str) -> list[LintFinding]:
    """Return what lint finds in a file, beside those of other accounts."""
    whole = KIT + text
    account = parse(whole)
    beside = [replace(parse(KIT + other), name=f"other{at}") for at, other in enumerate(others)]
    return lint(Facts(AccountText(account, whole), AllAccounts([*beside, account])))


def places(text: str, *others: str) -> list[tuple[str, int]]:
    """Return the rule and the line of each finding; the text's own lines count from 1."""
    return [(each.rule, each.spot.line - 1) for each in findings(text, *others)]
