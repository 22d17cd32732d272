"""Tells what an event asks for, and of whom: the one door into the functional core. Pure."""

from __future__ import annotations

from worker.accounts.account import Account
from worker.errors import EventError, HandlerError
from worker.events.event import Event
from worker.handlers import handler_for
from worker.handlers.base import read_payload
from worker.mapping import to_change
from worker.subscribers.change import Change


def interpret(event: Event, account: Account) -> Change | None:
    """Return what the event asks for under an account's mapping; None where the account ignores it.

    Raises:
        EventError: It can never be applied under this mapping. Nothing else is raised: a bug in a handler
            becomes a `HandlerError`, so that it costs one event and not the account.
    """
    mapping = account.events.get(event.type)
    if mapping is None:
        return None
    handler = handler_for(event.type)
    try:
        read_payload(event)
        return to_change(mapping, account.fields, handler.lookup(event), event.order, event.type)
    except EventError:
        raise
    except Exception as error:
        raise HandlerError(f"{event.type}: {type(error).__name__} in its handler; this is a bug") from error
