"""`user.signed_up`: somebody joined the creator's app."""

from __future__ import annotations

from worker.handlers.base import Handler
from worker.mapping import EventMapping

HANDLER = Handler(
    type="user.signed_up",
    meaning="create or update the subscriber",
    default=EventMapping(),
    happened_at="mk_signed_up_at",
    example={"user": {"signed_up_at": "2026-07-01T10:00:00Z"}},
)
