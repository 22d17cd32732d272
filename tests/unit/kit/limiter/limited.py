"""A limiter whose window is Kit's."""

from __future__ import annotations

from tests.unit.virtual_time import VirtualClock
from worker.kit.limiter import MARGIN, WINDOW, Limiter

PLACE = WINDOW + MARGIN
"""Seconds for which an ended call still counts."""


def limiter(limit: int) -> Limiter:
    return Limiter(limit, clock=VirtualClock())
