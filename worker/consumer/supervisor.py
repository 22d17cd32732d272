"""One account, kept at work: one session after another, probing Kit where a session would be in vain."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog

from worker.accounts.account import Account
from worker.accounts.bindings import routing_keys, unmapped_keys
from worker.consumer.flood import FloodAlarm
from worker.consumer.preconditions import Probed, check_login, check_shared, probe
from worker.consumer.prefetch import starting_with
from worker.consumer.receive import End
from worker.consumer.session import Session
from worker.consumer.shared import Kit, Tools
from worker.errors import (
    BrokerUnavailable,
    CallsSuspended,
    KitWorkerError,
    LedgerUnavailable,
    TopologyMismatch,
)
from worker.kit.catalog import Catalog
from worker.ledger.tokens import Connected
from worker.retry import MAX_DELAY, backoff

log = structlog.get_logger()

PROBE_EVERY: Final = 60.0
LOGIN_EVERY: Final = 3.0
"""Seconds between two looks into the ledger, whether the account was connected to Kit meanwhile."""
PAUSE_CHECK: Final = 60.0
STALE_CONSUMER: Final = 90.0
"""Seconds for which RabbitMQ may still count a consumer of ours whose connection is gone."""
ACTIVE_FOR: Final = 60.0
"""Seconds after the last delivery for which an account counts as running, not as waiting."""
QUEUE_GONE_PAUSE: Final = 1.0
"""RabbitMQ 4.0 closes the connection of whoever consumes anew at once after a queue was deleted."""


@dataclass(frozen=True, slots=True)
class Status:
    """What an account is doing, for `/readyz`.

    Attributes:
        state: One of `metrics.STATES`.
        last_error: The latest problem, for people; empty where there was none.
        oldest_unsettled: Seconds.
        flood_alarm: Whether most of the last events were dead-lettered.
    """

    state: str
    last_error: str
    oldest_unsettled: float
    pending_subscribers: int
    flood_alarm: bool = False


class AccountWorker:
    """Keeps one account's queue consumed.

    Args:
        account: With a credential, or without one: then it waits for a reload that brings it.
        tools: Shared with the other accounts.
        prefetch: Messages in hand at most.
        grace: Returns the seconds that changes under way may take when a session ends.
    """

    def __init__(self, account: Account, tools: Tools, *, prefetch: int, grace: Callable[[], float]) -> None:
        self.account = account
        self._tools = tools
        self._grace = grace
        self._prefetch = starting_with(prefetch)
        self._session: Session | None = None
        self._way: Kit | None = None
        self._state = "held"
        self._last_error = "starting"
        self._stopping = asyncio.Event()
        self._nudge = asyncio.Event()
        self._refusals = 0
        self._paused = False
        self._connected: Connected | None = None
        self._reconnected = False
        self._channel_lost_at = float("-inf")
        self._flood = FloodAlarm(account.name)
        self._log = log.bind(account=account.name)

    @property
    def status(self) -> Status:
        """What the account is doing."""
        session = self._session
        if session is None or not session.subscribed:
            return Status(self._state, self._last_error, 0.0, 0, self._flood.on)
        state, error = "running", ""
        if session.hold_cause:
            state, error = "credential_refused" if session.refused else "held", session.hold_cause
        elif self._tools.clock() - session.last_delivery > ACTIVE_FOR and not session.oldest_age:
            state = "waiting"
        return Status(state, error, session.oldest_age, session.pending, self._flood.on)

    @property
    def budget_used(self) -> float:
        """How much of Kit's rate limit is used, 0 to 1."""
        return self._way.client.limiter.used_ratio if self._way else 0.0

    def stop(self) -> None:
        """Ask it to end; `run` returns when what was in hand is settled or handed back."""
        self._stopping.set()
        self._nudge.set()
        if self._session is not None:
            self._session.end(End.STOPPED)

    def pause(self, *, paused: bool) -> None:
        """Hand back what is in hand and consume nothing, or begin again."""
        if paused == self._paused:
            return
        self._paused = paused
        self._log.warning("account_paused" if paused else "account_resumed")
        self._nudge.set()
        if paused and self._session is not None:
            self._session.end(End.PAUSED)

    def check_epoch(self, epoch: int) -> None:
        """End the session where its account was taken away meanwhile: no call may begin that is not ours."""
        if self._session is not None:
            self._session.check_epoch(epoch)

    def check_connection(self, found: Connected | None) -> None:
        """Begin anew where the account was connected to Kit, or disconnected, meanwhile."""
        if found != self._connected:
            self._connected = found
            self._nudge.set()
        if self._way is None or not self._way.client.login.is_stale(found):
            return
        if not self._reconnected:
            self._log.warning("connection_changed", connected=found is not None)
            self._nudge.set()
        self._reconnected = True
        if self._session is not None:
            self._session.end(End.RECONNECTED)

    def try_again(self) -> None:
        """End a wait for Kit or for the broker; somebody may have mended what was wrong."""
        self._nudge.set()

    async def reload(self, account: Account) -> None:
        """Go on under a new mapping of the same credential."""
        old, self.account = self.account, account
        self.try_again()
        if self._way is not None:
            self._way.catalog.options = account.options
        session = self._session
        if session is None:
            return  # the next one begins under the new mapping
        session.pipeline.remap(account)
        before, after = routing_keys(old), routing_keys(account)
        try:
            await self._tools.topology.bind(account.name, after - before, before - after)
        except BrokerUnavailable:
            session.end(End.REBIND)  # the next one declares them anew

    async def run(self) -> None:
        """Consume until stopped."""
        working = asyncio.create_task(self._work())
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if self._session is None or not self._session.subscribed:
                working.cancel()  # it only waits, for RabbitMQ or for Kit, and has nothing in hand
            await asyncio.wait({working})
        finally:
            stopping.cancel()
            working.cancel()
            await asyncio.wait({working})
        if not working.cancelled():
            working.result()

    async def _work(self) -> None:
        credential = self.account.credential
        if credential is None:
            self._set("credential_refused", f"the secret of {self.account.name} is missing")
            await self._stopping.wait()
            return
        name = self.account.name
        while not self._stopping.is_set():
            self._reconnected = False
            async with self._tools.kit.client(name, credential, self._check_may_call) as client:
                self._way = Kit(client, Catalog(client, self.account.options))
                await self._work_with(self._way)

    async def _work_with(self, way: Kit) -> None:
        """Work until stopped, or until the way leads to another Kit account, or nowhere."""
        failures = 0
        while not (self._stopping.is_set() or self._reconnected):
            if self._paused:
                hint = f"kit-worker resume {self.account.name} lets it go on"
                self._set("held", f"paused by command; {hint}")
                await self._pause(PAUSE_CHECK)
                continue
            try:
                await self._one_session(way)
                failures = 0
            except KitWorkerError as error:
                failures += 1
                self._fail(error)
                await self._pause(min(backoff(failures, self._tools.random()), MAX_DELAY))

    def _check_may_call(self) -> None:
        if self._session is None:
            raise CallsSuspended("the account has no session")
        self._session.check_may_call()

    async def _one_session(self, kit: Kit) -> None:
        account = self.account
        await self._tools.topology.declare(account.name, routing_keys(account), unmapped_keys(account))
        await self._until(partial(check_login, kit.client.login), kit_is_asked=False)
        if self._prefetch.careful:
            await self._until(partial(probe, kit.client), kit_is_asked=True)
        if self._is_called_off:
            return
        await self._tools.ledger.ready()
        lost = self._tools.clock() - self._channel_lost_at < STALE_CONSUMER
        await check_shared(self._tools, self.account.name, stale=int(lost))
        if self.account.name in await self._tools.registry.paused():
            self.pause(paused=True)
            return
        if self.account is not account:
            return  # saved meanwhile: what the new mapping names is to be bound first
        session = Session(account, self._tools, kit, prefetch=self._prefetch, flood=self._flood)
        self._session = session
        if self._stopping.is_set():
            session.end(End.STOPPED)
        if self._is_called_off:
            session.end(End.PAUSED if self._paused else End.RECONNECTED)
        try:
            why = await session.run(self._grace)
        finally:
            self._session = None
            self._prefetch = session.prefetch
        await self._after(why, session)

    @property
    def _is_called_off(self) -> bool:
        return self._stopping.is_set() or self._paused or self._reconnected

    async def _until(self, ask: Callable[[], Awaitable[Probed]], *, kit_is_asked: bool) -> None:
        """Ask, without consuming, until the answer is good: a consumer would only give everything back."""
        failures, state = 0, ""
        while not self._is_called_off:
            found = await ask()
            if found.state != state:
                self._tell(found, before=state)
            if found.answers:
                return
            failures, state = failures + 1, found.state
            self._set(found.state, found.problem)
            if found.state != "credential_refused":
                await self._pause(backoff(failures, self._tools.random()))
            else:
                await self._pause(PROBE_EVERY if kit_is_asked else LOGIN_EVERY)

    def _tell(self, found: Probed, *, before: str) -> None:
        """Log that a wait for Kit has begun, or is over."""
        if before:
            self._log.info("credential_accepted" if before == "credential_refused" else "hold_ended")
        if found.state == "credential_refused":
            self._log.error("credential_refused", problem=found.problem)
        elif found.state:
            self._log.warning("hold_started", cause=found.problem)

    async def _after(self, why: End, session: Session) -> None:
        self._log.info("session_ended", reason=why.value)
        if session.pipeline.dispatcher.successes:
            self._refusals = 0
        if why is End.CREDENTIAL_REFUSED:
            await self._after_refusal(session.pipeline.holds.hold.cause)
        elif why is End.QUEUE_GONE:
            queue = f"kit.{self.account.name}"
            self._set("queue_missing", f"RabbitMQ took {queue} away (deleted or moved); declaring it anew")
            self._log.error("queue_gone", problem=self._last_error)
            await self._pause(QUEUE_GONE_PAUSE)
        elif why is End.CHANNEL_LOST:
            self._channel_lost_at = self._tools.clock()
            self._set("held", self._tools.broker.consuming.problem or "the channel was closed by RabbitMQ")
            await self._pause(self._tools.random() * 0.5)
        else:
            self._set("running", "")
        if why is End.GREW_OLD:
            self._log.warning("events_grew_old", prefetch=self._prefetch.count)

    async def _after_refusal(self, problem: str) -> None:
        """Leave Kit alone for a while, unless it is the ledger that says why, which is asked again soon."""
        self._refusals += 1
        self._set("credential_refused", problem)
        if self._way is not None and (await check_login(self._way.client.login)).answers:
            self._log.error("credential_refused", problem=problem)
            await self._pause(PROBE_EVERY * self._refusals)

    async def _pause(self, seconds: float) -> None:
        """Wait, but not beyond a stop or a reload."""
        self._nudge.clear()
        if self._stopping.is_set():
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._nudge.wait()

    def _fail(self, error: KitWorkerError) -> None:
        before = self._last_error
        if isinstance(error, TopologyMismatch):
            self._set("queue_missing", str(error))
        elif isinstance(error, BrokerUnavailable | LedgerUnavailable):
            self._set("held", str(error))
        else:
            self._set("held", f"{type(error).__name__}: {error}")
        if self._last_error != before:  # once when it begins; "subscribed" tells when it is over
            self._log.warning("session_failed", problem=self._last_error)

    def _set(self, state: str, error: str) -> None:
        self._state, self._last_error = state, error
