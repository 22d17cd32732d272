"""What a worker tells about its accounts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from worker.consumer.account_state import Status
from worker.consumer.shared import Shared
from worker.consumer.supervisors import Supervisors
from worker.metrics import Metrics
from worker.ops.readiness import StatusReport


def test_an_account_that_was_removed_is_no_longer_measured() -> None:
    """Given an account that was held when its file was deleted, no alert of it stays on."""
    status = Status("credential_refused", "401", 900.0, 3)
    running: dict[str, Any] = {
        name: SimpleNamespace(status=status, budget_used=0.5) for name in ("gone", "here")
    }
    supervisors = SimpleNamespace(running=running, never_started=set())
    shared = SimpleNamespace(metrics=Metrics())
    report = StatusReport(cast("Shared", shared), cast("Supervisors", supervisors))
    assert b'"gone"' in report.metrics_text()

    del running["gone"]

    text = report.metrics_text()
    assert b'"gone"' not in text
