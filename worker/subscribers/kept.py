"""Keeps what was worked out of a value that is looked at several times in a row. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final, TypeVar

A = TypeVar("A")
R = TypeVar("R")

MOST: Final = 1024
"""Answers of one function that are kept."""


def kept(function: Callable[[A], R]) -> Callable[[A], R]:
    """Return a function with the same answers, of which the last are kept for the very same argument.

    The argument need not be hashable, and must never change.
    """
    answers: OrderedDict[int, tuple[A, R]] = OrderedDict()  # an id is a value's own for as long as it is kept

    def asked(value: A) -> R:
        found = answers.get(id(value))
        if found is not None:
            return found[1]
        if len(answers) >= MOST:
            answers.popitem(last=False)
        answer = function(value)
        answers[id(value)] = value, answer
        return answer

    return asked
