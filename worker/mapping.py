"""What an admin's file says about events, and what it makes of one event. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Literal, TypeAlias

from msgspec import Struct

from worker.errors import InvalidEvent, PartlyApplied
from worker.events.event import OrderKey
from worker.events.values import Found, Missing
from worker.subscribers.change import NOTHING, Change
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
        """Tell whether every condition holds.

        Raises:
            InvalidEvent: That cannot be told, because of a value of the wrong form.
        """
        owed = Owed()
        for condition in self.when:
            with owed:
                if not condition.holds(lookup):
                    return False
        if owed:
            raise InvalidEvent(owed[0])
        return True


class RuleIndex:
    """Finds the rules that an event can match by its values, in place of a look at each of thousands.

    A rule is filed under the rarest of its conditions.

    Args:
        rules: In their order; they are numbered from 1.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        numbered = list(enumerate(rules, 1))
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
        for name, numbers in self._by_value.items():
            try:
                value = lookup(name)
            except InvalidEvent:  # whether a rule really looks at that value, the rules themselves show
                found.update(*numbers.values())
            else:
                found |= numbers.get(value, set()) if isinstance(value, str) else set()
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


@dataclass(frozen=True, slots=True)
class Occasion:
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


class Asked(Struct, frozen=True):
    """What one event asks for under a mapping, at a moment.

    Attributes:
        change: What of it can be applied.
        owed: A sentence for each part that cannot be: a placeholder without a value, a value of the wrong
            form, a tag that grows too long. The event is a dead letter with these once all else is done.
        again: When it has to be asked again, because some of it takes effect, or ends, only then.
        skipped: Which rule said that nothing of the event is to be done, for people.
    """

    change: Change = NOTHING
    owed: tuple[str, ...] = ()
    again: datetime | None = None
    skipped: str = ""

    @property
    def refusal(self) -> PartlyApplied | None:
        """What the event ends with, once the rest of it is applied."""
        return PartlyApplied("; ".join(self.owed)) if self.owed else None


class Owed(list[str]):
    """The parts that cannot be applied: `with owed:` notes the one inside, and goes on after it."""

    def __enter__(self) -> None: ...

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _where: TracebackType | None
    ) -> bool:
        if isinstance(error, InvalidEvent) and str(error) not in self:
            self.append(str(error))
        return isinstance(error, InvalidEvent)


def matching_rules(mapping: EventMapping, lookup: Lookup, owed: Owed) -> tuple[tuple[int, Rule], ...]:
    """Return what applies to an event, in order: its own lists, as number 0, and each rule that matches."""
    matching = [(0, mapping.base)]
    for number in mapping.index.candidates(lookup):
        rule = mapping.rules[number - 1]
        with owed:
            if rule.matches(lookup):
                matching.append((number, rule))
    return tuple(matching)


def to_change(mapping: EventMapping, fields: tuple[FieldTarget, ...], occasion: Occasion) -> Asked:
    """Return what an event asks for.

    Of its values, one that is missing says nothing; a null clears a custom field, and never the first name.

    Args:
        mapping: What its type does.
        fields: Where its values go.
        occasion: The event.
    """
    owed = Owed()
    tags, gave = _tags(mapping, occasion, owed)
    values = _values(fields, occasion.lookup, owed)
    first_name = values.pop(FIRST_NAME, None)
    order = occasion.order
    change = Change(
        tags=tags,
        fields={name: Part(value, order) for name, value in values.items()},
        first_name=Part(first_name, order) if first_name is not None else None,
        ensure=Part(value=True, order=order),
        gave=gave,
    )
    return Asked(change, tuple(owed))


_Wishes: TypeAlias = dict[str, Part[TagWish]]


def _tags(mapping: EventMapping, occasion: Occasion, owed: Owed) -> tuple[_Wishes, _Wishes]:
    """Return what an event asks of tags, and what its replacing entries give; the later rule stands."""
    tags: _Wishes = {}
    gave: _Wishes = {}
    for number, present, template in _entries(mapping, occasion.lookup, owed):
        with owed:
            name = template.render(occasion.lookup)
            wish = TagWish(name, present, by_placeholder="{" in template.text, rule=number)
            tags[tag_key(name)] = part = Part(wish, occasion.order)
            if present and template.replaces:
                gave[slot_key(f"{occasion.kind} {template.text}", name)] = part
    return tags, gave


def _entries(mapping: EventMapping, lookup: Lookup, owed: Owed) -> Iterator[tuple[int, bool, Template]]:
    """Yield each entry that applies: which rule it is of, whether it adds, and the tag."""
    for number, rule in matching_rules(mapping, lookup, owed):
        yield from ((number, False, template) for template in rule.remove_tags)
        yield from ((number, True, template) for template in rule.add_tags)


def _values(fields: tuple[FieldTarget, ...], lookup: Lookup, owed: Owed) -> dict[str, str | None]:
    values: dict[str, str | None] = {}
    for target in fields:
        with owed:
            if not isinstance(value := lookup(target.source), Missing):
                values[target.target] = value
    return values
