"""How many messages an account may hold unsettled. Pure.

Whatever is held when a channel closes counts one more delivery, and RabbitMQ dead-letters a message after
100 of them, good or bad. So the fewer closes with messages in hand, the better.

What is handed back waits before all that was never delivered, but behind all that was handed back before
(tried on RabbitMQ 3.10). So a worker that holds fewer than the one before, and hands them back, puts the
older behind the newer. That is why all begin with the same number, and with the most that there may be.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from worker.consumer.end import End

FEW = 10
"""Enough for others to be served beside one that always fails."""
MANY_DELIVERIES = 10
"""An `x-delivery-count` from which on something must be killing the worker or its channel."""
TOO_MANY_DELIVERIES = 40
"""One from which on a message is held alone: it must not come back for the sake of others any more."""
ANY_NUMBER: Final = 1_000_000
GROWTH: Final = 4
"""Times as many may be held, once as many were settled as could be held."""
DEEP: Final = 5
"""Times as many as configured may be held; more fold hardly better."""
MANY: Final = 500
"""Configured, from which on it may be more, as by default; whoever configures fewer wants no more."""
SETTLE_WITHIN: Final = 20.0
"""Minutes in which all that is held should be settled; RabbitMQ closes the channel after 30
(`consumer_timeout`)."""
CALLS_AN_EVENT: Final = 1.1
"""Of single calls, about, where much is folded."""


def most_beside(deliveries: int) -> int:
    """Return how many messages may be held together where one of them came back so often."""
    if deliveries >= TOO_MANY_DELIVERIES:
        return 1
    return FEW if deliveries >= MANY_DELIVERIES else ANY_NUMBER


def most_in_hand(configured: int, calls_a_minute: int) -> int:
    """Return how many messages an account may hold, where all are settled in time by single calls.

    Args:
        configured: As many may be held in any case, and no more where these are fewer than `MANY`.
        calls_a_minute: To Kit.
    """
    if configured < MANY:
        return configured
    in_time = int(calls_a_minute * SETTLE_WITHIN / CALLS_AN_EVENT)
    return max(configured, min(configured * DEEP, in_time))


@dataclass(frozen=True, slots=True)
class Prefetch:
    """The prefetch of one account.

    Attributes:
        full: What an account starts with, and the most.
        target: What it is when all is well; halved when events grow old before Kit's budget reaches them.
        limit: What was shown to be harmless since the worker, or its channel, was killed again and again, or
            since bodies took too much memory; grows slowly to `full`.
        careful: True makes it 1, from a give-back until a write has succeeded.
        few: True makes it `FEW`, from when the one message in hand failed alone until a write has succeeded.
        proven: True once a write has succeeded since the last give-back.
    """

    full: int
    target: int
    limit: int
    careful: bool = False
    few: bool = False
    proven: bool = False

    @property
    def count(self) -> int:
        """The prefetch to consume with."""
        if self.careful:
            return 1
        return min(self.target, self.limit, FEW if self.few else ANY_NUMBER)

    def after_give_back(self) -> Prefetch:
        """Return what follows when messages went back unsettled."""
        return replace(self, careful=True, few=False, proven=False)

    def after_failing_alone(self) -> Prefetch:
        """Return what follows when the one message in hand fails although Kit answers: it may be to blame."""
        return replace(self, careful=False, few=True, limit=max(self.limit, min(FEW, self.full)))

    def after_growing_old(self) -> Prefetch:
        """Return what follows when the oldest event had waited too long."""
        return replace(self, target=max(min(FEW, self.full), self.target // 2))

    def after_taking_too_much(self, fit: int) -> Prefetch:
        """Return what follows when bodies took too much memory, of which so many fit."""
        return replace(self, limit=max(1, min(fit, self.count - 1)))

    def after_success(self) -> Prefetch:
        """Return what follows when a write has succeeded."""
        return replace(self, careful=False, few=False, proven=True)

    def after_settling_all(self, most: int) -> Prefetch:
        """Return what follows when as many were settled as may be held.

        Args:
            most: More than so many of what came lately must not be held together.
        """
        if self.careful or self.few:
            return self
        return replace(self, limit=max(self.limit, min(self.limit * GROWTH, most, self.full)))

    def at_rest(self) -> Prefetch:
        """Return what follows when nothing is left to settle."""
        return replace(self, target=self.full)

    def after_session(self, why: End, *, unsettled: bool, held: bool) -> Prefetch:
        """Return what the next session begins with.

        Args:
            why: The session ended.
            unsettled: Whether messages went back.
            held: Whether Kit was left alone.
        """
        after = self.after_growing_old() if why is End.GREW_OLD else self
        harmless = why in {End.RESIZE, End.REBIND} or (why is End.GREW_OLD and not held)
        if why is End.REDELIVERED:
            return replace(after, limit=1).after_give_back()
        return after.after_give_back() if unsettled and not harmless else after

    def suspects(self, delivery_count: int) -> bool:
        """Tell whether a message came back so often that fewer should be in hand beside it."""
        if delivery_count < MANY_DELIVERIES or self.careful or self.few:
            return False
        return not self.proven or self.count > most_beside(delivery_count)


def starting_with(full: int) -> Prefetch:
    """Return the prefetch of an account whose worker has just started."""
    return Prefetch(full=full, target=full, limit=full)
