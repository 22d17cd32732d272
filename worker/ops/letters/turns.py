"""Who may go through an account's letters now: of two who do so at once, each holds what the other needs."""

from __future__ import annotations

import asyncio
from collections import defaultdict


class Turns:
    """One lock for each account."""

    def __init__(self) -> None:
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def of(self, account: str) -> asyncio.Lock:
        """Return an account's lock."""
        return self._locks[account]
