"""Leaves Kit alone while it fails: one account's hold, and how it is found out that it may end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import structlog

from worker.clock import Clock
from worker.consumer.receive import RECHECK, Consumer
from worker.errors import (
    CallsSuspended,
    CredentialRefused,
    KitRejected,
    KitUnavailable,
    TryLater,
)
from worker.kit.client import Gate, KitClient
from worker.retry import FIRST_DELAY, MAX_DELAY, backoff, first_delay

R = TypeVar("R")
log = structlog.get_logger()

SEEN_FOR: Final = 1.5
"""Seconds for which the ledger's word counts that an account is ours."""
LANDING: Final = 1.0
"""Seconds that Kit gets, once it answers again, for what it took before and never answered."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Why and until when an account starts nothing new.

    Attributes:
        failures: In a row, without a success in between; 0 means that nothing is held.
        until: Seconds; the next try may start then, alone.
        cause: For people: what failed.
    """

    failures: int = 0
    until: float = float("-inf")
    cause: str = ""

    def failed(
        self,
        now: float,
        cause: str,
        jitter: float,
        first: float = FIRST_DELAY,
        worked_at: float = float("-inf"),
    ) -> Hold:
        """Return the hold after one more failure.

        Calls that were under way together fail together: those that end during a hold do not lengthen it.

        Args:
            now: Seconds.
            cause: For people.
            jitter: Random, 0 to 1.
            first: The delay after the first failure.
            worked_at: When Kit last answered any call well. One since the wait was over makes this failure
                the first again: what was answered is kept, so each try comes further.
        """
        if now < self.until:
            return self
        failures = 1 if worked_at >= self.until else self.failures + 1
        return Hold(failures, now + backoff(failures, jitter, first), cause)

    def __bool__(self) -> bool:
        return self.failures > 0


NO_HOLD: Final = Hold()


class Holds(Gate):
    """One session's holds, and whether it may call Kit at all; each hold is logged, and its end.

    Args:
        account: Its name, for the log.
        client: Its way to Kit.
        consumer: Knows whether the account is still this session's.
        clock: Of the delays.

    Attributes:
        client: Its way to Kit.
        hold: Why the account starts nothing, if so.
        refused: Set once Kit refuses the credential, which ends the session.
        unanswered: Whether a write was sent, by this session or by another before it, that Kit never
            answered; then `look` comes before the next.
    """

    def __init__(self, account: str, client: KitClient, consumer: Consumer, clock: Clock) -> None:
        self.hold: Hold = NO_HOLD
        self.refused = asyncio.Event()
        self.unanswered = False
        self.client = client
        self._consumer = consumer
        self._clock = clock
        self._seen_at: float | None = None
        self._others_until = float("-inf")
        self._log = log.bind(account=account)

    # -- whose the account is ---------------------------------------------------------------------------

    def tenure_began(self, asked: float, *, in_doubt: bool) -> None:
        """Note that the account was taken.

        Args:
            asked: When the ledger was asked for it, in seconds.
            in_doubt: Whether the holder before may still be calling Kit, as it does while the ledger's word
                of before counts.
        """
        self._seen_at = asked
        if in_doubt:
            self.unanswered = True
            self._others_until = self._clock.monotonic() + SEEN_FOR

    def tenure_seen(self, asked: float) -> None:
        """Note that the ledger, asked at that moment, in seconds, has said that the account is still ours."""
        if self._seen_at is not None:
            self._seen_at = max(self._seen_at, asked)

    def tenure_ended(self) -> None:
        """Note that the account was lost while nothing of it was in hand; it is to be taken anew."""
        self._seen_at = None

    @property
    def unseen_for(self) -> float:
        """Seconds since the question to which the ledger has said last that the account is ours.

        0 before it is taken.
        """
        return 0.0 if self._seen_at is None else self._clock.monotonic() - self._seen_at

    @property
    def must_ask(self) -> bool:
        """Whether the ledger has not said for long that the account, once taken, is still ours."""
        return self.unseen_for >= SEEN_FOR

    # -- calls ------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Allow a call, by a change that is under way, too, only while the account is surely ours.

        Raises:
            CallsSuspended: The session is over, or the broker was not heard within two heartbeats and may
                have given the queue to another worker, or the ledger not within `SEEN_FOR` and may have given
                it the account; or there is a hold; or this machine's clock is wrong.
        """
        if self._clock.problem:
            raise CallsSuspended(self._clock.problem)
        if not self._consumer.is_ours:
            raise CallsSuspended("the queue may be another worker's by now")
        if self.must_ask:
            raise CallsSuspended("the ledger has not said lately that the account is still ours")
        if self._clock.monotonic() < self.hold.until:
            raise CallsSuspended("on hold")

    def worked_at(self, endpoint: str | None) -> float:
        """Return when an endpoint of Kit, or any, last answered well, in seconds."""
        return self.client.worked_at(endpoint)

    def failed(self, error: TryLater) -> None:
        """Begin a hold, or lengthen it; calls that were only suspended tell nothing about Kit."""
        if isinstance(error, CallsSuspended):
            return
        if isinstance(error, KitUnavailable) and error.unanswered:
            self.unanswered = True
        now, held = self._clock.monotonic(), bool(self.hold)
        jitter, worked_at = self._clock.random(), self.client.worked_at()
        self.hold = self.hold.failed(now, str(error), jitter, first_delay(error), worked_at)
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

    async def ask(self, question: Callable[[], Awaitable[R]]) -> R:
        """Return Kit's answer to something that no change can do without, with holds as for changes.

        Where Kit refuses the credential there is no answer, and the session ends.
        """
        while True:
            try:
                answer = await question()
            except CredentialRefused as error:
                self.refuse(error)
                await asyncio.Event().wait()
            except TryLater as error:
                self.failed(error)
                wait = self.hold.until - self._clock.monotonic()
                await asyncio.sleep(max(RECHECK, min(wait, MAX_DELAY)))
            else:
                self.worked()
                return answer

    async def look(self) -> None:
        """After a write that was not answered, ask something harmless before anything is written again.

        What Kit, or something in between, has taken and kept may land when it comes back. Written before
        that, newer things would be undone by it.
        """
        try:
            await self.client.get("/v4/account")
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
        until = max(self._clock.monotonic() + LANDING, self._others_until)
        self.hold = replace(self.hold, until=until)
