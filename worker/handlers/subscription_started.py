"""`subscription.started`: somebody became a paying member."""

from __future__ import annotations

from worker.handlers.base import Handler
from worker.mapping import EventMapping, Rule, Template

HANDLER = Handler(
    type="subscription.started",
    meaning="a paying member",
    default=EventMapping(
        Rule(add_tags=(Template("Active Member"),), remove_tags=(Template("Cancelled"),)), lifecycle="opens"
    ),
    happened_at="mk_subscription_started_at",
    example={
        "subscription": {
            "id": "s-77",
            "plan": "Annual",
            "status": "active",
            "started_at": "2026-07-01T10:00:00Z",
        }
    },
)
