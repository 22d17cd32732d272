"""The state of an account between sessions: why it is not at work, and how long it waits to look again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog

from worker.clock import Clock
from worker.consumer.end import End
from worker.errors import (
    BrokerUnavailable,
    ClockWrong,
    CredentialRefused,
    KitRejected,
    KitWorkerError,
    LedgerUnavailable,
    TopologyMismatch,
)
from worker.retry import MAX_DELAY, backoff, failures_after, first_delay, pause

log = structlog.get_logger()

CLOCK_LOOK: Final = 5.0
"""Seconds between two looks whether this machine's clock is right again."""


@dataclass(frozen=True, slots=True)
class Status:
    """What an account is doing, for `/readyz`.

    Attributes:
        state: One of `metrics.STATES`.
        last_error: The latest problem, for people; empty where there was none.
        oldest_unsettled: Seconds.
    """

    state: str
    last_error: str
    oldest_unsettled: float = 0.0
    pending_subscribers: int = 0


class AccountState:
    """What keeps one account from work, between sessions.

    Attributes:
        state: One of `metrics.STATES`.
        problem: Why, for people; empty where there is none.
        stopping: Set once the worker stops.
        paused: Whether a command paused the account.
        reconnected: Whether its credential leads elsewhere by now.
    """

    def __init__(self, account: str, clock: Clock) -> None:
        self.state = "held"
        self.problem = "starting"
        self.stopping = asyncio.Event()
        self.paused = False
        self.reconnected = False
        self._clock = clock
        self._losses = 0
        self._nudge = asyncio.Event()
        self._log = log.bind(account=account)

    @property
    def status(self) -> Status:
        """What the account is doing, while no session is at work."""
        return Status(self.state, self.problem)

    @property
    def why_called_off(self) -> End | None:
        """Why no session may begin or go on; None where it may."""
        if self.stopping.is_set():
            return End.STOPPED
        if self.paused:
            return End.PAUSED
        return End.RECONNECTED if self.reconnected else None

    def set(self, state: str, problem: str) -> None:
        """Note what the account is doing now."""
        self.state, self.problem = state, problem

    def failed(self, error: KitWorkerError) -> None:
        """Note why no session could begin, or why one broke; it is logged once, and "subscribed" ends it."""
        before = self.problem
        if isinstance(error, TopologyMismatch):
            self.set("queue_missing", str(error))
        elif isinstance(error, BrokerUnavailable | LedgerUnavailable | ClockWrong):
            self.set("held", str(error))
        else:
            self.set("held", f"{type(error).__name__}: {error}")
        if self.problem == before:
            return
        if isinstance(error, ClockWrong):
            self._log.error("clock_wrong", problem=self.problem)
        else:
            self._log.warning("session_failed", problem=self.problem)

    def check_clock(self) -> None:
        """Return if this machine's clock may be right.

        Raises:
            ClockWrong: It is surely not.
        """
        if problem := self._clock.problem:
            raise ClockWrong(problem)

    async def wait_after(self, error: KitWorkerError, failures: int) -> None:
        """Note what failed, and wait: longer each time, but for a clock, which costs nothing to look at."""
        self.failed(error)
        delay = min(backoff(failures, self._clock.random()), MAX_DELAY)
        await self.wait(CLOCK_LOOK if isinstance(error, ClockWrong) else delay)

    def look_again(self) -> None:
        """End a wait: somebody may have mended what was wrong."""
        self._nudge.set()

    async def wait(self, seconds: float) -> None:
        """Wait, but not beyond a stop, or beyond `look_again`."""
        self._nudge.clear()
        await self._wait_on(seconds)

    async def wait_after_loss(self, lived: float, *, at_least: float = 0.0) -> None:
        """Wait before a session begins in place of one that RabbitMQ ended after so many seconds."""
        self._losses = failures_after(self._losses, lived)
        await self.wait(max(at_least, pause(self._losses, self._clock.random())))

    async def _wait_on(self, seconds: float) -> None:
        """Wait as `wait` does, and not at all where `look_again` was called since the last clearing."""
        if self.stopping.is_set():
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._nudge.wait()

    async def until_answered(self, ask: Callable[[], Awaitable[object]], refused_wait: float) -> None:
        """Ask, without consuming, until the answer is good: a consumer would only give everything back.

        Args:
            ask: Asks Kit, or for a credential.
            refused_wait: Seconds between two questions while the credential is refused.
        """
        failures, state = 0, ""
        while self.why_called_off is None:
            self._nudge.clear()  # what is mended while Kit is being asked ends the wait that follows
            error = await failure_of(ask)
            found = "" if error is None else _state_after(error)
            if found != state:
                self._tell(found, str(error), before=state)
            if error is None:
                return
            failures, state = failures + 1, found
            self.set(found, str(error))
            if isinstance(error, CredentialRefused):
                await self._wait_on(refused_wait)
            else:
                await self._wait_on(backoff(failures, self._clock.random(), first_delay(error)))

    def _tell(self, state: str, problem: str, *, before: str) -> None:
        """Log that a wait for Kit has begun, or is over."""
        if before:
            self._log.info("credential_accepted" if before == "credential_refused" else "hold_ended")
        if state == "credential_refused":
            self._log.error("credential_refused", problem=problem)
        elif state:
            self._log.warning("hold_started", cause=problem)


def _state_after(error: KitWorkerError) -> str:
    return "credential_refused" if isinstance(error, CredentialRefused) else "held"


async def failure_of(ask: Callable[[], Awaitable[object]]) -> KitWorkerError | None:
    """Return why a question has no good answer now; None where it has one."""
    try:
        await ask()
    except KitRejected as error:
        log.warning("probe_rejected", problem=str(error))  # it answers; writing decides
    except KitWorkerError as error:
        return error
    return None
