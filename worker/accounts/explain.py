"""Explains why the rules of an account's file match an event, or do not, and what each says. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from worker.accounts.account import Account
from worker.errors import InvalidEvent
from worker.events.event import Event
from worker.events.values import Lookup, joined, number_in
from worker.handlers import handler_for
from worker.mapping import Condition, Operator, Rule, Template
from worker.mapping.condition import by_line, is_like, items
from worker.mapping.words import COMPARED


@dataclass(frozen=True, slots=True)
class ConditionView:
    """One line of a rule's `when` or `unless`, held against the event.

    Attributes:
        found: The event's value; None where it has none.
        hint: What is close but not the same, or why nothing can be told; empty where there is nothing to say.
        operator: How the two are compared.
        unless: Whether the rule does not match if the line holds.
        also: What else stands in the line, all of which has to hold.
    """

    name: str
    wanted: tuple[str, ...]
    found: str | None
    holds: bool
    hint: str = ""
    operator: Operator = Operator.IS
    unless: bool = False
    also: tuple[ConditionView, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleView:
    """One rule, held against the event.

    Attributes:
        name: `always` for the event's own lists, else `rule 1`, `rule 2`, … as they stand in the file.
        add_tags: With their placeholders filled in, where the event has the values.
        replaces: Those of `add_tags` that take the place of what their entry or group gave before.
        effects: What it does besides, each as a sentence for people.
    """

    name: str
    matches: bool
    conditions: tuple[ConditionView, ...]
    add_tags: tuple[str, ...]
    remove_tags: tuple[str, ...]
    replaces: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()


def explain_rules(event: Event, account: Account) -> tuple[RuleView, ...]:
    """Return the event's own lists and each of its rules, held against it; none where it is not mapped."""
    mapping = account.events.get(event.type)
    if mapping is None:
        return ()
    lookup = handler_for(event.type).lookup(event, mapping.lifecycle)
    named = [("always", mapping.base), *((f"rule {at}", rule) for at, rule in enumerate(mapping.rules, 1))]
    return tuple(_rule(name, rule, lookup) for name, rule in named)


def _rule(name: str, rule: Rule, lookup: Lookup) -> RuleView:
    wanted = tuple(_condition(condition, lookup) for condition in rule.when)
    unwanted = tuple(_line(line, lookup) for line in by_line(rule.unless))
    added = [(template, _rendered(template, lookup)) for template in rule.add_tags]
    return RuleView(
        name=name,
        matches=_matches(rule, lookup),
        conditions=(*wanted, *unwanted),
        add_tags=tuple(tag for _, tags in added for tag in tags),
        replaces=tuple(tag for template, tags in added for tag in tags if template.replaces),
        remove_tags=tuple(tag for template in rule.remove_tags for tag in _rendered(template, lookup)),
        effects=(*_effects(rule), *(_end(each, lookup) for each in rule.add_tags if each.until)),
    )


def _matches(rule: Rule, lookup: Lookup) -> bool:
    try:
        return rule.matches(lookup)
    except InvalidEvent:
        return False


def _rendered(template: Template, lookup: Lookup) -> tuple[str, ...]:
    try:
        return template.names(lookup)
    except InvalidEvent:
        return (template.text,)


def _effects(rule: Rule) -> Iterator[str]:
    said = {
        "skips the event": rule.skip,
        "takes off all tags that this worker gave": rule.tags_off,
        "clears all custom fields that this worker set": rule.fields_off,
        "unsubscribes the person": rule.unsubscribe,
        "creates nobody": rule.create is False,
        "creates whoever Kit lacks": bool(rule.create),
    }
    yield from (text for text, is_so in said.items() if is_so)
    yield from (f"empties the group {group}" for group in rule.remove_groups)
    for name, value in rule.set_fields.items():
        yield f"clears {name}" if value is None else f"sets {name} to {value}"
    if rule.subscriber_state:
        yield f"creates people as {rule.subscriber_state}"


def _end(template: Template, lookup: Lookup) -> str:
    try:
        end = joined(lookup(template.until))
    except InvalidEvent as error:
        end = str(error)
    return f"{template.text} until {end}" if isinstance(end, str) else f"{template.text} without an end"


# -- conditions --------------------------------------------------------------------------------------------


def _condition(condition: Condition, lookup: Lookup, *, unless: bool = False) -> ConditionView:
    name, wanted, operator = condition.name, condition.values, condition.operator
    try:
        values = items(lookup(name))
    except InvalidEvent as error:
        if operator is Operator.PRESENT:
            return ConditionView(name, wanted, "an object", condition.holds(lookup), "", operator, unless)
        return ConditionView(
            name, wanted, None, holds=False, hint=str(error), operator=operator, unless=unless
        )
    holds = condition.holds(lookup)
    hint = "" if holds else _hint(condition, values)
    return ConditionView(name, wanted, ", ".join(values) or None, holds, hint, operator, unless)


def _line(line: Sequence[Condition], lookup: Lookup) -> ConditionView:
    """Return one line of a rule's `unless`, held against the event."""
    first, *others = (_condition(condition, lookup, unless=True) for condition in line)
    holds = first.holds and all(each.holds for each in others)
    return replace(first, holds=holds, also=tuple(others)) if others else first


_SIZES: Final = (Operator.ABOVE, Operator.AT_LEAST, Operator.BELOW, Operator.AT_MOST)


def _hint(condition: Condition, values: tuple[str, ...]) -> str:
    """Return what nearly makes a condition hold, and does not."""
    found = ", ".join(values)
    if condition.operator in _SIZES and values and all(number_in(value) is None for value in values):
        return f"it is {found}, which is no number such as 49.5"
    if condition.operator in (Operator.IS, Operator.LIKE) and any(
        _is_near(value, wanted) for value in values for wanted in condition.values
    ):
        return f"it is {found}, which differs in case or blanks; values compare to the letter"
    return ""


def _is_near(value: str, wanted: str) -> bool:
    return is_like("".join(value.split()).casefold(), "".join(wanted.split()).casefold())


def told(condition: ConditionView) -> str:
    """Return a line of a rule, and what the event has there, for people."""
    asks = f"{condition.name} {' and '.join(map(_wanted, (condition, *condition.also)))}"
    found = "there is no value" if condition.found is None else f"it is {condition.found}"
    if condition.unless:
        return f"unless {asks}: {found if condition.holds else f'no, {condition.hint or found}'}"
    if condition.holds:
        is_plain = condition.operator is Operator.IS and condition.found in condition.wanted
        return f"{condition.name} is {condition.found}" if is_plain else f"{asks}: {found}"
    return f"{asks}: no, {condition.hint or found}"


def _wanted(condition: ConditionView) -> str:
    if condition.operator is Operator.PRESENT:
        return "is there" if condition.wanted == ("true",) else "is not there"
    return f"{COMPARED[condition.operator]} {' or '.join(condition.wanted)}"
