"""Stops a platform that, by a fault, gives one address after another to people who have others. Pure.

Each of its events may say so, and only their number shows that something is wrong. An address that was
changed in Kit is not changed back by itself.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from worker.errors import MovesHeld
from worker.subscribers.known import NO_MOVES, RecentMoves

WITHIN: Final = 3600.0
"""Seconds for which a move counts."""
FEW: Final = 20
"""So many moves are never too many."""
SHARE: Final = 0.01
"""Of the people who are known: so many may move."""


class MoveGuard:
    """Counts an account's moves."""

    def __init__(self) -> None:
        self._known = NO_MOVES
        self._times: deque[float] = deque()

    def learn(self, known: RecentMoves) -> None:
        """Take in what the ledger says of the time before this tenure; it may be told again and again."""
        if known is not self._known:
            self._known = known
            self._times = deque(sorted(known.times))

    def count(self, now: float) -> None:
        """Count a move that was begun, at a moment in seconds since 1970."""
        self._times.append(now)

    def why_not(self, now: float) -> MovesHeld | None:
        """Return why nobody may move at a moment; None where one may."""
        while self._times and self._times[0] <= now - WITHIN:
            self._times.popleft()
        most = max(FEW, int(self._known.people * SHARE))
        if len(self._times) < most:
            return None
        return MovesHeld(
            f"data.user.email: {most} addresses changed within an hour, and more than that look like a fault "
            "of the platform, so nothing was applied. See what it publishes; if it is right, replay this: "
            f"every hour, {most} more may change"
        )
