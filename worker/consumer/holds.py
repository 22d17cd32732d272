"""Leaves Kit alone while it fails: one account's hold, and how it is found out that it may end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import structlog

from worker.clock import Seconds
from worker.errors import (
    CallsSuspended,
    CredentialRefused,
    KitRejected,
    KitUnavailable,
    RateLimited,
    TryLater,
)
from worker.retry import FIRST_DELAY, FIRST_DELAY_LIMITED, NO_HOLD, Hold

log = structlog.get_logger()

LANDING: Final = 1.0
"""Seconds that Kit gets, once it answers again, for what it took before and never answered."""


class Holds:
    """One session's holds; each is logged when it begins and when it ends.

    Args:
        look: Asks Kit for something, which changes nothing there.
        worked_at: When any endpoint of Kit last answered well, in seconds.
        account: Its name, for the log.

    Attributes:
        hold: Why the account starts nothing, if so.
        refused: Set once Kit refuses the credential, which ends the session.
        unanswered: Whether a write was sent, by this session or by another before it, that Kit never
            answered; then `look` comes before the next.
    """

    def __init__(
        self,
        *,
        look: Callable[[], Awaitable[object]],
        worked_at: Callable[[], float],
        clock: Seconds,
        random: Callable[[], float],
        account: str,
    ) -> None:
        self.hold: Hold = NO_HOLD
        self.refused = asyncio.Event()
        self.unanswered = False
        self._look = look
        self._worked_at = worked_at
        self._clock = clock
        self._random = random
        self._log = log.bind(account=account)

    def check(self) -> None:
        """Keep changes that are under way from making calls during a hold.

        Raises:
            CallsSuspended: There is one.
        """
        if self._clock() < self.hold.until:
            raise CallsSuspended("on hold")

    def failed(self, error: TryLater) -> None:
        """Begin a hold, or lengthen it; calls that were only suspended tell nothing about Kit."""
        if isinstance(error, CallsSuspended):
            return
        if isinstance(error, KitUnavailable) and error.unanswered:
            self.unanswered = True
        now, held = self._clock(), bool(self.hold)
        first = FIRST_DELAY_LIMITED if isinstance(error, RateLimited) else FIRST_DELAY
        self.hold = self.hold.failed(now, str(error), self._random(), first, self._worked_at())
        if not held:
            self._log.warning("hold_started", cause=str(error), retry_in_s=round(self.hold.until - now, 1))

    def refuse(self, error: CredentialRefused) -> None:
        """Begin a hold that only another session ends."""
        self.hold = Hold(1, float("inf"), str(error))
        self.refused.set()

    def worked(self) -> None:
        """End the hold, if any: Kit has done what it was asked."""
        if self.hold and not self.refused.is_set():
            self._log.info("hold_ended", cause=self.hold.cause)
            self.hold = NO_HOLD

    async def look(self) -> None:
        """After a write that was not answered, ask something harmless before anything is written again.

        What Kit, or something in between, has taken and kept may land when it comes back. Written before
        that, newer things would be undone by it.
        """
        try:
            await self._look()
        except CredentialRefused as error:
            self.refuse(error)
        except TryLater as error:
            self.failed(error)
        except KitRejected:
            self._answered()
        else:
            self._answered()

    def _answered(self) -> None:
        """Let what Kit kept land, before others, too, whose changes are under way, make their next call."""
        self.unanswered = False
        self.hold = replace(self.hold, until=self._clock() + LANDING)
