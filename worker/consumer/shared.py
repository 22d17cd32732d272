"""What accounts work with: what all share, and each one's way to Kit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from worker.broker.link import Broker
from worker.broker.topology import Topology
from worker.clock import Seconds
from worker.kit.access import KitSettings, Logins
from worker.kit.catalog import Catalog
from worker.kit.client import CallRecord, KitClient
from worker.kit.credentials import Credential
from worker.kit.limiter import Limiter
from worker.ledger.registry import Registry
from worker.ledger.store import Ledger
from worker.metrics import Metrics
from worker.retry import Tries


@dataclass(frozen=True, slots=True)
class Tools:
    """What every account's consumer shares with the others.

    Attributes:
        wall: Seconds since 1970.
        known_ttl: Seconds for which Kit's answers are relied on.
    """

    broker: Broker
    topology: Topology
    ledger: Ledger
    registry: Registry
    metrics: Metrics
    logins: Logins
    worker_id: str
    concurrency: int
    known_ttl: float
    clock: Seconds
    now: Callable[[], datetime]
    wall: Callable[[], float]
    random: Callable[[], float]


KEPT: Final = 0.02
"""Part of Kit's limit that workers leave to other processes of the same credential."""


@dataclass(slots=True)
class Kit:
    """The account's way to Kit, which outlives sessions.

    Attributes:
        account_id: Kit's own, of the account behind the credential; None before it was asked for.
        failing: By address, how often the changes of people failed while Kit served others.
    """

    client: KitClient
    catalog: Catalog
    account_id: int | None = None
    failing: dict[str, Tries] = field(default_factory=dict)


def allowed(limit: int) -> int:
    """Return how much of Kit's limit the workers use; the rest is for commands like `check`, and probes."""
    return max(1, limit - max(1, round(limit * KEPT)))


def client_for(
    kit: KitSettings, tools: Tools, account: str, credential: Credential, may_call: Callable[[], None]
) -> KitClient:
    """Return an account's client, whose calls are limited and counted.

    Args:
        kit: How to reach Kit.
        tools: The worker's.
        account: Its name, for the metrics.
        credential: Its own.
        may_call: Raises `CallsSuspended` where no call may start.
    """

    def observe(record: CallRecord) -> None:
        tools.metrics.kit_requests.labels(account, record.endpoint, str(record.status)).inc()
        tools.metrics.kit_request_seconds.labels(account, record.endpoint).observe(record.seconds)

    return KitClient(
        base_url=kit.base_url,
        login=tools.logins.of(account, credential),
        limiter=Limiter(
            allowed(kit.rate_limit or credential.limit),
            clock=tools.ledger.clock,
            who=tools.registry.instance,
        ),
        timeout=kit.timeout,
        clock=tools.ledger.clock,
        connections=kit.concurrency,
        caller=tools.worker_id,
        may_call=may_call,
        observe=observe,
    )
