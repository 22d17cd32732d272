"""How late events were settled, and how long after a fault that ended. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Final, Self

LATE: Final = 5.0
"""Seconds from RabbitMQ's confirm to the ledger above which an event is late."""

Key = tuple[str, str]
"""Account and event."""


@dataclass(frozen=True, slots=True)
class Ages:
    """Of the events of some span of time.

    Attributes:
        events: How many.
        accounts: How many accounts had late ones.
        p50: Seconds from confirmed to settled; so are `p99` and `oldest`.
        late: How many events were late.
        until: Seconds from the fault until the last late one was settled; 0 where none was late.
    """

    events: int
    accounts: int
    p50: float
    p99: float
    oldest: float
    late: int
    until: float

    @classmethod
    def of(
        cls, confirmed_at: Mapping[Key, float], settled_at: Mapping[Key, float], at: float, ended: float
    ) -> Self:
        """Return those of the events that were confirmed after a fault, or just before it, until `ended`.

        What was settled before its confirm was read counts as settled at once. What is not settled is left
        out: who is lost is told elsewhere.

        Args:
            confirmed_at: When RabbitMQ had each; all times are in seconds since 1970.
            settled_at: When the ledger had each.
            at: The fault's time. What came up to `LATE` seconds before may be late by it, too.
            ended: When the next span begins.
        """
        settled = {
            key: (max(0.0, settled_at[key] - confirmed), settled_at[key])
            for key, confirmed in confirmed_at.items()
            if at - LATE <= confirmed < ended and key in settled_at
        }
        ages = sorted(age for age, _ in settled.values())
        late = {key: end for key, (age, end) in settled.items() if age > LATE}
        return cls(
            len(ages),
            len({account for account, _ in late}),
            median(ages) if ages else 0.0,
            ages[int(0.99 * len(ages))] if ages else 0.0,
            max(ages, default=0.0),
            len(late),
            max(late.values(), default=at) - at,
        )

    def __str__(self) -> str:
        ages = f"p50 {self.p50:.2f} s, p99 {self.p99:.1f} s, oldest {self.oldest:.1f} s"
        text = f"{self.events} events, settled after {ages}"
        if not self.late:
            return f"{text}; none later than {LATE:.0f} s"
        return (
            f"{text}; {self.late}, of {self.accounts} accounts, later than {LATE:.0f} s, "
            f"the last of these {self.until:.0f} s after it began"
        )
