"""`access.granted`: somebody may use something, by access level."""

from __future__ import annotations

from worker.handlers.base import Handler
from worker.mapping import EventMapping, Rule, Template

HANDLER = Handler(
    type="access.granted",
    meaning="tagged by access level",
    default=EventMapping(Rule(add_tags=(Template("{mk_access_level} access"),))),
    happened_at="mk_access_granted_at",
    example={"access": {"level": "Gold", "product": "Bread course", "expires_at": "2027-07-01T10:00:00Z"}},
)
