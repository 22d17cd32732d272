"""What events of before ask for by an account's file as it is now, in place of what they did then. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import structs

from worker.accounts.account import Account
from worker.accounts.whom import naming_whom
from worker.consumer.interpreting import interpreted
from worker.errors import EventError
from worker.events.decode import decode
from worker.events.delivery import Delivery
from worker.subscribers.change import NO_EVENTS, NOTHING, Change, merge_all
from worker.subscribers.copies import known_place
from worker.subscribers.fact import Facts
from worker.subscribers.item import Item, Outcome


def read_kept(kept: Iterable[Delivery], account: Account, home_app: str, facts: Facts) -> Iterator[Item]:
    """Yield events that are kept as a worker would read them today, each in the place that it has by now.

    One that is none of the account's any more, because its app is another one's by now, say, is left out.

    Args:
        kept: The events of a person.
        account: By which file they are read.
        home_app: Of the account; see `person_key`.
        facts: That are known of the person.
    """
    for delivery in kept:
        try:
            event = decode(delivery, arrival=0, apps=account.apps, types=account.types)
        except EventError:
            continue
        event = structs.replace(event, order=known_place(event, facts))
        yield naming_whom(Item(delivery, event), event, account.options, home_app)


def asked_by(item: Item, account: Account) -> Item | None:
    """Return an event with what it asks for under an account's mapping, now and later.

    None where it can never be applied: what is so by it stays.
    """
    try:
        asks = interpreted(item, account)
    except EventError:
        return None
    return structs.replace(item, change=NOTHING, later=None) if isinstance(asks, Outcome) else asks


def all_anew(asked: Iterable[Item | None]) -> Change:
    """Return all that events of one person ask for by now.

    What they asked for before, and do not any more, it takes back; see `Change.anew`. Nobody is created by
    it, and nobody gets another address. What can never be applied stays as it is.

    Args:
        asked: Each event once, with what it asks for.
    """
    heard = [(item.event, item.change) for item in asked if item is not None and item.event is not None]
    return structs.replace(
        merge_all(change for _, change in heard),
        anew=frozenset(event.order for event, _ in heard),
        creates=None,
        address=None,
        agreed=NO_EVENTS,
        known=NO_EVENTS,
    )
