"""`user.signed_up`: somebody joined the creator's app."""

from __future__ import annotations

from collections.abc import Mapping

from worker.events.event import Event
from worker.events.values import time_text
from worker.handlers.base import Handler
from worker.mapping import EventMapping


def _fallbacks(event: Event) -> Mapping[str, str]:
    return {"mk_signed_up_at": time_text(event.time)}


HANDLER = Handler(
    type="user.signed_up",
    meaning="create or update the subscriber",
    default=EventMapping(),
    fallbacks=_fallbacks,
    example={"user": {"signed_up_at": "2026-07-01T10:00:00Z"}},
)
