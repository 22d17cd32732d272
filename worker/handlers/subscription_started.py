"""`subscription.started`: somebody became a paying member."""

from __future__ import annotations

from collections.abc import Mapping

from worker.events.event import Event
from worker.events.values import time_text
from worker.handlers.base import Handler
from worker.mapping import EventMapping, Rule, Template


def _fallbacks(event: Event) -> Mapping[str, str]:
    return {"mk_subscription_started_at": time_text(event.time)}


HANDLER = Handler(
    type="subscription.started",
    meaning="a paying member",
    default=EventMapping(
        Rule(add_tags=(Template("Active Member"),), remove_tags=(Template("Cancelled"),)), lifecycle="opens"
    ),
    fallbacks=_fallbacks,
    example={
        "subscription": {
            "id": "s-77",
            "plan": "Annual",
            "status": "active",
            "started_at": "2026-07-01T10:00:00Z",
        }
    },
)
