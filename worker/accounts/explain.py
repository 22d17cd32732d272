"""Explains why the rules of an account's file match an event, or do not. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from worker.accounts.account import Account
from worker.errors import InvalidEvent
from worker.events.event import Event
from worker.events.values import Missing
from worker.handlers import handler_for
from worker.mapping import Condition, Lookup, Rule, Template


@dataclass(frozen=True, slots=True)
class ConditionView:
    """One line of a rule's `when`, held against the event.

    Attributes:
        found: The event's value; None where it has none.
        hint: What is close but not the same; empty where nothing is.
    """

    name: str
    wanted: tuple[str, ...]
    found: str | None
    holds: bool
    hint: str = ""


@dataclass(frozen=True, slots=True)
class RuleView:
    """One rule, held against the event.

    Attributes:
        name: `always` for the event's own lists, else `rule 1`, `rule 2`, … as they stand in the file.
        add_tags: With their placeholders filled in, where the event has the values.
        replaces: Those of `add_tags` that take the place of what their entry gave before.
    """

    name: str
    matches: bool
    conditions: tuple[ConditionView, ...]
    add_tags: tuple[str, ...]
    remove_tags: tuple[str, ...]
    replaces: tuple[str, ...] = ()


def explain_rules(event: Event, account: Account) -> tuple[RuleView, ...]:
    """Return the event's own lists and each of its rules, held against it; none where it is not mapped."""
    mapping = account.events.get(event.type)
    if mapping is None:
        return ()
    lookup = handler_for(event.type).lookup(event)
    named = [("always", mapping.base), *((f"rule {at}", rule) for at, rule in enumerate(mapping.rules, 1))]
    return tuple(_rule(name, rule, lookup) for name, rule in named)


def _rule(name: str, rule: Rule, lookup: Lookup) -> RuleView:
    conditions = tuple(_condition(condition, lookup) for condition in rule.when)
    return RuleView(
        name=name,
        matches=all(condition.holds for condition in conditions),
        conditions=conditions,
        add_tags=tuple(_rendered(template, lookup) for template in rule.add_tags),
        replaces=tuple(_rendered(template, lookup) for template in rule.add_tags if template.replaces),
        remove_tags=tuple(_rendered(template, lookup) for template in rule.remove_tags),
    )


def _rendered(template: Template, lookup: Lookup) -> str:
    try:
        return template.render(lookup)
    except InvalidEvent:
        return template.text


def _condition(condition: Condition, lookup: Lookup) -> ConditionView:
    try:
        value = lookup(condition.name)
    except InvalidEvent as error:
        return ConditionView(condition.name, condition.values, None, holds=False, hint=str(error))
    found = None if isinstance(value, Missing) else value
    near = [wanted for wanted in condition.values if found is not None and _alike(wanted, found)]
    holds = found in condition.values
    hint = (
        f"it is {found}, which differs in case or blanks; values compare to the letter"
        if near and not holds
        else ""
    )
    return ConditionView(condition.name, condition.values, found, holds=holds, hint=hint)


def _alike(one: str, other: str) -> bool:
    return "".join(one.split()).casefold() == "".join(other.split()).casefold()
