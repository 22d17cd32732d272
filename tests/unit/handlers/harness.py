"""What a handler makes of an event by default, for the tests of each event type."""

from __future__ import annotations

from tests.unit.examples import EMAIL, NOON, event
from worker.events.values import MISSING
from worker.handlers.base import PLATFORM_FIELDS, Handler
from worker.mapping import Asked, Occasion, Options, to_change

EVENT_TIME = "2026-07-01T12:00:01Z"
"""When the event happened that `tags` and `implied` are about."""


def asked(handler: Handler, **objects: object) -> Asked:
    """What an event asks for where an account's file says nothing."""
    assert handler.default is not None
    happened = event(1, handler.type, {"user": {"email": EMAIL}, **objects})
    return to_change(handler.default, (), Options(), Occasion(handler.lookup(happened), happened.order, NOON))


def tags(handler: Handler, **objects: object) -> dict[str, bool]:
    """The tags that such an event adds (True) and removes (False); nothing of it is owed."""
    part = asked(handler, **objects)
    assert not part.owed
    return {each.value.name: each.value.present for each in part.change.tags.values()}


def implied(handler: Handler) -> dict[str, object]:
    """The platform fields that an event has though its payload gives nothing but the address."""
    find = handler.lookup(event(1, handler.type))
    return {name: value for name in PLATFORM_FIELDS if (value := find(name)) is not MISSING}
