"""What a worker tells about its accounts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from worker.consumer.supervisor import Status
from worker.metrics import Metrics
from worker.ops.readiness import StatusReport


def test_an_account_that_was_removed_is_no_longer_measured() -> None:
    """Given an account that was held when its file was deleted, no alert of it stays on."""
    status = Status("credential_refused", "401", 900.0, 3)
    accounts = ("gone", "here")
    workers: dict[str, Any] = {name: SimpleNamespace(status=status, budget_used=0.5) for name in accounts}
    nothing = cast("Any", None)
    report = StatusReport(
        broker=nothing,
        topology=nothing,
        metrics=Metrics(),
        workers=lambda: workers,
        loaded=lambda: cast("Any", SimpleNamespace(names=tuple(workers))),
        stopping=lambda: False,
    )
    assert b'"gone"' in report.metrics_text()

    del workers["gone"]

    text = report.metrics_text()
    assert b'"gone"' not in text
