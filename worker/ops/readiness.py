"""Collects what a worker tells about itself: `/readyz`, `/metrics`, and its line in `kit-worker status`."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from worker.broker.topology import dead_letter_queue, work_queue
from worker.consumer.account_state import Status
from worker.consumer.shared import Shared
from worker.consumer.supervisors import Supervisors
from worker.metrics import VERSION
from worker.ops.depths import Depths
from worker.ops.held_watch import HeldWatch

WORKING: Final = frozenset({"running", "waiting"})


@dataclass(frozen=True, slots=True)
class AccountReport:
    """One account in `/readyz`.

    Attributes:
        state: One of `metrics.STATES`.
        queue_depth: Messages that wait in RabbitMQ, without those in hand, some 15 s ago; None: not known.
        dead_letter_depth: Dead letters, likewise.
        oldest_unsettled_seconds: Age, in hand, of the oldest event that is not settled.
        config_errors: Why the account's file, as it is now, is not in force.
        config_hash: The beginning of the SHA-256 of the file that is in force; empty where none is.
        taggings_held: New tags that are not put on before somebody allows them, some 15 s ago.
        kit_calls: Calls of this worker that count for Kit's limit now, which is that of the last minute.
    """

    state: str
    last_error: str
    queue_depth: int | None
    dead_letter_depth: int | None
    oldest_unsettled_seconds: float
    pending_subscribers: int
    config_errors: tuple[str, ...]
    config_hash: str
    kit_calls: int
    taggings_held: int = 0


@dataclass(frozen=True, slots=True)
class Readiness:
    """The whole of `/readyz`."""

    ready: bool
    version: str
    broker: str
    accounts: dict[str, AccountReport]
    config_errors: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as it is sent."""
        return asdict(self)


class StatusReport:
    """Looks at all accounts, whenever somebody asks. It asks nobody itself: what it tells is known already.

    Args:
        shared: With the connections and the metrics.
        supervisors: The accounts at work.
        depths: How many messages wait in their queues.

    Attributes:
        standing: What must run as long as the process does.
        held: Knows how many new taggings are held; None where nobody looks.
    """

    def __init__(self, shared: Shared, supervisors: Supervisors, depths: Depths) -> None:
        self.standing: list[asyncio.Task[None]] = []
        self.held: HeldWatch | None = None
        self._depths = depths
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
            metrics.ledger_went_back.labels(name).set(self._shared.ledger.witness.went_back[name])
            if supervisor.catalog is not None:
                client = supervisor.catalog.client
                metrics.budget_used.labels(name).set(client.limiter.used_ratio)
                metrics.token_not_written.labels(name).set(client.login.has_unwritten)
        for name in self._supervisors.never_started:
            metrics.set_state(name, "invalid_config")
        for name in self._names:
            self._set_depths(name)
        return metrics.text()

    def _set_depths(self, name: str) -> None:
        known = self._depths.of(name)
        for queue, depth in ((work_queue(name), known.waiting), (dead_letter_queue(name), known.dead)):
            if depth is not None:
                self._shared.metrics.queue_depth.labels(name, queue).set(depth)

    def readiness(self) -> Readiness:
        """Return `/readyz`."""
        reports = {name: self._report(name) for name in sorted(self._names)}
        broker = self._shared.broker
        works = broker.consuming.is_up and any(report.state in WORKING for report in reports.values())
        return Readiness(
            ready=works and not self._supervisors.stopping,
            version=VERSION,
            broker=broker.problem or "connected",
            accounts=reports,
            config_errors=tuple(str(each) for each in self._supervisors.loaded.problems),
        )

    def accounts(self) -> dict[str, dict[str, Any]]:
        """Return each account as `/readyz` shows it, without what is not known."""
        return {name: _known(self._report(name)) for name in self._names}

    @property
    def _names(self) -> set[str]:
        return {*self._supervisors.running, *self._supervisors.never_started}

    def _report(self, name: str) -> AccountReport:
        supervisor, depth = self._supervisors[name], self._depths.of(name)
        errors = tuple(str(problem) for problem in self._supervisors.loaded.problems_of(name))
        if supervisor is None:
            status = Status("invalid_config", errors[0] if errors else "")
        else:
            status = supervisor.status
        catalog = None if supervisor is None else supervisor.catalog
        return AccountReport(
            state=status.state,
            last_error=status.last_error,
            queue_depth=depth.waiting,
            dead_letter_depth=depth.dead,
            oldest_unsettled_seconds=round(status.oldest_unsettled, 1),
            pending_subscribers=status.pending_subscribers,
            config_errors=errors,
            config_hash="" if supervisor is None else supervisor.account.version,
            kit_calls=catalog.client.limiter.used if catalog is not None else 0,
            taggings_held=0 if self.held is None else self.held.of(name),
        )


def _known(report: AccountReport) -> dict[str, Any]:
    """Return what is known of an account; its values are plain, and `asdict` would copy each of them."""
    values = ((name, getattr(report, name)) for name in _FIELDS)
    return {name: value for name, value in values if value is not None}


_FIELDS: Final = tuple(field.name for field in fields(AccountReport))
