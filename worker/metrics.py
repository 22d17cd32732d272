"""Every metric of the worker, with its labels and meaning."""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from worker.logs import LINES_LOST

VERSION: Final = version("kit-worker")
"""This worker's own, as `kit-worker --version`, its log, `/readyz` and its metrics tell it."""

STATES = ("running", "waiting", "held", "credential_refused", "invalid_config", "queue_missing")
"""What an account can be: see the operator's guide."""

_AGE_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21600, 86400)
_CALL_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30)


class Metrics:
    """The worker's metrics, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.events = Counter(
            "kit_worker_events",
            "Events settled, by outcome: applied, scheduled, superseded, duplicate, ignored or dead_lettered",
            ["account", "type", "outcome"],
            registry=self.registry,
        )
        self.event_age = Histogram(
            "kit_worker_event_age_seconds",
            "From an event's own time to its being applied",
            ["account"],
            buckets=_AGE_BUCKETS,
            registry=self.registry,
        )
        self.kit_requests = Counter(
            "kit_worker_kit_requests",
            "Calls to Kit; status 0 is no answer",
            ["account", "endpoint", "status"],
            registry=self.registry,
        )
        self.kit_request_seconds = Histogram(
            "kit_worker_kit_request_seconds",
            "How long Kit took to answer",
            ["account", "endpoint"],
            buckets=_CALL_BUCKETS,
            registry=self.registry,
        )
        self.budget_used = Gauge(
            "kit_worker_kit_budget_used_ratio",
            "How much of Kit's rate limit the last 60 s have used, 0 to 1",
            ["account"],
            registry=self.registry,
        )
        self.pending = Gauge(
            "kit_worker_pending_subscribers",
            "Subscribers with changes that wait for Kit",
            ["account"],
            registry=self.registry,
        )
        self.oldest_unsettled = Gauge(
            "kit_worker_oldest_unsettled_seconds",
            "How long the oldest event that is not settled has been here",
            ["account"],
            registry=self.registry,
        )
        self.queue_depth = Gauge(
            "kit_worker_queue_depth",
            "Messages that wait in the account's work queue, or are dead letters, some 15 s ago",
            ["account", "queue"],
            registry=self.registry,
        )
        self.due_effects = Gauge(
            "kit_worker_due_effects",
            "Effects that come later, those that are on their way included, some 15 s ago",
            ["account"],
            registry=self.registry,
        )
        self.due_late = Gauge(
            "kit_worker_due_late_seconds",
            "For how long nothing was published of what is due, some 15 s ago",
            ["account"],
            registry=self.registry,
        )
        self.taggings_held = Gauge(
            "kit_worker_taggings_held",
            "New tags that are not put on before somebody allows them, some 15 s ago",
            ["account"],
            registry=self.registry,
        )
        self.drift = Gauge(
            "kit_worker_drift",
            "What Kit had otherwise than this worker gave it, when that was last compared, by class",
            ["account", "class"],
            registry=self.registry,
        )
        self.token_not_written = Gauge(
            "kit_worker_token_not_written",
            "1 while the process has the only copy of an account's tokens, which the ledger does not take",
            ["account"],
            registry=self.registry,
        )
        self.dead_letters = Counter(
            "kit_worker_dead_letters",
            "Events put into the dead-letter queue, by reason",
            ["account", "reason"],
            registry=self.registry,
        )
        self.moves_held = Counter(
            "kit_worker_moves_held",
            "Changes of address that were not made because too many came within an hour",
            ["account"],
            registry=self.registry,
        )
        self.account_state = Gauge(
            "kit_worker_account_state",
            "1 for the state that the account is in, 0 for the others",
            ["account", "state"],
            registry=self.registry,
        )
        self.topology_mended = Counter(
            "kit_worker_topology_mended",
            "Exchanges, queues and bindings that were lost while the worker ran, and were declared again",
            ["account"],
            registry=self.registry,
        )
        self.config_reloads = Counter(
            "kit_worker_config_reloads",
            "Reloads of the configuration, by result: ok or invalid",
            ["result"],
            registry=self.registry,
        )
        for result in ("ok", "invalid"):
            self.config_reloads.labels(
                result
            )  # there from the start, so that a first one shows as an increase
        self.ledger_up = Gauge(
            "kit_worker_ledger_up",
            "1 while the ledger can be read and written, else 0; it is looked at every few seconds",
            registry=self.registry,
        )
        self.build_info = Gauge(
            "kit_worker_build_info", "1, with the version of this worker", ["version"], registry=self.registry
        )
        self.build_info.labels(VERSION).set(1)
        self.ledger_went_back = Gauge(
            "kit_worker_ledger_went_back",
            "How often this process found the ledger older than it was",
            ["account"],
            registry=self.registry,
        )
        self.registry.register(LINES_LOST)
        self.loop_lag = Gauge(
            "kit_worker_loop_lag_seconds",
            "How late the event loop last was; over a second, something blocks it",
            registry=self.registry,
        )

    def clear_states(self) -> None:
        """Forget what accounts are like now; one that was removed would else be held, and alarm, for ever."""
        for gauge in (
            self.account_state, self.pending, self.oldest_unsettled, self.budget_used, self.queue_depth,
            self.ledger_went_back,
            self.token_not_written,
        ):  # fmt: skip
            gauge.clear()

    def set_state(self, account: str, state: str) -> None:
        """Note the one state that an account is in."""
        for name in STATES:
            self.account_state.labels(account, name).set(name == state)

    def text(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return generate_latest(self.registry)
