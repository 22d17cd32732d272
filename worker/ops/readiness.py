"""Collects what a worker tells about itself: `/readyz`, `/metrics`, and its line in `kit-worker status`."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Final

from worker.broker.topology import dead_letter_queue, work_queue
from worker.consumer.account_state import Status
from worker.consumer.shared import Shared
from worker.consumer.supervisors import Supervisors
from worker.errors import BrokerUnavailable

DEPTH_TIMEOUT: Final = 2.0
WORKING: Final = frozenset({"running", "waiting"})


@dataclass(frozen=True, slots=True)
class AccountReport:
    """One account in `/readyz`.

    Attributes:
        state: One of `metrics.STATES`.
        queue_depth: Messages that wait in RabbitMQ, without those in hand; None while it cannot be asked.
        oldest_unsettled_seconds: Age, in hand, of the oldest event that is not settled.
        config_errors: Why the account's file, as it is now, is not in force.
    """

    state: str
    last_error: str
    queue_depth: int | None
    dead_letter_depth: int | None
    oldest_unsettled_seconds: float
    pending_subscribers: int
    config_errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Readiness:
    """The whole of `/readyz`."""

    ready: bool
    broker: str
    accounts: dict[str, AccountReport]
    config_errors: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as it is sent."""
        return asdict(self)


class StatusReport:
    """Looks at all accounts, whenever somebody asks.

    Attributes:
        standing: What must run as long as the process does.
    """

    def __init__(self, shared: Shared, supervisors: Supervisors) -> None:
        self.standing: list[asyncio.Task[None]] = []
        self._shared = shared
        self._supervisors = supervisors

    @property
    def is_healthy(self) -> bool:
        """Whether all that must run does."""
        return not any(task.done() for task in self.standing)

    def metrics_text(self) -> bytes:
        """Return all metrics, those that are only looked at refreshed."""
        metrics = self._shared.metrics
        metrics.clear_states()
        metrics.ledger_up.set(not self._shared.ledger.database.usability.problem)
        for name, supervisor in self._supervisors.running.items():
            status = supervisor.status
            metrics.set_state(name, status.state)
            metrics.pending.labels(name).set(status.pending_subscribers)
            metrics.oldest_unsettled.labels(name).set(status.oldest_unsettled)
            metrics.budget_used.labels(name).set(supervisor.budget_used)
        for name in self._supervisors.never_started:
            metrics.set_state(name, "invalid_config")
        return metrics.text()

    async def readiness(self) -> Readiness:
        """Return `/readyz`."""
        names = sorted(self._names)
        depths = await asyncio.gather(*map(self._depths, names))
        reports = {name: self._report(name, *depth) for name, depth in zip(names, depths, strict=True)}
        broker = self._shared.broker
        works = broker.consuming.is_up and any(report.state in WORKING for report in reports.values())
        problem = broker.consuming.problem or broker.publishing.problem or "connected"
        config_errors = tuple(str(each) for each in self._supervisors.loaded.problems)
        return Readiness(works and not self._supervisors.stopping, problem, reports, config_errors)

    def accounts(self) -> dict[str, dict[str, Any]]:
        """Return each account as `/readyz` shows it, without asking the broker how deep its queues are."""
        return {name: asdict(self._report(name, None, None)) for name in self._names}

    @property
    def _names(self) -> set[str]:
        return {*self._supervisors.running, *self._supervisors.never_started}

    def _report(self, name: str, work: int | None, dead: int | None) -> AccountReport:
        supervisor = self._supervisors[name]
        errors = tuple(str(problem) for problem in self._supervisors.loaded.problems_of(name))
        if supervisor is None:
            status = Status("invalid_config", errors[0] if errors else "")
        else:
            status = supervisor.status
        return AccountReport(
            state=status.state,
            last_error=status.last_error,
            queue_depth=work,
            dead_letter_depth=dead,
            oldest_unsettled_seconds=round(status.oldest_unsettled, 1),
            pending_subscribers=status.pending_subscribers,
            config_errors=errors,
        )

    async def _depths(self, name: str) -> tuple[int | None, int | None]:
        work, dead = await asyncio.gather(self._depth(work_queue(name)), self._depth(dead_letter_queue(name)))
        return work, dead

    async def _depth(self, queue: str) -> int | None:
        with suppress(BrokerUnavailable, TimeoutError):
            async with asyncio.timeout(DEPTH_TIMEOUT):
                return await self._shared.topology.depth(queue)
        return None
