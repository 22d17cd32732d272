"""What an account's mapping makes of one event. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeAlias

from msgspec import Struct, field

from worker.errors import PartlyApplied
from worker.events.event import OrderKey
from worker.events.moments import moment
from worker.events.values import Lookup, Missing
from worker.mapping.fields import FIRST_NAME, FieldTarget, values_of
from worker.mapping.options import Options
from worker.mapping.owed import Owed
from worker.mapping.rule import EventMapping, Rule, matching_rules
from worker.mapping.wishes import Wishes
from worker.subscribers.change import NOTHING, Change
from worker.subscribers.parts import Part

_Matching: TypeAlias = Iterable[tuple[int, Rule]]


class Occasion(Struct, frozen=True):
    """One event, as a mapping sees it.

    Attributes:
        lookup: Finds its values; it raises `InvalidEvent` for one of the wrong form.
        order: Its place among the events of its person.
        now: The moment at which it is asked what the event means.
        kind: Its type, which together with an entry's text names the entry.
    """

    lookup: Lookup
    order: OrderKey
    now: datetime
    kind: str = ""


class Asked(Struct, frozen=True, gc=False):
    """What one event asks for under a mapping, at a moment.

    Attributes:
        change: What of it can be applied; nothing where it takes effect later.
        owed: A sentence for each part that cannot be: a placeholder without a value, a value of the wrong
            form, a tag that grows too long. The event is a dead letter with these once all else is done.
        again: When it has to be asked again, because some of it takes effect, or ends, only then.
        skipped: Which rule said that nothing of the event is to be done, for people.
        due: When it takes effect, where its mapping says so; perhaps that has passed.
        phase: How many of its moments have passed: when it takes effect, and when tags of it end.
        sets: Which of the change's fields are set to something fixed; None clears one.
    """

    change: Change = NOTHING
    owed: tuple[str, ...] = ()
    again: datetime | None = None
    skipped: str = ""
    due: datetime | None = None
    phase: int = 0
    sets: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def refusal(self) -> PartlyApplied | None:
        """What the event ends with, once the rest of it is applied."""
        return PartlyApplied("; ".join(self.owed)) if self.owed else None


def to_change(
    mapping: EventMapping, fields: tuple[FieldTarget, ...], options: Options, occasion: Occasion
) -> Asked:
    """Return what an event asks for.

    Of its values, one that is missing says nothing; a null clears a custom field, and never the first name.

    Args:
        mapping: What its type does.
        fields: Where its values go.
        options: How the account is kept.
        occasion: The event.

    Raises:
        InvalidEvent: It cannot be told when it takes effect, or whether it is skipped: nothing of it is done.
    """
    owed = Owed()
    rules = matching_rules(mapping, occasion.lookup, owed)
    for number, rule in rules:
        if rule.skip:
            return Asked(skipped=f"rule {number}" if number else "always")
    due = _due(mapping, options, occasion)
    if due is not None and due > occasion.now:
        return Asked(again=due, due=due)
    return _in_force(rules, fields, options, occasion, owed, due)


def _due(mapping: EventMapping, options: Options, occasion: Occasion) -> datetime | None:
    """Return when an event takes effect; None where it does so at once."""
    found = occasion.lookup(mapping.at) if mapping.at else None
    if found is None or isinstance(found, Missing):
        return None
    return moment(mapping.at, found, options.timezone)


def _in_force(
    rules: tuple[tuple[int, Rule], ...],
    fields: tuple[FieldTarget, ...],
    options: Options,
    occasion: Occasion,
    owed: Owed,
    due: datetime | None,
) -> Asked:
    """Return what an event asks for that is in force."""
    order = occasion.order
    wishes = Wishes(occasion.lookup, order, occasion.now, options.timezone, owed)
    for number, rule in rules:
        wishes.carry_out(number, rule, occasion.kind)
    ours = () if _any(rules, "fields_off") else fields
    sets = _sets(rules)
    values = values_of(ours, occasion.lookup, options.timezone, owed) | sets
    first_name = values.pop(FIRST_NAME, None)
    state = _created_in(rules, options)
    change = Change(
        tags=wishes.tags,
        fields={name: Part(value, order) for name, value in values.items()},
        first_name=Part(first_name, order) if first_name is not None else None,
        ensure=Part(value=True, order=order) if state else None,
        gave=wishes.gave,
        creates=Part(state, order) if state else None,
        tags_off=Part(value=True, order=order) if wishes.off else None,
        fields_off=Part(value=True, order=order) if _any(rules, "fields_off") else None,
        unsubscribe=Part(value=True, order=order) if _any(rules, "unsubscribe") else None,
    )
    phase = wishes.ended + (due is not None)
    return Asked(change, tuple(owed), min(wishes.ends, default=None), due=due, phase=phase, sets=sets)


def _any(rules: _Matching, effect: str) -> bool:
    return any(getattr(rule, effect) for _, rule in rules)


def _sets(rules: _Matching) -> dict[str, str | None]:
    """Return what fields are set to; a later rule has its way."""
    sets: dict[str, str | None] = {}
    for _, rule in rules:
        if rule.fields_off:
            sets.clear()
        sets.update(rule.set_fields)
    return sets


def _created_in(rules: _Matching, options: Options) -> str:
    """Return in which state the person is created if need be; empty where that is not to be.

    Nobody is created to be unsubscribed, unless a rule says so.
    """
    said = [rule.create for _, rule in rules if rule.create is not None]
    if not (said[-1] if said else not _any(rules, "unsubscribe")):
        return ""
    states = [rule.subscriber_state for _, rule in rules if rule.subscriber_state is not None]
    return states[-1] if states else options.subscriber_state
