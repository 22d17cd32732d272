"""What rules of lint look at besides the file: the events that came last, as far as the history tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from worker.accounts.impact import Came

FEWEST: Final = 20
"""Events that an account needs before anything is concluded from what did not come."""


@dataclass(frozen=True)
class LastEvents:
    """The events that came last.

    Attributes:
        came: They; in any order.
        under_this: Those of them that came while the file was as it is: only of those the rules are known.
        kinds: Every event type of which the history has a line at all.
    """

    came: tuple[Came, ...] = ()
    under_this: tuple[Came, ...] = ()
    kinds: frozenset[str] = frozenset()

    @property
    def is_enough(self) -> bool:
        """Whether so many came that it says something if one of a type did not."""
        return len(self.came) >= FEWEST

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """How many of each type came."""
        return Counter(each.kind for each in self.came)
