"""Which conditions of rules hold together, and which always do.

A list in an event may hold for two conditions that exclude each other: it holds where one of its items does.
Such lists are left out of account, since nobody has them in mind who compares one value with two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Final, NamedTuple

from worker.events.values import number_in
from worker.handlers.base import path_of
from worker.mapping import Condition, Operator, Rule
from worker.mapping.condition import Key, by_line, keys

_LOWER: Final = (Operator.ABOVE, Operator.AT_LEAST)
_UPPER: Final = (Operator.BELOW, Operator.AT_MOST)
_SIZES: Final = (*_LOWER, *_UPPER)
_REACHED: Final = (Operator.AT_LEAST, Operator.AT_MOST)
_THERE: Final = (Operator.IS, Operator.LIKE, *_SIZES)
"""What only a value fulfils that is there."""


class Terms(NamedTuple):
    """When a rule matches.

    Attributes:
        holds: All of these have to hold.
        fails: None of these may hold.
        more: Whether something else has to be so as well, of which nothing is said here.
    """

    holds: tuple[Condition, ...]
    fails: tuple[Condition, ...] = ()
    more: bool = False


def terms_of(rule: Rule) -> Terms:
    """Return when a rule matches; what can be said the other way round is said so."""
    lines = by_line(rule.unless)
    opposites = {line[0]: turned(line[0]) for line in lines if len(line) == 1}
    holds = (*rule.when, *(other for other in opposites.values() if other is not None))
    fails = tuple(condition for condition, other in opposites.items() if other is None)
    return Terms(holds, fails, more=len(opposites) < len(lines))


def turned(condition: Condition) -> Condition | None:
    """Return the condition that holds where this one does not; None where there is none."""
    if condition.operator is Operator.IS:
        return Condition(condition.name, condition.values, Operator.NOT)
    if condition.operator is Operator.NOT:
        return Condition(condition.name, condition.values)
    if condition.operator is Operator.PRESENT:
        other = "false" if condition.values == ("true",) else "true"
        return Condition(condition.name, (other,), Operator.PRESENT)
    return None


def never_both(one: Terms, other: Terms) -> bool:
    """Tell whether no event matches both."""
    return (
        any(excludes(here, there) for here in one.holds for there in other.holds)
        or any(implies(here, there) for here in one.holds for there in other.fails)
        or any(implies(there, here) for there in other.holds for here in one.fails)
    )


def always_also(one: Terms, other: Terms) -> bool:
    """Tell whether every event that matches the one matches the other."""
    return (
        not other.more
        and all(any(implies(here, there) for here in one.holds) for there in other.holds)
        and all(
            any(excludes(here, there) for here in one.holds)
            or any(implies(there, here) for here in one.fails)
            for there in other.fails
        )
    )


class Values:
    """Tells rules apart at a glance, of which thousands compare one value each.

    Args:
        rules: When each of them matches, in order.
    """

    def __init__(self, rules: list[Terms]) -> None:
        uses = Counter(path_of(each.name) for terms in rules for each in _plain(terms))
        self._path = max(uses, key=uses.__getitem__, default="")
        self._keys = [frozenset(self._keys_of(terms)) for terms in rules]

    def may_meet(self, one: int, other: int) -> bool:
        """Tell whether an event may match two of them, by their indices: those that it denies never do."""
        here, there = self._keys[one], self._keys[other]
        return not here or not there or not here.isdisjoint(there)

    def _keys_of(self, terms: Terms) -> Iterator[Key]:
        return (
            key for each in _plain(terms) if path_of(each.name) == self._path for key in keys(each.values)
        )


def _plain(terms: Terms) -> Iterator[Condition]:
    return (condition for condition in terms.holds if condition.operator is Operator.IS)


def implies(one: Condition, other: Condition) -> bool:
    """Tell whether the other holds of every value of which the one does."""
    if not _of_one_value(one, other):
        return False
    if one.operator is Operator.IS:
        return all(_fits(other, value) for value in one.values)
    if other.operator is Operator.NOT:
        return not any(_fits(one, value) for value in other.values)
    if other.operator is Operator.PRESENT:
        wanted = ("true",) if one.operator in _THERE else one.values if one.operator is other.operator else ()
        return other.values == wanted
    if one.operator is other.operator is Operator.LIKE:
        return set(one.values) <= set(other.values)
    return _lies_within(one, other)


def excludes(one: Condition, other: Condition) -> bool:
    """Tell whether no value fulfils both."""
    if not _of_one_value(one, other):
        return False
    for this, that in ((one, other), (other, one)):
        if this.operator is Operator.IS:
            return not any(_fits(that, value) for value in this.values)
        if this.operator is Operator.PRESENT and this.values == ("false",):
            return that.operator in _THERE or (that.operator is Operator.PRESENT and that != this)
    if one.operator is other.operator is Operator.LIKE:
        starts = [(pattern.split("*")[0], there.split("*")[0]) for pattern, there in _pairs(one, other)]
        return not any(here.startswith(there) or there.startswith(here) for here, there in starts)
    return any(
        _ends_before(low, high)
        for low, high in ((one, other), (other, one))
        if low.operator in _LOWER and high.operator in _UPPER
    )


def _of_one_value(one: Condition, other: Condition) -> bool:
    return one.name == other.name or path_of(one.name) == path_of(other.name)


def _fits(condition: Condition, value: str) -> bool:
    return condition.holds(lambda _: value)


def _pairs(one: Condition, other: Condition) -> Iterator[tuple[str, str]]:
    return ((here, there) for here in one.values for there in other.values)


def _limit(condition: Condition) -> Decimal:
    return number_in(condition.values[0]) or Decimal(0)


def _lies_within(one: Condition, other: Condition) -> bool:
    for side in (_LOWER, _UPPER):
        if one.operator in side and other.operator in side:
            here, there = _limit(one), _limit(other)
            if here == there:
                return one.operator not in _REACHED or other.operator in _REACHED
            return here > there if side is _LOWER else here < there
    return False


def _ends_before(low: Condition, high: Condition) -> bool:
    """Tell whether nothing lies above the one limit and below the other."""
    floor, ceiling = _limit(low), _limit(high)
    if floor == ceiling:
        return not (low.operator in _REACHED and high.operator in _REACHED)
    return floor > ceiling
