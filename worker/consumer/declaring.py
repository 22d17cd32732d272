"""What one account needs in RabbitMQ: declared before each session and every minute, and missed aloud.

Exchanges, queues and bindings can be taken away while a worker runs, and nothing tells: events go nowhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Final

import structlog

from worker.accounts.account import Account
from worker.accounts.bindings import routing_keys, unmapped_keys
from worker.broker.topology import OUTDATED, Found
from worker.consumer.shared import Shared
from worker.errors import BrokerUnavailable, KitWorkerError, LedgerUnavailable
from worker.ledger.bindings import Binding, Noted

log = structlog.get_logger()

FIRST_LOOK: Final = 10.0
"""Seconds after the start; until then RabbitMQ's management API does not know a new queue's policy."""
DECLARE_EVERY: Final = 60.0
"""Seconds for which events may go nowhere, unseen, after a binding was removed."""


class Declaring:
    """Keeps the exchanges, queues and bindings of one account as its file asks for.

    Args:
        account: Its name.
        shared: With the other accounts.

    Attributes:
        was_declared: Whether this process has declared them once.
    """

    def __init__(self, account: str, shared: Shared) -> None:
        self._account = account
        self._shared = shared
        self._bindings = shared.bindings
        self.was_declared = False
        self._guarded: frozenset[str] = frozenset()
        self._is_outdated = False
        self._said: set[str] = set()
        self._lock = asyncio.Lock()  # else a binding that is wanted no more could be made again
        self._mended = shared.metrics.topology_mended.labels(account)
        self._log = log.bind(account=account)

    async def declare(self, account: Account) -> None:
        """Declare everything, and remove the bindings that were made once and are wanted no more.

        Raises:
            BrokerUnavailable: RabbitMQ went away meanwhile.
            LedgerUnavailable: It is declared all the same; only what is wanted no more is bound still.
            TopologyMismatch: Something is there with other arguments.
        """
        async with self._lock:
            keys = routing_keys(account)
            wanted = {(self._shared.topology.events_exchange, key) for key in keys}
            problem: LedgerUnavailable | None = None
            noted = Noted()
            try:
                noted = await self._bindings.note(self._account, wanted)
            except LedgerUnavailable as error:
                problem = error  # events must not go nowhere for that
            is_new = not (noted.bindings or self.was_declared)
            unmapped = unmapped_keys(account)
            found = await self._shared.topology.declare(self._account, keys, unmapped, is_new=is_new)
            self._tell(found, known=noted.declared)
            await self._remove({(exchange, key) for exchange, key in noted.bindings if key not in keys})
            if problem is None and not noted.declared:
                # Afterwards: of several workers that start at once, none is to miss what another only makes.
                await self._bindings.note_declared(self._account)
        if problem is not None:
            raise problem

    async def declare_again(self, account: Account) -> None:
        """Declare everything while the account is at work; whoever declared it first waits for what fails."""
        if not self._shared.broker.asking.is_up:
            return  # that is said elsewhere, and everything is declared before the next session
        try:
            lacking = await self._inspect(account)
            await self.declare(account)
        except KitWorkerError as error:
            self._log.warning("topology_not_declared", problem=str(error))
        else:
            self._tell_lost([f"the binding {key}" for key in sorted(lacking)])

    async def _inspect(self, account: Account) -> frozenset[str]:
        """Say which policies do harm; return the bindings that are not there, as far as anybody can tell."""
        shared, exchange = self._shared, self._shared.topology.events_exchange
        if shared.management is None or not self.was_declared:
            return frozenset()
        async with self._lock:  # else bindings that are only just being made would be missed
            try:
                found = await shared.management.inspect(self._account, exchange, routing_keys(account))
            except BrokerUnavailable as error:
                self._say_once("management_unavailable", [str(error)])
                return frozenset()
        self._say_once("policy_harmful", found.harms)
        return found.lacking

    def _say_once(self, event: str, problems: Collection[str]) -> None:
        """Say what is wrong when it begins."""
        for problem in problems:
            if problem not in self._said:
                self._log.warning(event, problem=problem)
        self._said = set(problems)

    def _tell(self, found: Found, *, known: bool) -> None:
        """Say what was lost: what is missing though it was declared once, and what was bound to it."""
        lost = list(found.missing) if self.was_declared or known else []
        lost += [f"the bindings to {exchange}" for exchange in sorted(found.unguarded & self._guarded)]
        self.was_declared, self._guarded = True, found.guarded
        if found.outdated and not self._is_outdated:
            hint = f"kit-worker dead-letters renew --account {self._account}"
            self._log.warning("dead_letter_queue_outdated", problem=OUTDATED, hint=hint)
        self._is_outdated = found.outdated
        self._tell_lost(lost)

    def _tell_lost(self, lost: list[str]) -> None:
        if lost:
            self._mended.inc(len(lost))
            hint = "events published meanwhile may have gone nowhere: ask the platform to publish them again"
            self._log.error("topology_mended", lost=lost, hint=hint)

    async def _remove(self, bindings: set[Binding]) -> None:
        if bindings:
            await self._shared.topology.unbind(self._account, bindings)
            await self._bindings.drop(self._account, bindings)
            self._log.info("unbound", keys=sorted(key for _, key in bindings))
