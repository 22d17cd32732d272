"""All rules of lint, and `lint`, which holds them against an account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Final

from worker.accounts.file.syntax_errors import Spot
from worker.accounts.file.values import shown
from worker.accounts.lint import (
    accounts,
    by_events,
    by_kit,
    by_kit_fields,
    conditions,
    events,
    fields,
    options,
    placeholders,
    tag_names,
    tags,
    times,
    together,
)
from worker.accounts.lint.facts import Facts
from worker.accounts.lint.finding import LintFinding, LintRule
from worker.accounts.lint.off import Off, turned_off


def _register(*rules: LintRule) -> Mapping[str, LintRule]:
    registry: dict[str, LintRule] = {}
    for rule in rules:
        if rule.id in registry:
            raise ValueError(f"two rules {rule.id}")
        registry[rule.id] = rule
    return registry


UNKNOWN_OFF: Final = "off-unknown-rule"
UNUSED_OFF: Final = "off-without-use"

RULES: Final = _register(
    *tags.RULES,
    *tag_names.RULES,
    *placeholders.RULES,
    *times.RULES,
    *conditions.RULES,
    *together.RULES,
    *events.RULES,
    *fields.RULES,
    *options.RULES,
    *accounts.RULES,
    *by_kit.RULES,
    *by_kit_fields.RULES,
    *by_events.RULES,
    LintRule(UNKNOWN_OFF, "a comment that turns off what is no rule", lambda _: ()),
    LintRule(UNUSED_OFF, "a comment that turns nothing off", lambda _: ()),
)
"""All rules, by id. The last two are about comments, and come of what the others find."""


def lint(facts: Facts) -> list[LintFinding]:
    """Return what is legal and probably wrong in an account's file, in the order of its lines.

    Args:
        facts: What is known. A rule that needs more than that finds nothing.
    """
    checked = [rule for rule in RULES.values() if getattr(facts, rule.needs) is not None]
    found = {each for rule in checked for each in _found(rule, facts)}
    offs = turned_off(facts.file.text)
    hidden = {(off.rule, off.line) for off in offs}
    used = {(each.rule, each.spot.line) for each in found} & hidden
    left = [each for each in found if (each.rule, each.spot.line) not in hidden]
    left += _about_comments(facts, offs, used, {rule.id for rule in checked})
    return sorted(left, key=lambda each: (each.spot, each.rule, each.text))


def _found(rule: LintRule, facts: Facts) -> Iterator[LintFinding]:
    for each in rule.check(facts):
        spot = facts.file.source.spot(each.path, key=True)
        yield replace(_finding(facts, rule.id, spot, each.text, each.remedy), about=each.path)


def _about_comments(
    facts: Facts, offs: list[Off], used: set[tuple[str, int]], checked: set[str]
) -> Iterator[LintFinding]:
    for off in offs:
        if off.rule not in RULES:
            near = get_close_matches(off.rule, RULES, n=1)
            said = f"there is no rule {shown(off.rule)}" if off.rule else "no rule is named here"
            remedy = f"did you mean {near[0]}?" if near else "docs/lint.md has the names of all rules"
            yield _finding(facts, UNKNOWN_OFF, off.spot, said, remedy)
        elif off.rule in checked and (off.rule, off.line) not in used:
            said = f"{off.rule} finds nothing in line {off.line}"
            yield _finding(
                facts, UNUSED_OFF, off.spot, said, "delete the comment, or put it where it belongs"
            )


def _finding(facts: Facts, rule: str, spot: Spot, text: str, remedy: str) -> LintFinding:
    account = facts.file.account
    return LintFinding(rule, account.name, account.path, spot, text, remedy)
