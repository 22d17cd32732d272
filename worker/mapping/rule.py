"""What an event type does: its rules, and which of them match an event. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from worker.errors import InvalidEvent
from worker.events.values import Lookup
from worker.mapping.condition import Condition, Key, Operator, by_line, items, keys
from worker.mapping.owed import Owed
from worker.mapping.template import Template


@dataclass(frozen=True, slots=True)
class Rule:
    """What is done if its conditions hold; what stands in an event itself is a rule without any.

    Attributes:
        remove_tags: They go off before others are added.
        when: They all hold.
        unless: None of their lines holds; see `by_line`.
        remove_groups: The groups of which no tag may stay.
        set_fields: By a custom field's label or key (or `first_name`), what it is set to; None clears it.
        skip: Nothing of the event is done.
        create: Whether people are created whom Kit lacks; None where the rule does not say.
        subscriber_state: In which state; None where the rule does not say.
        tags_off: All tags go off that this worker gave before.
        fields_off: All custom fields are cleared that this worker set before.
        unsubscribe: The person gets no more mail.
    """

    add_tags: tuple[Template, ...] = ()
    remove_tags: tuple[Template, ...] = ()
    when: tuple[Condition, ...] = ()
    unless: tuple[Condition, ...] = ()
    remove_groups: tuple[str, ...] = ()
    set_fields: Mapping[str, str | None] = field(default_factory=dict)
    skip: bool = False
    create: bool | None = None
    subscriber_state: Literal["active", "inactive"] | None = None
    tags_off: bool = False
    fields_off: bool = False
    unsubscribe: bool = False

    def names(self) -> Iterator[str]:
        """Yield the names of the values that it asks about."""
        yield from (condition.name for condition in (*self.when, *self.unless))
        for template in (*self.add_tags, *self.remove_tags):
            yield from template.placeholders
            yield from (template.until,) if template.until else ()

    def matches(self, lookup: Lookup) -> bool:
        """Tell whether every line of `when` holds, and none of `unless`.

        Raises:
            InvalidEvent: That cannot be told, because of a value of the wrong form.
        """
        owed = Owed()
        for condition in self.when:
            with owed:
                if not condition.holds(lookup):
                    return False
        for line in by_line(self.unless):
            with owed:
                if all(condition.holds(lookup) for condition in line):
                    return False
        if owed:
            raise InvalidEvent(owed[0])
        return True


class RuleIndex:
    """Finds the rules that an event can match by its values, in place of a look at each of thousands.

    A rule is filed under the rarest of its conditions that name values; one without any is always looked at.

    Args:
        rules: In their order; they are numbered from 1.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        filed = [(number, _filing(rule)) for number, rule in enumerate(rules, 1)]
        self._always = {number for number, conditions in filed if not conditions}
        conditions = [condition for _, each in filed for condition in each]
        uses = Counter((each.name, key) for each in conditions for key in keys(each.values))
        self._by_value: dict[str, dict[Key, set[int]]] = {each.name: {} for each in conditions}
        for number, each in filed:
            if each:
                rarest = min(each, key=lambda one: sum(uses[one.name, key] for key in keys(one.values)))
                for key in keys(rarest.values):
                    self._by_value[rarest.name].setdefault(key, set()).add(number)

    def candidates(self, lookup: Lookup) -> Iterable[int]:
        """Return the numbers of the rules that may match, in order; no other one does."""
        found = set(self._always)
        for name, numbers in self._by_value.items():
            try:
                values = items(lookup(name))
            except InvalidEvent:  # whether a rule really looks at that value, the rules themselves show
                found.update(*numbers.values())
            else:
                found.update(*(numbers.get(key, ()) for key in keys(values)))
        return sorted(found)


def _filing(rule: Rule) -> tuple[Condition, ...]:
    return tuple(condition for condition in rule.when if condition.operator is Operator.IS)


@dataclass(frozen=True, slots=True)
class EventMapping:
    """What one event type does: its own lists first, then each rule that matches, later ones winning.

    Attributes:
        lifecycle: Whether it opens or closes a subscription.
        at: The name of the value that says when the event takes effect; empty where it does so at once.
    """

    base: Rule = Rule()
    rules: tuple[Rule, ...] = ()
    lifecycle: Literal["opens", "closes"] | None = None
    at: str = ""
    index: RuleIndex = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", RuleIndex(self.rules))  # made once, when the file is read

    def names(self) -> tuple[str, ...]:
        """Return the names of the values that it asks about, each once."""
        at = (self.at,) if self.at else ()
        return tuple(
            dict.fromkeys((*at, *(name for rule in (self.base, *self.rules) for name in rule.names())))
        )


def matching_rules(mapping: EventMapping, lookup: Lookup, owed: Owed) -> tuple[tuple[int, Rule], ...]:
    """Return what applies to an event, in order: its own lists, as number 0, and each rule that matches.

    Raises:
        InvalidEvent: It cannot be told whether the event is to be skipped.
    """
    matching = [(0, mapping.base)]
    for number in mapping.index.candidates(lookup):
        rule = mapping.rules[number - 1]
        try:
            if rule.matches(lookup):
                matching.append((number, rule))
        except InvalidEvent as error:
            if rule.skip:
                raise
            owed.note(error)
    return tuple(matching)
