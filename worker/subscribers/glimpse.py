"""What can still be read of a message whose event cannot be applied: which event, of when, whose. Pure.

People look for it by that: among dead letters, and in the history.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct

from worker.errors import EventError
from worker.events.body import plain_body
from worker.events.broken_json import readable_part
from worker.events.delivery import Delivery
from worker.events.envelope import from_base64, legible_attributes, stated_type
from worker.events.event import EVENT_ID, EVENT_TIME, ORIGINAL_ROUTING_KEY
from worker.events.routing_key import type_in
from worker.events.times import parse_time
from worker.outside.texts import line
from worker.subscribers.identity import id_key, person_in, person_key

MAX_TYPE: Final = 255
"""Characters."""
MAX_ID_READ: Final = 4096
"""Characters of an id, which is then kept by its `id_key`."""


class Glimpse(Struct, frozen=True):
    """What a message says of its event, as far as it can be read; each is cut to a bound, and harmless.

    Attributes:
        id: As `id_key` writes it; None where none can be read.
        type: Empty where none can be read.
        time: None where none can be read.
        email: The person's address; empty where none can be read.
        user_id: The platform's id of the person; None where none can be read.
        app: Of the account's, the one that the routing key names; None where it names none of them.
    """

    id: str | None = None
    type: str = ""
    time: datetime | None = None
    email: str = ""
    user_id: str | None = None
    app: str | None = None

    @property
    def names_somebody(self) -> bool:
        """Whether anything can be read by which a person may be known."""
        return bool(self.email) or self.user_id is not None

    def signs(self, home: str) -> tuple[tuple[str, str], ...]:
        """Return by what the person is known in an account of that home app: see `Known.forgotten`."""
        user = () if self.user_id is None else (("user", person_key(self.user_id, self.app, home)),)
        return ((("email", self.email),) if self.email else ()) + user


def glimpse(delivery: Delivery, apps: Collection[str] = (), types: Collection[str] = ()) -> Glimpse:
    """Return what can be read of a message; each part by itself, and it raises nothing, whatever came.

    Args:
        delivery: The message.
        apps: The account's, to take them off a routing key that has to stand for the type.
        types: Those that are known, likewise.
    """
    delivery = delivery.as_published()
    envelope, data = _envelope(delivery)
    email, user_id = _person(data)
    shown_id = _first(_text(value, MAX_ID_READ) for value in _ids(envelope, delivery))
    kinds = _types(envelope, delivery, apps, types)
    return Glimpse(
        id=id_key(shown_id) if shown_id else None,
        type=_first(_text(value, MAX_TYPE) for value in kinds),
        time=next(_times(envelope, delivery), None),
        email=email,
        user_id=user_id,
        app=next((app for app in apps if _routing_key(delivery).endswith(f".{app}")), None),
    )


def _envelope(delivery: Delivery) -> tuple[Mapping[str, Any], Any]:
    """Return an event's attributes, and its data."""
    body = readable_part(_plain(delivery))
    if "specversion" not in body and (outside := legible_attributes(delivery.headers)):
        return outside, body
    return body, body.get("data") or _packed_data(body)


def _plain(delivery: Delivery) -> bytes:
    with suppress(EventError):
        return plain_body(delivery)
    return delivery.body


def _packed_data(body: Mapping[str, Any]) -> object:
    with suppress(EventError):
        return readable_part(from_base64(body.get("data_base64")))
    return None


def _person(data: object) -> tuple[str, str | None]:
    user = data.get("user") if isinstance(data, dict) else None
    if not isinstance(user, dict):
        return "", None
    email, user_id = "", None
    with suppress(EventError):  # the one says nothing about the other
        email = person_in({"user": {"email": user.get("email")}})[0] or ""
    with suppress(EventError):
        user_id = person_in({"user": {"id": user.get("id")}})[1]
    return email, user_id


def _ids(envelope: Mapping[str, Any], delivery: Delivery) -> Iterator[object]:
    yield envelope.get("id")
    is_replay = ORIGINAL_ROUTING_KEY in delivery.headers
    yield delivery.headers.get(EVENT_ID) if is_replay else delivery.properties.get("message_id")


def _types(
    envelope: Mapping[str, Any], delivery: Delivery, apps: Collection[str], types: Collection[str]
) -> Iterator[object]:
    yield envelope.get("type")
    yield stated_type(delivery)
    yield type_in(_routing_key(delivery), apps, types)


def _routing_key(delivery: Delivery) -> str:
    return str(
        delivery.headers.get(ORIGINAL_ROUTING_KEY) or (delivery.routing_key if delivery.exchange else "")
    )


def _times(envelope: Mapping[str, Any], delivery: Delivery) -> Iterator[datetime]:
    for value in (envelope.get("time"), envelope.get("occurred_at"), delivery.headers.get(EVENT_TIME)):
        with suppress(EventError):
            yield parse_time("time", value)
    if isinstance(stamp := delivery.properties.get("timestamp"), datetime):
        with suppress(ValueError, OverflowError):
            yield stamp.astimezone(UTC)


def _text(value: object, limit: int) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    try:
        return line(str(value), limit, addresses=False).strip()
    except ValueError:  # a number of thousands of digits
        return ""


def _first(texts: Iterator[str]) -> str:
    return next(filter(None, texts), "")
