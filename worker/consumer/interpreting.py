"""What an event on its way asks for under its account's mapping: now, and later. Pure."""

from __future__ import annotations

from msgspec import structs

from worker.accounts.account import Account
from worker.accounts.interpret import interpret
from worker.accounts.later import later_of
from worker.events.decode import with_data
from worker.subscribers.item import Item


def interpreted(item: Item, account: Account) -> Item | None:
    """Return an event with what it asks for, and what of that is owed; None where the account ignores it.

    Raises:
        EventError: Nothing of it can ever be applied.
    """
    if item.event is None:
        raise AssertionError("a message that could not be read asks for nothing")
    event = with_data(item.event, item.delivery)
    asked = interpret(event, account, event.moment(item.delivery.received_at))
    if asked is None:
        return None
    later = later_of(event, account, asked)
    return structs.replace(item, change=asked.change, refusal=asked.refusal, later=later)
