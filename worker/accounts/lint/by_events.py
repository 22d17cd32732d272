"""Rules about what the file says beside the events that came last."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from worker.accounts.file.source import YamlPath
from worker.accounts.file.values import shown
from worker.accounts.impact import DONE, Came, told_values, would_match
from worker.accounts.lint.facts import Facts
from worker.accounts.lint.finding import LintRule, Suspicion
from worker.accounts.lint.last_events import LastEvents
from worker.accounts.lint.spelling import misspelt, plain
from worker.handlers.base import TIMES, path_of
from worker.mapping import Condition, Operator
from worker.mapping.condition import is_same
from worker.outside.texts import line

FEWEST_OF_KIND: Final = 10
"""Events of a type that are needed before a rule is said to match none of them."""
_MOST_KINDS: Final = 10
_MOST_VALUES: Final = 5
"""Values that one finding names."""
_FREE_TEXT: Final = 30
"""Values of one name in the last events; what has more is no choice of a few."""
_MOST_TOLD: Final = 100
_LONGEST: Final = 60
_OF_ONE_PERSON: Final = frozenset({
    "user.id", "user.email", "user.first_name", "user.last_name", "subscription.id",
})  # fmt: skip
"""The paths of values that tell people apart."""


def _told(text: str) -> str:
    return shown(line(text))


def _came(facts: Facts) -> LastEvents:
    """Return what came; rules that need it are not asked without."""
    return facts.events or LastEvents()


# -- types ---------------------------------------------------------------------------------------------------


def _never_came(facts: Facts) -> Iterator[Suspicion]:
    came = _came(facts)
    if not came.is_enough:
        return
    listed = [block for block in facts.file.blocks if not block.number and facts.file.is_listed(block.path)]
    for block in listed:
        if block.kind in came.kinds:
            continue
        said = f"the history has no {block.kind}, and {len(came.came)} other events that came last"
        near = _near(block.kind, came.kinds - facts.file.account.events.keys())
        remedy = "look whether the platform sends it, and calls it so"
        yield Suspicion(block.path, said, f"did you mean {_told(near)}, which came?" if near else remedy)


def _not_mapped(facts: Facts) -> Iterator[Suspicion]:
    came = _came(facts)
    unmapped = [kind for kind in sorted(came.kinds) if kind and not _is_said(facts, kind)]
    for kind in unmapped[:_MOST_KINDS]:
        count = came.counts.get(kind, 0)
        often = f"{count} of the last {len(came.came)} events were {_told(kind)}"
        said = often if count else f"{_told(kind)} came, if none of late"
        near = _near(kind, facts.file.account.events.keys() - came.kinds)
        remedy = f"did you mean it by {near}?" if near else f"map it, or say {_told(kind)}: null"
        yield Suspicion(("events",), f"{said}, which this file does not map, so nothing was done", remedy)
    if len(unmapped) > _MOST_KINDS:
        said = f"{len(unmapped) - _MOST_KINDS} more event types came that this file does not map"
        yield Suspicion(("events",), said, "see them all on the page, under Events")


def _is_said(facts: Facts, kind: str) -> bool:
    """Tell whether the file says what becomes of a type: `null` says it, too."""
    return kind in facts.file.account.events or facts.file.is_listed(("events", kind))


def _near(kind: str, others: Iterable[str]) -> str:
    """Return which of some types is nearly that one; empty where none is."""
    others = sorted(others)
    alike = next((other for other in others if plain(other) == plain(kind)), "")
    return alike or next((near.first for near in misspelt([*others, kind]) if near.name == kind), "")


# -- values --------------------------------------------------------------------------------------------------


def _not_matched(facts: Facts) -> Iterator[Suspicion]:
    seen = _values_seen(facts)
    for (kind, path), conditions in _compared(facts).items():
        values = seen[kind, path]
        if len(values) > _FREE_TEXT:
            continue
        new = [value for value in values if not any(_minds(each, value) for each, _ in conditions)]
        named = {value for each, _ in conditions if _is_named(each) for value in each.values}
        slips = {value: near for value in new if (near := _near_value(value, named))}
        for value, near in slips.items():
            said = (
                f'{path} was "{_told(value)}" in {values[value]} of the last {kind}, and the file has '
                f'"{shown(near)}", which is another value'
            )
            where = next(place for each, place in conditions if near in each.values)
            yield Suspicion(where, said, "write it as the events have it")
        left = [value for value in new if value not in slips]
        if left and len(named) > 1:
            many = ", ".join(f'"{_told(value)}" ({values[value]})' for value in left[:_MOST_VALUES])
            said = f"no rule of {kind} is about {many}, which {path} was of late"
            yield Suspicion(conditions[0][1], said, "add a rule, or be sure that none is needed")


def _values_seen(facts: Facts) -> dict[tuple[str, str], Counter[str]]:
    """Return which values came how often, by event type and path, as far as they were sent to Kit."""
    seen: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for each in _came(facts).came:
        for name, value in told_values(facts.file.account, each).items():
            path = path_of(name)
            if value and path not in _OF_ONE_PERSON | TIMES and len(value) <= _LONGEST and "@" not in value:
                seen[each.kind, path][value] += 1
    return seen


def _compared(facts: Facts) -> dict[tuple[str, str], list[tuple[Condition, YamlPath]]]:
    """Return the conditions of each event's rules about one value, and where they stand."""
    found: dict[tuple[str, str], list[tuple[Condition, YamlPath]]] = defaultdict(list)
    for block in facts.file.blocks:
        for word, conditions in (("when", block.rule.when), ("unless", block.rule.unless)):
            for each in conditions:
                found[block.kind, path_of(each.name)].append((each, (*block.path, word, each.name)))
    return found


def _is_named(condition: Condition) -> bool:
    return condition.operator in {Operator.IS, Operator.NOT}


def _minds(condition: Condition, value: str) -> bool:
    """Tell whether a condition says anything of a value: that it is meant, or that it is not."""
    if condition.operator is Operator.NOT:
        return True  # it is about all others
    return condition.holds(lambda _: value) or any(is_same(value, each) for each in condition.values)


def _near_value(value: str, named: set[str]) -> str:
    """Return which value of the file one is, but for case, blanks or a letter; empty where none is."""
    alike = next((each for each in sorted(named) if plain(each) == plain(value)), "")
    return alike or next((near.first for near in misspelt([*sorted(named), value]) if near.name == value), "")


# -- rules ---------------------------------------------------------------------------------------------------


def _never_matched(facts: Facts) -> Iterator[Suspicion]:
    came = _came(facts)
    done = _by_kind(each for each in came.came if each.outcome in DONE)
    under_this = _by_kind(each for each in came.under_this if each.outcome in DONE)
    told = {kind: _told_of(facts, kind, those) for kind, those in done.items()}
    for block in facts.file.blocks:
        of_kind, known = done[block.kind], under_this[block.kind]
        if not block.number or len(of_kind) < FEWEST_OF_KIND:
            continue
        if any(block.number in each.rules for each in known):
            continue
        verdicts = {would_match(block.rule, dict(values)) for values in told[block.kind]}
        if verdicts == {False}:
            said = f"none of the last {len(of_kind)} {block.kind} matched this rule"
        elif True not in verdicts and block.rule.add_tags and len(known) >= FEWEST_OF_KIND:
            said = (
                f"in the last {len(known)} {block.kind} this rule put no tag on anybody: it matched none, or "
                "only people who had its tags"
            )
        else:
            continue
        yield Suspicion(block.path, said, "compare its conditions with an event, by kit-worker explain")


def _by_kind(came: Iterable[Came]) -> dict[str, list[Came]]:
    found: dict[str, list[Came]] = defaultdict(list)
    for each in came:
        found[each.kind].append(each)
    return found


def _told_of(facts: Facts, kind: str, came: Iterable[Came]) -> set[frozenset[tuple[str, str | None]]]:
    """Return what is known of events' values, as far as rules of their type compare them: few differ.

    Where many do, to hold each rule against each would take long, so that nothing counts as known.
    """
    rules = facts.file.account.events[kind].rules if kind in facts.file.account.events else ()
    names = {each.name for rule in rules for each in (*rule.when, *rule.unless)}
    values = (told_values(facts.file.account, each).items() for each in came)
    found = {frozenset(item for item in each if item[0] in names) for each in values}
    return found if len(found) <= _MOST_TOLD else {frozenset()}


RULES: Final = (
    LintRule("event-never-came", "an event that is mapped and never came", _never_came, "events"),
    LintRule("event-not-mapped", "an event that came and is not mapped", _not_mapped, "events"),
    LintRule("value-not-matched", "a value that came and that no rule is about", _not_matched, "events"),
    LintRule("rule-never-matched", "a rule that matched none of the last events", _never_matched, "events"),
)
