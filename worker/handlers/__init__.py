"""The event types that the worker knows by itself: one file each, and this registry of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from worker.handlers import (
    access_granted,
    mapped_only,
    subscription_canceled,
    subscription_started,
    user_signed_up,
)
from worker.handlers.base import Handler


def _register(*handlers: Handler) -> Mapping[str, Handler]:
    registry: dict[str, Handler] = {}
    for handler in handlers:
        if handler.type in registry:
            raise ValueError(f"two handlers for {handler.type}")
        registry[handler.type] = handler
    return registry


HANDLERS: Final = _register(
    user_signed_up.HANDLER,
    subscription_started.HANDLER,
    subscription_canceled.HANDLER,
    access_granted.HANDLER,
)
"""The event types that every account knows, each with a default mapping."""


def handler_for(event_type: str) -> Handler:
    """Return the handler of an event type; of one that only an admin's file knows, the general one."""
    return HANDLERS.get(event_type, mapped_only.HANDLER)
