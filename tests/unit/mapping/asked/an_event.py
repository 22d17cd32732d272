"""What an event asks for under a mapping that a test writes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from tests.unit.examples import NOON, order
from worker.errors import InvalidEvent
from worker.events.values import MISSING, Found
from worker.mapping import (
    Asked,
    Condition,
    EventMapping,
    FieldTarget,
    Occasion,
    Options,
    Rule,
    Template,
    to_change,
)
from worker.subscribers.change import Change

VALUES: Mapping[str, Found] = {
    "mk_subscription_plan": "Annual",
    "mk_access_level": "Gold",
    "mk_first_name": "Ada",
    "mk_cancel_reason": None,
    "data.user.locale": "de",
    "braces": "{mk_access_level}",
    "spaced": " very \t spaced ",
}


def find(name: str) -> Found:
    if name.startswith("odd."):
        raise InvalidEvent(f"{name}: an object cannot become a tag or a field")
    return VALUES.get(name, MISSING)


def rule(*add: str, remove: tuple[str, ...] = (), **when: tuple[str, ...]) -> Rule:
    conditions = tuple(Condition(name, values) for name, values in when.items())
    return Rule(tuple(map(Template, add)), tuple(map(Template, remove)), conditions)


def asked(base: Rule = Rule(), *rules: Rule, fields: Mapping[str, str] | None = None) -> Asked:  # noqa: B008
    targets = tuple(FieldTarget(source, target) for source, target in (fields or {}).items())
    return to_change(EventMapping(base, rules), targets, Options(), Occasion(find, order(1), NOON))


def made(base: Rule = Rule(), *rules: Rule, fields: Mapping[str, str] | None = None) -> Change:  # noqa: B008
    """What an event asks for of which nothing is owed."""
    whole = asked(base, *rules, fields=fields)
    assert (whole.owed, whole.refusal) == ((), None)
    return whole.change


def tags(change: Change) -> dict[str, bool]:
    return {part.value.name: part.value.present for part in change.tags.values()}


PLAIN = Options()
WHEN = (Condition("mk_subscription_plan", ("Annual",)),)
AHEAD, PASSED = NOON + timedelta(days=1), NOON - timedelta(days=1)
TIMES: Mapping[str, Found] = {
    "ahead": AHEAD.isoformat(),
    "passed": PASSED.isoformat(),
    "soon": "soon",
    "null": None,
}


def at(
    mapping: EventMapping,
    now: datetime = NOON,
    options: Options = PLAIN,
    **fields: str,
) -> Asked:
    """What an event asks for at a moment."""
    targets = tuple(FieldTarget(source, target) for source, target in fields.items())
    occasion = Occasion(lambda name: TIMES.get(name, find(name)), order(1), now)
    return to_change(mapping, targets, options, occasion)
