"""One account, kept at work: one session after another, and looks at Kit where a session would be in vain."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from worker.accounts.account import Account
from worker.broker.topology import work_queue
from worker.consumer.account_state import AccountState, Status, failure_of
from worker.consumer.declaring import Declaring
from worker.consumer.end import End
from worker.consumer.prefetch import most_in_hand, starting_with
from worker.consumer.session import Session
from worker.consumer.shared import Shared
from worker.errors import KitWorkerError
from worker.kit.catalog import Catalog
from worker.ledger.connecting import Connected
from worker.retry import Tries

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


class Supervisor:
    """Keeps one account's queue consumed.

    Args:
        account: With a credential, or without one: then it waits for a reload that brings it.
        shared: With the other accounts.
        prefetch: Messages in hand, as configured.
        grace: Returns the seconds that changes under way may take when a session ends.

    Attributes:
        catalog: What is known of its Kit account, and the way there; None before there is one.
        declaring: Sees to the account's queues and bindings.
    """

    def __init__(self, account: Account, shared: Shared, prefetch: int, grace: Callable[[], float]) -> None:
        self.account = account
        self._shared = shared
        self._grace = grace
        if account.credential is not None:
            prefetch = most_in_hand(prefetch, shared.kit.calls_a_minute(account.credential))
        self._prefetch = starting_with(prefetch)
        self._failing: dict[str, Tries] = {}
        self._session: Session | None = None
        self.catalog: Catalog | None = None
        self._state = AccountState(account.name, shared.clock)
        self.declaring = Declaring(account.name, shared)
        self._refusals = 0
        self._connected: Connected | None = None
        self._channel_lost_at = float("-inf")
        self._log = log.bind(account=account.name)

    # -- from outside ---------------------------------------------------------------------------------

    @property
    def status(self) -> Status:
        """What the account is doing."""
        session = self._session
        if session is None or not session.subscribed:
            return self._state.status
        state, oldest = "running", session.consumer.oldest_age
        quiet_for = self._shared.clock.monotonic() - session.consumer.last_delivery
        if session.hold_cause:
            state = "credential_refused" if session.holds.refused.is_set() else "held"
        elif quiet_for > ACTIVE_FOR and not oldest:
            state = "waiting"
        return Status(state, session.hold_cause, oldest, session.pending)

    def stop(self) -> None:
        """Ask it to end; `run` returns when what was in hand is settled or handed back."""
        self._state.stopping.set()
        self._end_session(End.STOPPED)

    def pause(self, *, paused: bool) -> None:
        """Hand back what is in hand and consume nothing, or begin again."""
        if paused == self._state.paused:
            return
        self._state.paused = paused
        self._log.warning("account_paused" if paused else "account_resumed")
        self.try_again()
        if paused:
            self._end_session(End.PAUSED)

    @property
    def unseen_for(self) -> float:
        """See `Session.unseen_for`; 0 while there is no session."""
        return 0.0 if self._session is None else self._session.unseen_for

    def check_epoch(self, epoch: int, asked: float) -> None:
        """End the session where its account was taken away meanwhile; see `Session.check_epoch`."""
        if self._session is not None:
            self._session.check_epoch(epoch, asked)

    def check_connection(self, found: Connected | None) -> None:
        """Begin anew where the account was connected to Kit, or disconnected, meanwhile."""
        if found != self._connected:
            self._connected = found
            self.try_again()
        if self.catalog is None or not self.catalog.client.login.is_stale(found):
            return
        if not self._state.reconnected:
            self._log.warning("connection_changed", connected=found is not None)
        self._state.reconnected = True
        self._end_session(End.RECONNECTED)

    def try_again(self) -> None:
        """End a wait for Kit or for the broker; somebody may have mended what was wrong."""
        self._state.look_again()

    async def reload(self, account: Account) -> None:
        """Go on under a new mapping of the same credential."""
        self.account = account
        self.try_again()
        if self.catalog is not None:
            self.catalog.options = account.options
        session = self._session
        if session is None:
            return  # the next one begins under the new mapping
        session.reload(account)
        try:
            await self.declaring.declare(account)
        except KitWorkerError:
            session.end(End.REBIND)  # the next one declares it anew

    async def run(self) -> None:
        """Consume until stopped."""
        working = asyncio.create_task(self._work())
        stopping = asyncio.create_task(self._state.stopping.wait())
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

    # -- one session after another --------------------------------------------------------------------

    async def _work(self) -> None:
        account = self.account
        if account.credential is None:
            self._state.set("credential_refused", f"the secret of {account.name} is missing")
            await self._state.stopping.wait()
            return
        while not self._state.stopping.is_set():
            self._state.reconnected = False
            async with self._shared.kit.client(account.name, account.credential) as client:
                self.catalog = Catalog(client, self.account.options)
                self._failing = {}  # it may be another Kit account
                await self._work_with(self.catalog)

    async def _work_with(self, catalog: Catalog) -> None:
        """Work until stopped, or until the credential leads to another Kit account, or nowhere."""
        failures = 0
        while not (self._state.stopping.is_set() or self._state.reconnected):
            if self._state.paused:
                self._state.set("held", f"paused by command; kit-worker resume {self.account.name} ends that")
                await self._state.wait(PAUSE_CHECK)
                continue
            try:
                if await self._is_ready(catalog):
                    await self._one_session(catalog)
                failures = 0
            except KitWorkerError as error:
                failures += 1
                await self._state.wait_after(error, failures)

    async def _is_ready(self, catalog: Catalog) -> bool:
        """See to it that a session would not be in vain; tell whether it may begin."""
        account, shared = self.account, self._shared
        self._state.check_clock()
        await self.declaring.declare(account)
        await self._state.until_answered(catalog.client.login.check, LOGIN_EVERY)
        if self._prefetch.careful:
            await self._state.until_answered(catalog.client.probe, PROBE_EVERY)
        if self._state.why_called_off is not None:
            return False
        await shared.ledger.ready()
        await self._state.until_answered(lambda: shared.take_kit_account(account, catalog), LOGIN_EVERY)
        lost_lately = shared.clock.monotonic() - self._channel_lost_at < STALE_CONSUMER
        await shared.check_ledger(account.name, stale=int(lost_lately))
        if account.name in await shared.registry.paused():
            self.pause(paused=True)
        # Saved meanwhile: what the new mapping names is to be bound first.
        return self.account is account and self._state.why_called_off is None

    async def _one_session(self, catalog: Catalog) -> None:
        session = Session(self.account, self._shared, catalog, self._prefetch, self._failing)
        self._session = session
        if (why := self._state.why_called_off) is not None:
            session.end(why)
        try:
            why = await session.run(self._grace)
        finally:
            self._session = None
            self._prefetch = session.consumer.prefetch
        await self._after(why, session, catalog)

    def _end_session(self, why: End) -> None:
        self.try_again()
        if self._session is not None:
            self._session.end(why)

    # -- after a session ------------------------------------------------------------------------------

    async def _after(self, why: End, session: Session, catalog: Catalog) -> None:
        self._log.info("session_ended", reason=why.value)
        if session.succeeded:
            self._refusals = 0
        if why is End.CREDENTIAL_REFUSED:
            await self._after_refusal(session.holds.hold.cause, catalog)
        elif why is End.QUEUE_GONE:
            problem = f"RabbitMQ took {work_queue(self.account.name)} away; declaring it anew"
            self._state.set("queue_missing", problem)
            self._log.error("queue_gone", problem=problem)
            await self._state.wait_after_loss(session.lived, at_least=QUEUE_GONE_PAUSE)
        elif why is End.CHANNEL_LOST:
            problem = self._shared.broker.consuming.problem or "the channel was closed by RabbitMQ"
            self._channel_lost_at = self._shared.clock.monotonic()
            self._state.set("held", problem)
            await self._state.wait_after_loss(session.lived)
        elif why is End.FENCED:
            self._state.set("held", "another worker, or a command, has taken the account; it is taken anew")
            await self._state.wait_after_loss(session.lived)
        else:
            self._state.set("running", "")
        if why is End.GREW_OLD:
            self._log.warning("events_grew_old", prefetch=self._prefetch.count)

    async def _after_refusal(self, problem: str, catalog: Catalog) -> None:
        """Leave Kit alone for a while, unless it is the ledger that says why, which is asked again soon."""
        self._refusals += 1
        self._state.set("credential_refused", problem)
        found = await failure_of(catalog.client.login.check)
        if (found or await failure_of(lambda: self._shared.take_kit_account(self.account, catalog))) is None:
            self._log.error("credential_refused", problem=problem)
            await self._state.wait(PROBE_EVERY * self._refusals)
