"""What another file would have made of events that came already, as far as the history tells. Pure.

The history has no events: it knows their types, how they ended, which rules led to calls, and which values
were sent. So of some events nobody can tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from worker.accounts.account import Account
from worker.errors import InvalidEvent
from worker.events.values import Found
from worker.mapping import Condition, EventMapping, FieldTarget, Rule
from worker.mapping.condition import by_line

_NOTHING_DONE: Final = frozenset({"duplicate", "forgotten"})
DONE: Final = frozenset({"applied", "scheduled"})
"""Outcomes of events whose rules were carried out."""

Verdict: TypeAlias = bool | None
"""Whether something else would have been done; None where nobody can tell."""
Effects: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Came:
    """An event that came, as far as it is known.

    Attributes:
        kind: Its type.
        outcome: How it ended, as the history has it.
        rules: Which of its type's rules led to calls: n is the n-th one.
        values: What was sent to Kit of it, by the custom field.
    """

    kind: str
    outcome: str
    rules: frozenset[int] = frozenset()
    values: Mapping[str, str | None] = field(default_factory=dict)


class _NotKnownError(Exception):
    """Whether the event had such a value is not known."""


def would_differ(before: Account, after: Account, came: Came) -> Verdict:
    """Tell whether an event would have done something else under another file.

    Args:
        before: The account by the file in force.
        after: The account by the other one.
        came: The event.
    """
    if came.outcome in _NOTHING_DONE or not came.kind:
        return False
    old, new = before.events.get(came.kind), after.events.get(came.kind)
    is_kept = before.fields == after.fields and before.options == after.options
    if (old is None and new is None) or (old == new and is_kept):
        return False
    if old is None or new is None:
        return True if came.outcome in DONE or old is None else None
    if came.outcome not in DONE:
        return None
    known = told_values(before, came)
    verdicts = [_by_mapping(old, new, came, known), _by_fields(before, after, known)]
    if before.options != after.options:
        verdicts.append(None)
    return _either(verdicts)


def _either(verdicts: Iterable[Verdict]) -> Verdict:
    found = set(verdicts)
    return True if True in found else None if None in found else False


def told_values(account: Account, came: Came) -> dict[str, str | None]:
    """Return the values of an event that its calls tell, by their names in the account's file."""
    plain = {target.target: target for target in account.fields if not target.otherwise and not target.format}
    return {plain[name].source: value for name, value in came.values.items() if name in plain}


# -- where values go ---------------------------------------------------------------------------------------


def _by_fields(before: Account, after: Account, known: Mapping[str, str | None]) -> Verdict:
    changed = set(_sent(before.fields)) ^ set(_sent(after.fields))
    if not changed:
        return False
    return True if any(source in known for source, *_ in changed) else None


def _sent(fields: Iterable[FieldTarget]) -> Iterator[tuple[str, str, str | None]]:
    for target in fields:
        for source in target.sources:
            yield source, target.target, target.format


# -- what rules do -----------------------------------------------------------------------------------------


def _by_mapping(old: EventMapping, new: EventMapping, came: Came, known: Mapping[str, str | None]) -> Verdict:
    if old == new:
        return False
    if (old.at, old.lifecycle) != (new.at, new.lifecycle):
        return True
    matching = {_conditions(old.rules[at - 1]) for at in came.rules if 0 < at <= len(old.rules)}
    both = {_conditions(rule): would_match(rule, known) for rule in (*old.rules, *new.rules)}
    both |= dict.fromkeys(matching, True)
    open_ones = [[rule for rule in each.rules if both[_conditions(rule)] is None] for each in (old, new)]
    if open_ones[0] != open_ones[1]:
        return None
    did, does = (
        _effects([each.base, *(rule for rule in each.rules if both[_conditions(rule)])])
        for each in (old, new)
    )
    return did != does


def _conditions(rule: Rule) -> tuple[tuple[Condition, ...], tuple[Condition, ...]]:
    return rule.when, rule.unless


def would_match(rule: Rule, known: Mapping[str, str | None]) -> Verdict:
    """Tell whether a rule matches an event; None where nobody can tell.

    Args:
        rule: It.
        known: The event's values, as far as they are known, by their names in the account's file.
    """
    verdicts = [_holds(each, known) for each in rule.when]
    for line in by_line(rule.unless):
        holds = [_holds(each, known) for each in line]
        verdicts.append(True if False in holds else None if None in holds else False)
    return False if False in verdicts else None if None in verdicts else True


def _holds(condition: Condition, known: Mapping[str, str | None]) -> Verdict:
    def find(name: str) -> Found:
        if name not in known:
            raise _NotKnownError
        return known[name]

    try:
        return condition.holds(find)
    except (_NotKnownError, InvalidEvent):
        return None


def _effects(rules: Iterable[Rule]) -> Effects:
    """Return what rules do together, by what it is about; a later one has its way."""
    found: dict[str, object] = {}
    for rule in rules:
        if rule.skip:
            return {"skip": True}
        found |= {f"tag {each.text.lower()}": False for each in rule.remove_tags}
        found |= {f"group {each}": True for each in rule.remove_groups}
        found |= {f"tag {each.text.lower()}": (each.replaces, each.until) for each in rule.add_tags}
        found |= {f"field {name}": value for name, value in rule.set_fields.items()}
        said = {
            "create": rule.create,
            "state": rule.subscriber_state,
            "tags": rule.tags_off or None,
            "fields": rule.fields_off or None,
            "mail": rule.unsubscribe or None,
        }
        found |= {name: value for name, value in said.items() if value is not None}
    return found
