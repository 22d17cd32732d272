"""What accounts work with: what all share, and each one's way to Kit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from worker.broker.link import Broker
from worker.broker.topology import Topology
from worker.clock import Seconds
from worker.kit.access import KitAccess
from worker.kit.catalog import Catalog
from worker.kit.client import KitClient
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
    kit: KitAccess
    worker_id: str
    concurrency: int
    known_ttl: float
    clock: Seconds
    now: Callable[[], datetime]
    wall: Callable[[], float]
    random: Callable[[], float]


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
