"""`access.granted`: somebody may use something, by access level."""

from __future__ import annotations

from collections.abc import Mapping

from worker.events.event import Event
from worker.events.values import time_text
from worker.handlers.base import Handler
from worker.mapping import EventMapping, Rule, Template


def _fallbacks(event: Event) -> Mapping[str, str]:
    return {"mk_access_granted_at": time_text(event.time)}


HANDLER = Handler(
    type="access.granted",
    meaning="tagged by access level",
    default=EventMapping(Rule(add_tags=(Template("{mk_access_level} access"),))),
    fallbacks=_fallbacks,
    example={"access": {"level": "Gold", "product": "Bread course", "expires_at": "2027-07-01T10:00:00Z"}},
)
