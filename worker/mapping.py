"""What an admin's file says about events, and what it makes of one event. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from worker.errors import InvalidEvent
from worker.events.event import OrderKey
from worker.events.values import MISSING, Found, Missing
from worker.subscribers.change import Change
from worker.subscribers.parts import Part, TagWish, slot_key, tag_key

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


class RuleIndex:
    """Finds the rules that an event can match by its values, in place of a look at each of thousands.

    A rule is filed under the rarest of its conditions.

    Args:
        rules: In their order; they are numbered from 1.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        numbered = list(enumerate(rules, 1))
        self._all = tuple(number for number, _ in numbered)
        self._always = {number for number, rule in numbered if not rule.when}
        conditions = [condition for _, rule in numbered for condition in rule.when]
        uses = Counter((each.name, value) for each in conditions for value in each.values)
        self._by_value: dict[str, dict[str, set[int]]] = {each.name: {} for each in conditions}
        for number, rule in numbered:
            if rule.when:
                rarest = min(rule.when, key=lambda one: sum(uses[one.name, value] for value in one.values))
                for value in rarest.values:
                    self._by_value[rarest.name].setdefault(value, set()).add(number)

    def candidates(self, lookup: Lookup) -> Iterable[int]:
        """Return the numbers of the rules that may match, in order; no other one does."""
        found = set(self._always)
        try:
            for name, numbers in self._by_value.items():
                value = lookup(name)
                found |= numbers.get(value, set()) if isinstance(value, str) else set()
        except InvalidEvent:
            return self._all  # whether a rule really looks at that value, the rules themselves show
        return sorted(found)


@dataclass(frozen=True, slots=True)
class EventMapping:
    """What one event type does: its own lists first, then each rule that matches, later ones winning."""

    base: Rule = Rule()
    rules: tuple[Rule, ...] = ()
    index: RuleIndex = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", RuleIndex(self.rules))  # made once, when the file is read


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
    candidates = ((number, mapping.rules[number - 1]) for number in mapping.index.candidates(lookup))
    return ((0, mapping.base), *((number, rule) for number, rule in candidates if rule.matches(lookup)))


def to_change(
    mapping: EventMapping, fields: tuple[FieldTarget, ...], lookup: Lookup, order: OrderKey, kind: str = ""
) -> Change:
    """Return the change that an event asks for.

    Of its values, one that is missing says nothing; a null clears a custom field, and never the first name.

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
