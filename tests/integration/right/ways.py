"""In which orders a case is published, and about whom."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tests.integration.right.case import Case

WHOLE: Final = 4
"""Of so many events every order is tried."""
FEW: Final = 10
"""Orders by chance, where there are too many."""
THRICE: Final = 4
"""Orders by chance in which each event comes three times."""
MOVES: Final = 20
"""As many addresses may change in an account within an hour."""


@dataclass(frozen=True)
class Way:
    """One way in which a case is published: about people whom no other way knows.

    Attributes:
        number: Of the way; what names its people.
        order: The numbers of the events as they are published.
        paced: Whether each waits until the one before is settled.
    """

    number: str
    order: Sequence[int]
    paced: bool

    def address(self, address: str) -> str:
        """What somebody's address is here."""
        return f"{self.number}.{address}"

    def __str__(self) -> str:
        return f"{self.number} {list(self.order)}{', one after another' if self.paced else ''}"


def ways(case: Case, prefix: str) -> list[Way]:
    """Return how a case is published: in every order or many, at once and one after another, and thrice."""
    chance = random.Random(case.name)  # noqa: S311  # repeatable
    orders = list(_orders(len(case.events), chance))
    thrice = [tuple(chance.sample(orders[0] * 3, 3 * len(case.events))) for _ in range(THRICE)]
    chosen = [(order, paced) for order in orders + thrice for paced in (False, True)]
    return [Way(f"{prefix}{at}", order, paced) for at, (order, paced) in enumerate(chosen)]


def batches(case: Case, chosen: Sequence[Way]) -> Iterator[Sequence[Way]]:
    """Yield as many ways at a time as may be of one account, which has only so many moves."""
    size = MOVES // case.moves if case.moves else len(chosen)
    return (chosen[at : at + size] for at in range(0, len(chosen), size))


def _orders(count: int, chance: random.Random) -> Iterator[tuple[int, ...]]:
    if count <= WHOLE:
        return itertools.permutations(range(count))
    forth = tuple(range(count))
    return iter([forth, forth[::-1], *(tuple(chance.sample(forth, count)) for _ in range(FEW))])
