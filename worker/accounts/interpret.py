"""Tells what an event asks for, and of whom: the one door into the functional core. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from worker.accounts.account import Account
from worker.errors import EventError, HandlerError
from worker.events.event import Event
from worker.events.values import as_text
from worker.handlers import handler_for
from worker.handlers.base import Payload, read_payload
from worker.mapping import to_change
from worker.subscribers.change import NOTHING, Change
from worker.subscribers.identity import person_in


@dataclass(frozen=True, slots=True)
class Request:
    """What an event asks for: this change, of the subscriber with this address.

    Attributes:
        user_id: The platform's own id of the person, which outlives addresses; None where it gives none.
    """

    email: str
    change: Change
    user_id: str | None = None


def interpret(event: Event, account: Account) -> Request | None:
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
        payload = read_payload(event)
        change = to_change(mapping, account.fields, handler.lookup(event), event.order, event.type)
    except EventError:
        raise
    except Exception as error:
        raise HandlerError(f"{event.type}: {type(error).__name__} in its handler; this is a bug") from error
    return Request(payload.user.email, change, _user_id(payload))


def whose(event: Event) -> Request | None:
    """Return a request for nothing of the person whom an event names, though the event be at fault."""
    email, user_id = person_in(event.data)
    return None if email is None else Request(email, NOTHING, user_id)


def _user_id(payload: Payload) -> str | None:
    text = as_text(payload.user.id, "user.id") if payload.user.id is not None else None
    return text if isinstance(text, str) else None
