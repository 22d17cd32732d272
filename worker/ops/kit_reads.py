"""How often the page, or a command, may look into Kit: the budget is the workers', and is left to them."""

from __future__ import annotations

from typing import Final

from worker.kit.limiter import KEPT, RollingWindow

WINDOW: Final = 3600.0
"""Seconds over which the looks are counted: who looks now and then may look at several people at once."""
PER_LOOK: Final = 4
"""Calls that a look at one person takes, at most as a rule; see `kit.person`."""


class KitReads:
    """Counts looks into Kit, by account."""

    def __init__(self) -> None:
        self._made: dict[str, RollingWindow] = {}

    def take(self, account: str, limit: int, now: float) -> bool:
        """Count a look at one person; tell whether there is room for it.

        Args:
            account: Its name.
            limit: Calls that Kit allows the account within a minute, of which such looks take 2 %.
            now: Seconds, by any clock that does not go back.
        """
        most = max(PER_LOOK, round(limit * KEPT * WINDOW / 60))
        window = self._made.setdefault(account, RollingWindow(most, WINDOW))
        if window.free(now) < PER_LOOK:
            return False
        for _ in range(PER_LOOK):
            window.start()
            window.end(now)
        return True
