"""What an admin's file says about events, and what it makes of one event. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from worker.errors import InvalidEvent
from worker.events.event import OrderKey
from worker.events.values import MISSING, Found, Missing
from worker.subscribers.change import Change, Part, TagWish, slot_key, tag_key

Lookup: TypeAlias = Callable[[str], Found]
"""Finds a value of an event by its name: a platform field (`mk_…`) or a path (`data.user.locale`)."""

FIRST_NAME = "first_name"
"""The target in `fields` that means Kit's own first name, not a custom field."""

MAX_NAME_LENGTH = 255
"""Of a tag or a custom field's label; Kit's reference states no limit, and longer ones help nobody."""

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Template:
    """A tag's name, perhaps with placeholders: `Active Member`, `{mk_access_level} access`.

    Attributes:
        replaces: True where it takes the place of whatever the same entry gave the person before.
    """

    text: str
    replaces: bool = False

    @property
    def placeholders(self) -> tuple[str, ...]:
        """The names between braces, in order."""
        return tuple(_PLACEHOLDER.findall(self.text))

    def render(self, lookup: Lookup) -> str:
        """Return the tag's name for one event.

        Raises:
            InvalidEvent: The event lacks a value, or the name grows too long.
        """
        if "{" not in self.text:
            return self.text
        name = _PLACEHOLDER.sub(lambda match: self._value(match[1], lookup), self.text)
        name = _BLANKS.sub(" ", name).strip()
        if len(name) > MAX_NAME_LENGTH:
            raise InvalidEvent(f"the tag {self.text!r} would be longer than {MAX_NAME_LENGTH} characters")
        return name

    def _value(self, name: str, lookup: Lookup) -> str:
        value = lookup(name)
        if value is None or isinstance(value, Missing):
            raise InvalidEvent(f"{name}: has no value, but the tag {self.text!r} needs it")
        return value


@dataclass(frozen=True, slots=True)
class Condition:
    """One line of a rule's `when`: the value called `name` must be one of `values`, to the letter."""

    name: str
    values: tuple[str, ...]

    def holds(self, lookup: Lookup) -> bool:
        """Tell whether the event fulfils it; a missing or null value never does."""
        return lookup(self.name) in self.values


@dataclass(frozen=True, slots=True)
class Rule:
    """Tags to add and remove if all conditions hold; an event's own lists are a rule without any."""

    add_tags: tuple[Template, ...] = ()
    remove_tags: tuple[Template, ...] = ()
    when: tuple[Condition, ...] = ()

    def matches(self, lookup: Lookup) -> bool:
        """Tell whether every condition holds."""
        return all(condition.holds(lookup) for condition in self.when)


@dataclass(frozen=True, slots=True)
class EventMapping:
    """What one event type does: its own lists first, then each rule that matches, later ones winning."""

    base: Rule = Rule()
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldTarget:
    """Sends the value called `source` to a Kit custom field, by its label or key, or to `first_name`."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Options:
    """An account's options, as the admin's guide describes them."""

    subscriber_state: Literal["active", "inactive"] = "active"
    first_name: Literal["always", "if_created"] = "always"
    create_missing: bool = True
    max_created_tags: int = 100


def matching_rules(mapping: EventMapping, lookup: Lookup) -> tuple[tuple[int, Rule], ...]:
    """Return what applies to an event, in order: its own lists, as number 0, and each rule that matches."""
    rules = ((number, rule) for number, rule in enumerate(mapping.rules, 1) if rule.matches(lookup))
    return ((0, mapping.base), *rules)


def to_change(
    mapping: EventMapping, fields: tuple[FieldTarget, ...], lookup: Lookup, order: OrderKey, kind: str = ""
) -> Change:
    """Return the change that an event asks for.

    Args:
        mapping: What its type does.
        fields: Where its values go.
        lookup: Finds its values.
        order: Its place among the events of its person.
        kind: Its type, which together with an entry's text names the entry.

    Raises:
        InvalidEvent: A placeholder has no value, or a value cannot be sent as text.
    """
    tags: dict[str, Part[TagWish]] = {}
    gave: dict[str, Part[TagWish]] = {}
    for template, wish in _wishes(mapping, lookup):
        tags[tag_key(wish.name)] = Part(wish, order)
        if wish.present and template.replaces:
            gave[slot_key(f"{kind} {template.text}", wish.name)] = Part(wish, order)
    values = {target.target: value for target in fields if (value := lookup(target.source)) is not MISSING}
    first_name = values.pop(FIRST_NAME, None)
    return Change(
        tags=tags,
        fields={name: Part(value, order) for name, value in values.items() if not isinstance(value, Missing)},
        first_name=Part(first_name, order) if isinstance(first_name, str) else None,
        ensure=Part(value=True, order=order),
        gave=gave,
    )


def _wishes(mapping: EventMapping, lookup: Lookup) -> Iterator[tuple[Template, TagWish]]:
    """Yield what an event asks of tags, and by which entries; of two wishes for one tag, the later stands."""
    for number, rule in matching_rules(mapping, lookup):
        for present, templates in ((False, rule.remove_tags), (True, rule.add_tags)):
            for template in templates:
                name = template.render(lookup)
                yield template, TagWish(name, present, by_placeholder="{" in template.text, rule=number)
