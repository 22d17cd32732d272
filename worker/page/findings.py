"""What lint finds in an account's file, as the page shows it, and what a change adds and removes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from worker.accounts.account import Account
from worker.accounts.file.source import YamlPath
from worker.accounts.lint.facts import AccountText, Facts
from worker.accounts.lint.finding import LintFinding
from worker.accounts.lint.lint import lint
from worker.outside.texts import line
from worker.page.addresses import view_of

LONGEST_LINE: Final = 200
"""Characters of a line that people still read."""
_WORD: Final = re.compile(r"[a-z]+,? ")
_NUMBERED: Final = re.compile(r"\b(lines?|rules?) \d+")


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One finding.

    Attributes:
        rule: The rule's id.
        number: Of the line of the file.
        text: That line.
        said: What is so, in a sentence.
        remedy: What to do, in a sentence.
        what: What is to be changed, such as an event type.
        place: The address of the form for it.
    """

    rule: str
    number: int
    text: str
    said: str
    remedy: str
    what: str
    place: str


@dataclass(frozen=True, slots=True)
class FindingChanges:
    """What a change of a file adds to the findings, and what it removes from them."""

    added: tuple[FindingRow, ...]
    removed: tuple[FindingRow, ...]


def rows(facts: Facts) -> list[FindingRow]:
    """Return what lint finds, in the order of the file's lines; it may take its time, for a large file."""
    lines = facts.file.text.splitlines()
    return [_row(each, lines) for each in lint(facts)]


def _row(finding: LintFinding, lines: Sequence[str]) -> FindingRow:
    number = finding.spot.line
    text = line(lines[number - 1].strip(), LONGEST_LINE, addresses=False) if number <= len(lines) else ""
    said, remedy = _sentence(finding.text), _sentence(finding.remedy)
    return FindingRow(finding.rule, number, text, said, remedy, *_form(finding.about, finding.account))


def _sentence(text: str) -> str:
    """Return a text as a sentence; what begins with a name, such as an event type, keeps that as it is."""
    begun = f"{text[:1].upper()}{text[1:]}" if _WORD.match(text) else text
    return begun if begun.endswith("?") else f"{begun}."


def _form(about: YamlPath, name: str) -> tuple[str, str]:
    """Return what is to be changed, and where."""
    section, *inside = about or ("",)
    if inside and section == "events":
        return str(inside[0]), f"{view_of(name, 'events', 'edit')}?{urlencode({'event': inside[0]})}"
    if inside and section == "fields":
        return str(inside[0]), f"{view_of(name, 'fields', 'edit')}?{urlencode({'field': inside[0]})}"
    if section in {"events", "fields", "options"}:
        return str(section), f"{view_of(name, 'text')}#{section}"
    return "the file", view_of(name, "text")


def changes(present: str, before: Account | None, text: str, after: Account) -> FindingChanges:
    """Return what a change adds to the findings by the file alone, and what it removes from them.

    Args:
        present: What is in the file now.
        before: What that means; None where it is wrong, so that nothing is found in it.
        text: What would be there.
        after: What that means.
    """
    old = rows(Facts(AccountText(before, present))) if before is not None else []
    new = rows(Facts(AccountText(after, text)))
    return FindingChanges(tuple(_beyond(new, old)), tuple(_beyond(old, new)))


def _beyond(findings: Sequence[FindingRow], others: Sequence[FindingRow]) -> Iterator[FindingRow]:
    """Yield those that are not among others; lines and rules may have other numbers there."""
    left = Counter(map(_same, others))
    for each in findings:
        if left[_same(each)]:
            left[_same(each)] -= 1
        else:
            yield each


def _same(row: FindingRow) -> tuple[str, str]:
    return row.rule, _NUMBERED.sub(r"\1", row.said)
