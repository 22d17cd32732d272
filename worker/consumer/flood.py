"""Notices when most of an account's events end as dead letters: a bad deploy, or a broken mapping."""

from __future__ import annotations

from collections import deque
from typing import Final

import structlog

log = structlog.get_logger()

WINDOW: Final = 100
LIMIT: Final = WINDOW // 2


class FloodAlarm:
    """Looks at an account's last events. It alarms, and stops nothing: a stop would hold up cancellations.

    Attributes:
        on: Whether at least half of the last 100 events were dead-lettered.
    """

    def __init__(self, account: str) -> None:
        self.on = False
        self._account = account
        self._last: deque[bool] = deque(maxlen=WINDOW)
        self._dead = 0

    def note(self, *, dead_lettered: bool) -> None:
        """Count an event that has come to its end."""
        if len(self._last) == WINDOW:
            self._dead -= self._last[0]
        self._last.append(dead_lettered)
        self._dead += dead_lettered
        if self.on == (self._dead >= LIMIT):
            return
        self.on = not self.on
        facts = {"account": self._account, "dead_lettered": self._dead, "of_last": WINDOW}
        if self.on:
            hint = f"kit-worker dead-letters list --account {self._account} shows why"
            log.error("flood_alarm_started", hint=hint, **facts)
        else:
            log.info("flood_alarm_ended", **facts)
