"""Small values that many tests need: order keys, changes, events and a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from worker.events.event import Event, OrderKey
from worker.subscribers.change import Change
from worker.subscribers.parts import Part, TagWish, tag_key

NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
EMAIL = "ada@example.com"


def order(number: int) -> OrderKey:
    """The key of the event that happened `number` seconds after noon."""
    return OrderKey("", NOON + timedelta(seconds=number), number)


def wish(name: str, *, by_placeholder: bool = False) -> TagWish:
    """A tag that is to be on."""
    return TagWish(name, present=True, by_placeholder=by_placeholder)


def change(  # one for each part of a change
    number: int = 1,
    *,
    add: tuple[str, ...] = (),
    remove: tuple[str, ...] = (),
    fields: Mapping[str, str | None] | None = None,
    first_name: str | None = None,
    ensure: bool = True,
) -> Change:
    """What event `number` asks for."""
    key = order(number)
    wishes = [TagWish(name, present=False) for name in remove] + [TagWish(name, present=True) for name in add]
    return Change(
        tags={tag_key(wish.name): Part(wish, key) for wish in wishes},
        fields={name: Part(value, key) for name, value in (fields or {}).items()},
        first_name=Part(first_name, key) if first_name is not None else None,
        ensure=Part(value=True, order=key) if ensure else None,
        creates=Part("active", key) if ensure else None,
    )


def event(
    number: int = 1, type_: str = "user.signed_up", data: Mapping[str, object] | None = None, **user: object
) -> Event:
    """Event `number`, about Ada unless `data` or the fields of `user` say otherwise."""
    payload = {"user": {"email": EMAIL, **user}} if data is None else data
    return Event(
        type=type_,
        time=NOON + timedelta(seconds=number),
        order=order(number),
        data=payload,  # type: ignore[arg-type]  # whatever a test wants to see refused
        id=f"event-{number}",
    )
