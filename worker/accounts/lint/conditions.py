"""Rules about the conditions of one rule: what never holds, what always does, and what is compared oddly."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from typing import Final, NamedTuple

from worker.accounts.file.source import YamlPath
from worker.accounts.file.values import shown
from worker.accounts.lint.facts import Block, Facts
from worker.accounts.lint.finding import LintRule, Suspicion
from worker.accounts.lint.logic import Terms, excludes, implies, never_both, terms_of
from worker.events.values import number_in
from worker.handlers.base import TIMES, path_of
from worker.mapping import Condition, Operator
from worker.mapping.condition import by_line

_SURE: Final = "user.email"
"""The path of the one value that every event has."""
_SIZES: Final = frozenset({Operator.ABOVE, Operator.AT_LEAST, Operator.BELOW, Operator.AT_MOST})
_BETWEEN: Final = re.compile(r"[\s_-]+")


def _conditions(facts: Facts) -> Iterator[tuple[Block, Condition, YamlPath]]:
    """Yield each condition of the file, with its rule and where it stands."""
    for block in facts.file.blocks:
        for word, conditions in (("when", block.rule.when), ("unless", block.rule.unless)):
            for condition in conditions:
                yield block, condition, (*block.path, word, condition.name)


def _never_matches(facts: Facts) -> Iterator[Suspicion]:
    there = Terms((Condition(f"data.{_SURE}", ("true",), Operator.PRESENT),))
    for block in facts.file.blocks:
        terms = terms_of(block.rule)
        if never_both(terms, terms) or never_both(terms, there):
            said = "no event can match this rule: its conditions exclude each other"
            yield Suspicion(block.path, said, "delete one of them, or make two rules of it")


def _unless_never_holds(facts: Facts) -> Iterator[Suspicion]:
    for block in facts.file.blocks:
        for line in by_line(block.rule.unless):
            if any(excludes(one, other) for one, other in combinations(line, 2)):
                said = "no value is all of this at once, so the line leaves no event out"
                path = (*block.path, "unless", line[0].name)
                yield Suspicion(path, said, "in unless a range is what is left out: write it so")


def _always_holds(facts: Facts) -> Iterator[Suspicion]:
    there = Condition(f"data.{_SURE}", ("true",), Operator.PRESENT)
    for _, condition, path in _conditions(facts):
        if implies(there, condition) or _is_any(condition):
            said = f"this holds for every event that has {shown(condition.name)}"
            remedy = "write {present: true} if that is meant, or compare with a value"
            if path_of(condition.name) == _SURE:
                said, remedy = "this holds for every event, since each has an address", "delete this line"
            yield Suspicion(path, said, remedy)


def _is_any(condition: Condition) -> bool:
    return condition.operator is Operator.LIKE and any(not text.strip("*") for text in condition.values)


def _spelled_twice(facts: Facts) -> Iterator[Suspicion]:
    spellings: dict[tuple[str, str], dict[str, YamlPath]] = defaultdict(dict)
    together = set()
    for _, condition, path in _conditions(facts):
        if condition.operator in (Operator.IS, Operator.NOT):
            for value in condition.values:
                plain = (path_of(condition.name), _BETWEEN.sub(" ", value).strip().lower())
                spellings[plain].setdefault(value, path)
            together.add(frozenset(condition.values))
    for found in spellings.values():
        (first, here), *others = found.items()
        for value, path in others:
            if not any({first, value} <= both for both in together):
                said = (
                    f'"{shown(value)}" is compared to the letter, and line {facts.file.line(here)} has '
                    f'"{shown(first)}"'
                )
                yield Suspicion(path, said, "write both as the events have it, or name both in one list")


def _time_compared(facts: Facts) -> Iterator[Suspicion]:
    for _, condition, path in _conditions(facts):
        if path_of(condition.name) not in TIMES:
            continue
        if condition.operator in _SIZES:
            said = f"{condition.name} is a time, which is no number, so this never holds"
            yield Suspicion(path, said, 'write {like: "2027-*"} for a year, or use at or until')
        elif condition.operator in (Operator.IS, Operator.NOT):
            said = f"{condition.name} is a time, to the second, and is compared to the letter"
            yield Suspicion(path, said, 'write {like: "2027-01-31*"} for a day')


class _Compared(NamedTuple):
    """A condition, and when its rule matches but for what that says of the same value."""

    condition: Condition
    path: YamlPath
    kind: str
    beside: Terms

    def is_apart(self, other: _Compared) -> bool:
        """Tell whether no event matches both rules: the value may be a number here, and a text there."""
        return self.kind == other.kind and never_both(self.beside, other.beside)


def _compared(block: Block, condition: Condition, path: YamlPath) -> _Compared:
    terms, value = terms_of(block.rule), path_of(condition.name)
    holds, fails = (
        tuple(each for each in conditions if path_of(each.name) != value)
        for conditions in (terms.holds, terms.fails)
    )
    return _Compared(condition, path, block.kind, Terms(holds, fails, more=terms.more))


def _number_and_text(facts: Facts) -> Iterator[Suspicion]:
    texts: dict[str, list[_Compared]] = defaultdict(list)
    numbers = []
    for block, condition, path in _conditions(facts):
        if condition.operator in _SIZES:
            numbers.append(_compared(block, condition, path))
        elif condition.operator is not Operator.PRESENT and _no_number(condition):
            texts[path_of(condition.name)].append(_compared(block, condition, path))
    for one in numbers:
        name = one.condition.name
        other = next((each for each in texts[path_of(name)] if not one.is_apart(each)), None)
        if other is not None:
            said = (
                f"{name} is compared as a number, and in line {facts.file.line(other.path)} with "
                f'"{shown(_no_number(other.condition))}", which is none'
            )
            yield Suspicion(one.path, said, "compare it as what the events have: a number, or text")


def _no_number(condition: Condition) -> str:
    """Return the first of its values that is no number, nor part of one; empty where all are."""
    odd = (each for each in condition.values if number_in(each) is None and each.strip("*0123456789."))
    return next(odd, "")


RULES: Final = (
    LintRule("rule-never-matches", "a rule whose conditions exclude each other", _never_matches),
    LintRule("unless-never-holds", "a line of unless that no value fulfils", _unless_never_holds),
    LintRule("condition-always-holds", "a condition that holds for every event", _always_holds),
    LintRule("value-spelled-twice", "one value in two spellings", _spelled_twice),
    LintRule("compared-as-number-and-text", "a value that is now a number, now a text", _number_and_text),
    LintRule("time-compared", "a time that is compared as a number, or to the letter", _time_compared),
)
