"""Reads a message as a worker's intake does, for whoever only tries what would become of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TypeGuard

from msgspec import structs

from worker.accounts.account import Account
from worker.accounts.whom import naming_whom
from worker.consumer.interpreting import interpreted
from worker.errors import EventError, HandlerError
from worker.events.decode import decode
from worker.events.delivery import Delivery
from worker.events.event import arrival_of
from worker.subscribers.glimpse import Glimpse, glimpse
from worker.subscribers.item import Item, Kind, Outcome


def as_read(delivery: Delivery, account: Account, home: str) -> Item | Outcome:
    """Return a message as an item with what it asks for, or its end.

    One that keeps no place of the first time comes in after all that were received before, by its tag after
    those of the same millisecond.

    Args:
        delivery: The message.
        account: Under whose mapping.
        home: The account's home app; see `person_key`.
    """
    item = Item(delivery)
    try:
        arrival = arrival_of(round(delivery.received_at.timestamp() * 1000), delivery.tag)
        event = decode(delivery, arrival=arrival, apps=account.apps, types=account.types)
        item = naming_whom(Item(delivery, event), event, account.options, home)
        return interpreted(item, account)
    except EventError as error:
        if item.event is None:
            item = structs.replace(item, glimpse=glimpse(delivery, account.apps, account.types))
        if not item.email:
            return Outcome(item, Kind.DEAD_LETTERED, error)
        return structs.replace(item, refusal=error)  # its person may have been forgotten since
    except Exception as error:  # noqa: BLE001  # the edge, as in intake: it would be dead again
        bug = HandlerError(f"{type(error).__name__} while reading it; this is a bug")
        return Outcome(Item(delivery, glimpse=Glimpse()), Kind.DEAD_LETTERED, bug)


def is_unread(read: Item | Outcome) -> TypeGuard[Outcome]:
    """Tell whether a message could not be read, though it names somebody."""
    return isinstance(read, Outcome) and read.item.event is None and read.item.known.names_somebody


def unless_forgotten(
    read: Item | Outcome, gone: Mapping[tuple[str, str], datetime], home: str
) -> Item | Outcome:
    """Return the same; of one that could not be read, as `consumer.settle` ends it if its person is gone.

    Args:
        read: A message, by `as_read`.
        gone: Until when who is known by a sign was forgotten; see `Ledger.forgotten`.
        home: The account's home app.
    """
    if not is_unread(read):
        return read
    known = read.item.known
    time = known.time or read.item.delivery.received_at
    if any(time <= gone[sign] for sign in known.signs(home) if sign in gone):
        return Outcome(read.item, Kind.FORGOTTEN)
    return read
