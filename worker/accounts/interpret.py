"""Tells what an event asks for, and of whom: the one door into the functional core. Pure."""

from __future__ import annotations

from datetime import datetime

from worker.accounts.account import Account
from worker.errors import EventError, HandlerError
from worker.events.event import Event
from worker.handlers import handler_for
from worker.handlers.base import check_person
from worker.mapping import Asked, Occasion, to_change


def interpret(event: Event, account: Account, now: datetime) -> Asked | None:
    """Return what the event asks for under an account's mapping; None where the account ignores it.

    Args:
        event: What happened.
        account: Under whose mapping.
        now: The moment at which that is asked, with its offset.

    Raises:
        EventError: Nothing of it can ever be applied, because of whom it is about. Nothing else is raised: a
            bug in a handler becomes a `HandlerError`, so that it costs one event and not the account.
    """
    mapping = account.events.get(event.type)
    if mapping is None:
        return None
    try:
        check_person(event)
        lookup = handler_for(event.type).lookup(event, mapping.lifecycle)
        return to_change(
            mapping, account.fields, account.options, Occasion(lookup, event.order, now, event.type)
        )
    except EventError:
        raise
    except Exception as error:
        raise HandlerError(f"{event.type}: {type(error).__name__} in its handler; this is a bug") from error
