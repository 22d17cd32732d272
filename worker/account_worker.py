"""One account, kept at work: one session after another, probing Kit where a session would be in vain."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog
from pydantic import SecretStr

from worker.accounts import Account
from worker.consumer import End
from worker.errors import (
    BrokerUnavailable,
    CallsSuspended,
    CredentialRefused,
    KitRejected,
    KitWorkerError,
    TopologyMismatch,
)
from worker.kit.catalog import Catalog
from worker.kit.client import CallRecord, KitClient
from worker.kit.limiter import Limiter
from worker.kit.writer import SubscriberIds, Writer
from worker.prefetch import starting_with
from worker.retry import MAX_DELAY, backoff
from worker.session import Session, Tools
from worker.topology import routing_keys

log = structlog.get_logger()

API_KEY_LIMIT: Final = 120
PROBE_EVERY: Final = 60.0
ACTIVE_FOR: Final = 60.0
"""Seconds after the last delivery for which an account counts as running, not as waiting."""
QUEUE_GONE_PAUSE: Final = 1.0
"""RabbitMQ 4.0 closes the connection of whoever consumes anew at once after a queue was deleted."""


@dataclass(frozen=True, slots=True)
class KitSettings:
    """How to reach Kit; see the settings of the same names."""

    base_url: str
    rate_limit: int
    timeout: float
    concurrency: int


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
    oldest_unsettled: float
    pending_subscribers: int


class AccountWorker:
    """Keeps one account's queue consumed.

    Args:
        account: With a credential, or without one: then it waits for a reload that brings it.
        tools: Shared with the other accounts.
        kit: How to reach Kit.
        prefetch: Messages in hand at most.
        grace: Returns the seconds that changes under way may take when a session ends.
    """

    def __init__(
        self, account: Account, tools: Tools, kit: KitSettings, *, prefetch: int, grace: Callable[[], float]
    ) -> None:
        self.account = account
        self._tools = tools
        self._kit = kit
        self._grace = grace
        self._prefetch = starting_with(prefetch)
        self._session: Session | None = None
        self._limiter: Limiter | None = None
        self._catalog: Catalog | None = None
        self._state = "held"
        self._last_error = "starting"
        self._stopping = asyncio.Event()
        self._nudge = asyncio.Event()
        self._refusals = 0
        self._log = log.bind(account=account.name)

    @property
    def status(self) -> Status:
        """What the account is doing."""
        session = self._session
        if session is None:
            return Status(self._state, self._last_error, 0.0, 0)
        state, error = "running", ""
        if session.hold_cause:
            state, error = "held", session.hold_cause
        elif self._tools.clock() - session.last_delivery > ACTIVE_FOR and not session.oldest_age:
            state = "waiting"
        return Status(state, error, session.oldest_age, len(session.backlog) + session.backlog.taken)

    @property
    def budget_used(self) -> float:
        """How much of Kit's rate limit is used, 0 to 1."""
        return self._limiter.used_ratio if self._limiter else 0.0

    def stop(self) -> None:
        """Ask it to end; `run` returns when what was in hand is settled or handed back."""
        self._stopping.set()
        self._nudge.set()
        if self._session is not None:
            self._session.end(End.STOPPED)

    def try_again(self) -> None:
        """End a wait for Kit or for the broker; somebody may have mended what was wrong."""
        self._nudge.set()

    async def reload(self, account: Account) -> None:
        """Go on under a new mapping of the same credential.

        Raises:
            BrokerUnavailable: The bindings could not be changed; declaring them anew will.
        """
        old, self.account = self.account, account
        self.try_again()
        if self._catalog is not None:
            self._catalog.options = account.options
        session = self._session
        if session is None:
            return  # the next one begins under the new mapping
        session.remap(account)
        before, after = routing_keys(old), routing_keys(account)
        await self._tools.topology.bind(account.name, after - before, before - after)

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
        async with self._client(credential.api_key) as client:
            self._limiter = client.limiter
            self._catalog = Catalog(client, self.account.options)
            writer = Writer(client, self._catalog, SubscriberIds())
            failures = 0
            while not self._stopping.is_set():
                try:
                    await self._one_session(client, writer)
                    failures = 0
                except KitWorkerError as error:
                    failures += 1
                    self._fail(error)
                    await self._pause(min(backoff(failures, self._tools.random()), MAX_DELAY))

    def _client(self, api_key: SecretStr) -> KitClient:
        limit = self._kit.rate_limit or API_KEY_LIMIT
        return KitClient(
            base_url=self._kit.base_url,
            api_key=api_key,
            limiter=Limiter(limit, clock=self._tools.clock),
            timeout=self._kit.timeout,
            clock=self._tools.clock,
            connections=self._kit.concurrency,
            caller=self._tools.worker_id,
            may_call=self._check_may_call,
            observe=self._observe,
        )

    def _observe(self, record: CallRecord) -> None:
        metrics, name = self._tools.metrics, self.account.name
        metrics.kit_requests.labels(name, record.endpoint, str(record.status)).inc()
        metrics.kit_request_seconds.labels(name, record.endpoint).observe(record.seconds)

    def _check_may_call(self) -> None:
        if self._session is None:
            raise CallsSuspended("the account has no session")
        self._session.check_may_call()

    async def _one_session(self, client: KitClient, writer: Writer) -> None:
        if self._prefetch.careful:
            await self._probe(client)
        if self._stopping.is_set():
            return
        await self._tools.topology.declare(self.account)
        session = Session(self.account, self._tools, client, writer, self._prefetch)
        self._session = session
        if self._stopping.is_set():
            session.end(End.STOPPED)
        try:
            why = await session.run(self._grace)
        finally:
            self._session = None
            self._prefetch = session.prefetch
        await self._after(why, session)

    async def _after(self, why: End, session: Session) -> None:
        self._log.info("session_ended", reason=why.value)
        if session.dispatcher.successes:
            self._refusals = 0
        if why is End.CREDENTIAL_REFUSED:
            self._refusals += 1
            self._set("credential_refused", session.dispatcher.hold.cause)
            self._log.error("credential_refused", problem=session.dispatcher.hold.cause)
            await self._pause(PROBE_EVERY * self._refusals)
        elif why is End.QUEUE_GONE:
            queue = f"kit.{self.account.name}"
            self._set("queue_missing", f"RabbitMQ took {queue} away (deleted or moved); declaring it anew")
            self._log.error("queue_gone", problem=self._last_error)
            await self._pause(QUEUE_GONE_PAUSE)
        elif why is End.CHANNEL_LOST:
            self._set("held", self._tools.broker.consuming.problem or "the channel was closed by RabbitMQ")
            await self._pause(self._tools.random() * 0.5)
        else:
            self._set("running", "")
        if why is End.GREW_OLD:
            self._log.warning("events_grew_old", prefetch=self._prefetch.count)

    async def _probe(self, client: KitClient) -> None:
        """Ask Kit, without consuming, until it answers: a consumer would only give everything back again."""
        failures = 0
        while not self._stopping.is_set():
            try:
                await client.probe()
            except CredentialRefused as error:
                self._set("credential_refused", str(error))
                await self._pause(PROBE_EVERY)
            except KitRejected as error:
                self._log.warning("probe_rejected", problem=str(error))
                return  # it answers; writing decides
            except KitWorkerError as error:
                failures += 1
                self._set("held", str(error))
                await self._pause(backoff(failures, self._tools.random()))
            else:
                return

    async def _pause(self, seconds: float) -> None:
        """Wait, but not beyond a stop or a reload."""
        self._nudge.clear()
        if self._stopping.is_set():
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._nudge.wait()

    def _fail(self, error: KitWorkerError) -> None:
        if isinstance(error, TopologyMismatch):
            self._set("queue_missing", str(error))
        elif isinstance(error, BrokerUnavailable):
            self._set("held", str(error))
        else:
            self._set("held", f"{type(error).__name__}: {error}")
        self._log.warning("session_failed", problem=self._last_error)

    def _set(self, state: str, error: str) -> None:
        self._state, self._last_error = state, error
