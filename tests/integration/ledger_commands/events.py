"""Events of Ada, and how many of them a worker has ended."""

from __future__ import annotations

from typing import Any

from tests.integration.harness import Worker

MAPPING = """
events:
  subscription.started:
    add_tags: [Active Member]
    rules: [{when: {mk_subscription_plan: Annual}, add_tags: [Annual Plan]}]
"""


def event(number: int, kind: str, email: str = "ada@example.com", **more: Any) -> dict[str, Any]:  # noqa: ANN401
    user = {"id": more.pop("user", "u-1"), "email": email}
    if before := more.pop("previous_email", None):
        user["previous_email"] = before
    time = f"2026-07-01T10:{number:02}:00Z"
    return {"id": f"e{number}", "type": kind, "time": time, "data": {"user": user, **more}}


def ended(worker: Worker) -> int:
    return sum(name.startswith("event_") for name in worker.events_logged())
