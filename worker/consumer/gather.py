"""Waiting for more events before a call to Kit: what comes together is folded, or written, together."""

from __future__ import annotations

import asyncio
from typing import Final

from worker.clock import Clock
from worker.consumer.intake import Intake
from worker.consumer.receive import Consumer

BURST_OVER: Final = 0.1
"""Seconds without a message, after which the burst of a new consumer is over."""
MAX_BURST: Final = 1.0
MANY: Final = 20
"""Events in hand; with fewer, nothing is gained by waiting for more."""
QUIET: Final = 0.02
"""Seconds without a delivery, after which no more are on their way."""
MAX_GATHERING: Final = 1.0


class Gather:
    """Says when enough of what comes together is here; each wait has a bound."""

    def __init__(self, consumer: Consumer, intake: Intake, clock: Clock) -> None:
        self._consumer = consumer
        self._intake = intake
        self._clock = clock

    @property
    def last_old(self) -> float:
        """When a message last came beside which older ones, or newer ones, may have waited; in seconds."""
        return self._consumer.last_old

    async def burst(self, began: float) -> None:
        """Wait, after subscribing, until no message has come for a moment.

        A new consumer gets what was redelivered in a burst, which is to be folded before any call.

        Args:
            began: When that was, in seconds.
        """
        first = next(iter(self._consumer.unsettled.values()), None)
        if first is not None and first.since - began >= BURST_OVER:
            return  # it was over before anything came
        while (now := self._clock.monotonic()) - began < MAX_BURST:
            quiet_for = now - max(began, self._consumer.last_delivery)
            if quiet_for >= BURST_OVER:
                return
            await asyncio.sleep(BURST_OVER - quiet_for)

    async def many(self) -> None:
        """Wait while many more keep coming, so that bulk calls carry as much as they can."""
        consumer, began = self._consumer, self._clock.monotonic()
        while len(consumer.unsettled) >= MANY and self._clock.monotonic() - began < MAX_GATHERING:
            keeps_coming = not consumer.is_full and self._clock.monotonic() - consumer.last_delivery < QUIET
            if not (self._intake.is_busy or keeps_coming):
                return
            await asyncio.sleep(QUIET / 4)
