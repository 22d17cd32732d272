"""Account files that trip a rule of lint, each beside one that nearly does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from tests.unit.accounts.harness import KIT, parse
from worker.accounts.file.field_checks import DEFAULT_FIELDS
from worker.accounts.impact import Came
from worker.accounts.lint.at_kit import AtKit, FieldAtKit, TagAtKit
from worker.accounts.lint.facts import AccountText, AllAccounts, Facts
from worker.accounts.lint.finding import LintFinding
from worker.accounts.lint.last_events import FEWEST, LastEvents
from worker.accounts.lint.lint import lint
from worker.subscribers.known import KitName

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


def findings(
    text: str, *others: str, kit: AtKit | None = None, events: LastEvents | None = None
) -> list[LintFinding]:
    """Return what lint finds in a file: beside those of other accounts, what Kit has, and what came."""
    whole = KIT + text
    account = parse(whole)
    beside = [replace(parse(KIT + other), name=f"other{at}") for at, other in enumerate(others)]
    return lint(Facts(AccountText(account, whole), AllAccounts([*beside, account]), kit, events))


def places(
    text: str, *others: str, kit: AtKit | None = None, events: LastEvents | None = None
) -> list[tuple[str, int]]:
    """Return the rule and the line of each finding; the text's own lines count from 1."""
    return [(each.rule, each.spot.line - 1) for each in findings(text, *others, kit=kit, events=events)]


def at_kit(*tags: str | tuple[str, int], fields: Iterable[str] = (), meant: Iterable[KitName] = ()) -> AtKit:
    """Return a Kit account with these tags, each of them somebody's unless a number says of how many.

    It has the tags and custom fields of the defaults, too.
    """
    counted = [(tag, 1) if isinstance(tag, str) else tag for tag in (*tags, "Active Member", "Cancelled")]
    labels = (*fields, *DEFAULT_FIELDS.values())
    return AtKit(
        tuple(TagAtKit(at, name, people) for at, (name, people) in enumerate(counted, 1)),
        tuple(FieldAtKit(at, label.lower().replace(" ", "_"), label) for at, label in enumerate(labels, 1)),
        tuple(meant),
    )


def last_events(*came: Came, others: int = FEWEST, kinds: Iterable[str] = ()) -> LastEvents:
    """Return these as the events that came last, under the file as it is, beside other sign-ups."""
    signed_up = [Came("user.signed_up", "applied")] * others
    all_ = (*came, *signed_up)
    return LastEvents(all_, all_, frozenset({*kinds, *(each.kind for each in all_)}))


def paid(count: int = 1, rules: Iterable[int] = (), **values: str) -> list[Came]:
    """Return so many events of `order.paid`, with the rules that led to calls, and what was sent to Kit."""
    return [Came("order.paid", "applied", frozenset(rules), values)] * count
