"""Tells whom an event names under an account's options, and whether it may change an address. Pure."""

from __future__ import annotations

from msgspec import structs

from worker.accounts.account import Account
from worker.events.delivery import Delivery
from worker.events.event import Event
from worker.mapping.options import ANY, NEVER, Options
from worker.subscribers.identity import address_in, home_app, person_in, person_key, shown_person
from worker.subscribers.item import Item


def naming_whom(item: Item, event: Event, options: Options, home_app: str) -> Item:
    """Return an item with the signs of its person.

    Args:
        item: An event on its way.
        event: The same, with its data.
        options: Those of the account.
        home_app: Of the account; see `person_key`.
    """
    email, user_id = person_in(event.data)
    previous = _previous(event)
    if options.identity == "email":
        return structs.replace(item, email=email or "", by_address=True)
    types = options.address_changes
    return structs.replace(
        item,
        email=email or "",
        user_id=None if user_id is None else person_key(user_id, event.app, home_app),
        previous="" if NEVER in types or previous == email else previous,
        may_move=ANY in types or event.type in types,
    )


def _previous(event: Event) -> str:
    user = event.data.get("user")
    return (address_in(user, "previous_email") or "") if isinstance(user, dict) else ""


def told_by(event: Event, account: Account) -> str:
    """Return in words by what an event's person is known, and whether it may change the person's address."""
    item = naming_whom(Item(Delivery(b"", "")), event, account.options, home_app(account.apps))
    if item.by_address:
        return "the address alone (options.identity: email)"
    if item.user_id is None:
        user = event.data.get("user")
        has_none = isinstance(user, dict) and user.get("id") is not None
        return f"the address{', for the id is none' if has_none else ''}"
    return f"the id {shown_person(item.user_id)}{', whose address it may change' if item.may_move else ''}"
