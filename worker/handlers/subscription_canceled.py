"""`subscription.canceled`: somebody is no longer a paying member."""

from __future__ import annotations

from worker.handlers.base import Handler
from worker.mapping import EventMapping, Rule, Template

HANDLER = Handler(
    type="subscription.canceled",
    meaning="no longer a paying member",
    default=EventMapping(
        Rule(add_tags=(Template("Cancelled"),), remove_tags=(Template("Active Member"),)), lifecycle="closes"
    ),
    happened_at="mk_subscription_canceled_at",
    example={
        "subscription": {
            "id": "s-77",
            "plan": "Annual",
            "ends_at": "2027-07-01T10:00:00Z",
            "cancel_reason": "price",
        }
    },
)
