"""Collects what a worker tells about itself: `/readyz`, `/metrics`, and its line in `kit-worker status`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Final

from worker.accounts.load import Loaded
from worker.broker.link import Broker
from worker.broker.topology import Topology, dead_letter_queue, work_queue
from worker.consumer.supervisor import AccountWorker
from worker.errors import BrokerUnavailable
from worker.metrics import Metrics
from worker.ops.http import AccountReport, Readiness

DEPTH_TIMEOUT: Final = 2.0
WORKING: Final = frozenset({"running", "waiting"})


class StatusReport:
    """Looks at all accounts, whenever somebody asks.

    Args:
        workers: Returns the accounts' workers.
        loaded: Returns the configuration as it was last read.
        stopping: Tells whether the worker is about to stop.
    """

    def __init__(  # noqa: PLR0913  # its sources, all named
        self,
        *,
        broker: Broker,
        topology: Topology,
        metrics: Metrics,
        workers: Callable[[], Mapping[str, AccountWorker]],
        loaded: Callable[[], Loaded],
        stopping: Callable[[], bool],
    ) -> None:
        self._broker = broker
        self._topology = topology
        self._metrics = metrics
        self._workers = workers
        self._loaded = loaded
        self._stopping = stopping

    def metrics_text(self) -> bytes:
        """Return all metrics, those that are only looked at refreshed."""
        metrics = self._metrics
        metrics.clear_states()
        for name, worker in self._workers().items():
            status = worker.status
            metrics.set_state(name, status.state)
            metrics.pending.labels(name).set(status.pending_subscribers)
            metrics.oldest_unsettled.labels(name).set(status.oldest_unsettled)
            metrics.flood_alarm.labels(name).set(status.flood_alarm)
            metrics.budget_used.labels(name).set(worker.budget_used)
        for name in self._invalid():
            metrics.set_state(name, "invalid_config")
        return metrics.text()

    async def readiness(self) -> Readiness:
        """Return `/readyz`."""
        names = sorted({*self._workers(), *self._invalid()})
        depths = await asyncio.gather(*map(self._depths, names))
        reports = {name: self._report(name, *depth) for name, depth in zip(names, depths, strict=True)}
        ready = self._broker.consuming.is_up and any(report.state in WORKING for report in reports.values())
        broker = self._broker.consuming.problem or self._broker.publishing.problem or "connected"
        problems = tuple(str(problem) for problem in self._loaded().problems)
        return Readiness(ready and not self._stopping(), broker, reports, problems)

    def accounts(self) -> dict[str, dict[str, Any]]:
        """Return each account as `/readyz` shows it, without asking the broker how deep its queues are."""
        return {name: asdict(self._report(name, None, None)) for name in {*self._workers(), *self._invalid()}}

    def _invalid(self) -> set[str]:
        return {name for name in self._loaded().names if name not in self._workers()}

    def _report(self, name: str, work: int | None, dead: int | None) -> AccountReport:
        worker = self._workers().get(name)
        errors = tuple(str(problem) for problem in self._loaded().problems_of(name))
        status = worker.status if worker is not None else None
        return AccountReport(
            state=status.state if status else "invalid_config",
            last_error=status.last_error if status else (errors[0] if errors else ""),
            queue_depth=work,
            dead_letter_depth=dead,
            oldest_unsettled_seconds=round(status.oldest_unsettled, 1) if status else 0.0,
            pending_subscribers=status.pending_subscribers if status else 0,
            flood_alarm=status.flood_alarm if status else False,
            config_errors=errors,
        )

    async def _depths(self, name: str) -> tuple[int | None, int | None]:
        work, dead = await asyncio.gather(self._depth(work_queue(name)), self._depth(dead_letter_queue(name)))
        return work, dead

    async def _depth(self, queue: str) -> int | None:
        with suppress(BrokerUnavailable, TimeoutError):
            async with asyncio.timeout(DEPTH_TIMEOUT):
                return await self._topology.depth(queue)
        return None
