"""What was spent of Kit's budget, as one process tells the next. Pure."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spent:
    """The calls that count, at the moment when this is written.

    Attributes:
        who: Whose calls; a process knows its own without being told.
        ended: How many ended by which second since 1970.
        open: How many may be under way, or may begin before this is written again: whoever reads this does
            not know what became of them.
    """

    who: str
    ended: tuple[tuple[int, int], ...]
    open: int

    def as_json(self) -> str:
        """Return it as the ledger keeps it."""
        return json.dumps({"who": self.who, "ended": self.ended, "open": self.open})

    def times(self) -> Iterator[float]:
        """Yield when each ended call ended, in seconds since 1970."""
        for second, count in self.ended:
            yield from [float(second)] * count


def spent_by(who: str, ended: Iterable[float], under_way: int) -> Spent:
    """Return what was spent by a process; times are in seconds since 1970.

    Whole seconds do, if they are rounded up: a call then counts for a moment longer.
    """
    return Spent(who, tuple(sorted(Counter(map(math.ceil, ended)).items())), under_way)


def read_spent(text: str | None) -> Spent | None:
    """Return what `as_json` wrote; None where it did not."""
    try:
        value = json.loads(text or "null")
        return Spent(
            str(value["who"]),
            tuple((int(at), int(count)) for at, count in value["ended"]),
            int(value["open"]),
        )
    except (ValueError, TypeError, LookupError):
        return None
