"""One line of a rule's `when` or `unless`. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import groupby
from operator import ge, gt, le, lt
from typing import Final, TypeAlias

from worker.errors import InvalidEvent
from worker.events.values import Found, Lookup, Missing, Number, number_in


class Operator(StrEnum):
    """How the event's value is compared, as the account's file writes it."""

    IS = "is"
    NOT = "not"
    ABOVE = "above"
    AT_LEAST = "at_least"
    BELOW = "below"
    AT_MOST = "at_most"
    PRESENT = "present"
    LIKE = "like"


_SIZES: Final[dict[Operator, Callable[[Decimal, Decimal], bool]]] = {
    Operator.ABOVE: gt,
    Operator.AT_LEAST: ge,
    Operator.BELOW: lt,
    Operator.AT_MOST: le,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """What must be so of the value called `name`.

    Attributes:
        values: With what it is compared, one of which is enough; of `PRESENT`, `true` or `false`.
    """

    name: str
    values: tuple[str, ...]
    operator: Operator = Operator.IS

    def holds(self, lookup: Lookup) -> bool:
        """Tell whether the event fulfils it; of a list, one item is enough.

        A missing or null value is no value at all: it is above and like nothing, and not what `NOT` names.

        Raises:
            InvalidEvent: That cannot be told, because the value is of the wrong form.
        """
        if self.operator is Operator.PRESENT:
            return _is_present(self.name, lookup) is (self.values == ("true",))
        found = items(lookup(self.name))
        if self.operator is Operator.NOT:
            return not any(is_same(item, value) for item in found for value in self.values)
        return any(self._fits(item, value) for item in found for value in self.values)

    def _fits(self, item: str, value: str) -> bool:
        if self.operator is Operator.IS:
            return is_same(item, value)
        if self.operator is Operator.LIKE:
            return is_like(item, value)
        number, limit = number_in(item), number_in(value)
        return number is not None and limit is not None and _SIZES[self.operator](number, limit)


def by_line(conditions: Iterable[Condition]) -> list[tuple[Condition, ...]]:
    """Return conditions as the lines that they stand in: all that one value is compared with.

    A line holds if all of it does: `{above: 10, below: 40}` is one range.
    """
    return [tuple(line) for _, line in groupby(conditions, key=lambda condition: condition.name)]


def items(found: Found) -> tuple[str, ...]:
    """Return the values that were found, of which there may be none, one or several."""
    if found is None or isinstance(found, Missing):
        return ()
    return found if isinstance(found, tuple) else (found,)


def _is_present(name: str, lookup: Lookup) -> bool:
    try:
        return bool(items(lookup(name)))
    except InvalidEvent:
        return True  # an object, which nothing can be compared with, but which is there


def is_same(one: str, other: str) -> bool:
    """Tell whether two values are the same: to the letter, or as numbers where one of them is a number.

    The text "1.0" is another text than "1"; but both are the number 1, and 49 is 49.0.
    """
    if one == other:
        return True
    if not (isinstance(one, Number) or isinstance(other, Number)):
        return False
    number = number_in(one)
    return number is not None and number == number_in(other)


def is_like(text: str, pattern: str) -> bool:
    """Tell whether a text is as a pattern has it, in which each * stands for anything, or nothing."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == first
    *middle, last = rest
    end = len(text) - len(last)
    if end < len(first) or not (text.startswith(first) and text.endswith(last)):
        return False
    at = len(first)
    for piece in middle:
        at = text.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


Key: TypeAlias = str | Decimal
"""Under which a value is filed: itself, or the number that it is."""


def keys(values: Iterable[str]) -> Iterator[Key]:
    """Yield keys such that two values which are the same have one in common; others may have, too."""
    for value in values:
        yield value
        number = number_in(value)
        if number is not None:
            yield number
