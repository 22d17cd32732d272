"""Keeps what was worked out of a value that is looked at several times in a row. Pure."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final, Generic, TypeVar

A = TypeVar("A")
R = TypeVar("R")

MOST: Final = 1024
"""Answers of one function that are kept."""


class _ByIdentity(Generic[A]):
    """A value that cannot be hashed, and never changes."""

    __slots__ = ("value",)

    def __init__(self, value: A) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByIdentity) and self.value is other.value


def kept(function: Callable[[A], R]) -> Callable[[A], R]:
    """Return a function with the same answers, of which the last are kept for the very same argument."""

    @lru_cache(maxsize=MOST)
    def answer(of: _ByIdentity[A]) -> R:
        return function(of.value)

    def asked(value: A) -> R:
        return answer(_ByIdentity(value))

    return asked
