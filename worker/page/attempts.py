"""How many wrong tokens have come from where, so that nobody tries thousands. Pure."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final

MOST: Final = 10
WITHIN: Final = 60.0
"""Seconds. So many wrong tokens from one address, and none is looked at there until the oldest is past."""
ADDRESSES: Final = 10_000
"""Remembered at once; beyond that the one that was heard of first is forgotten."""


class Attempts:
    """Counts wrong tokens by the address of whoever sent them."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, address: str, now: float) -> float:
        """Return for how many seconds no token from an address is looked at; 0 where one is.

        Args:
            address: Of the client.
            now: Seconds, by any clock that does not go back.
        """
        times = self._wrong.get(address, deque())
        while times and times[0] <= now - WITHIN:
            times.popleft()
        return times[0] + WITHIN - now if len(times) >= MOST else 0.0

    def note(self, address: str, now: float) -> None:
        """Count a wrong token."""
        self._wrong.setdefault(address, deque()).append(now)
        while len(self._wrong) > ADDRESSES:
            self._wrong.popitem(last=False)
