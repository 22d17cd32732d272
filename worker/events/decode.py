"""From a `Delivery` to an `Event`, in any of the documented forms.

Pure: it knows neither RabbitMQ nor the clock. It raises `EventError` and nothing else, whatever the bytes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from worker.errors import EarlyEvent, InvalidEvent, UndecodableEvent
from worker.events.delivery import NEVER, Delivery
from worker.events.envelope import read_envelope, stated_type
from worker.events.event import (
    DUE_AT,
    DUE_ID,
    EVENT_ARRIVAL,
    EVENT_ID,
    EVENT_TIME,
    IMPORTED,
    LET_GO,
    ORIGIN,
    ORIGINAL_ROUTING_KEY,
    OWES,
    TAKEN_BACK,
    Due,
    Event,
    Imported,
    OrderKey,
    Origin,
)
from worker.events.routing_key import app_in, begins, type_in
from worker.events.times import parse_time
from worker.events.values import Json

MAX_AHEAD = timedelta(minutes=5)
"""A time further ahead would outrank whatever really happens to that person until then."""

MAX_ARRIVAL_DIGITS = 20

_ORIGINS: Final = {origin.value: origin for origin in Origin}


def decode(
    delivery: Delivery,
    *,
    arrival: int,
    apps: Collection[str] = (),
    types: Collection[str] = (),
    not_before: datetime = NEVER,
) -> Event:
    """Return the event that a message carries.

    Args:
        delivery: The message; the time of its receipt stands for the event's where that has none.
        arrival: A number that grows with every message; a replayed event keeps its own.
        apps: The apps of the account; empty where it takes events without an app.
        types: The event types that are known, to split a routing key where the message names no type.
        not_before: When the last event without a time of its own is said to have happened, as clocks go back.

    Raises:
        UndecodableEvent: It is not readable at all.
        EarlyEvent: It is dated too far ahead of when it was received.
        InvalidEvent: A field of the envelope is missing or wrong; the text begins with its name.
        WrongApp: Its routing key names an app that is not the account's.
    """
    delivery = delivery.as_published()
    envelope = _envelope(delivery)
    replayed = _header(delivery, ORIGINAL_ROUTING_KEY)
    routing_key = replayed or delivery.routing_key
    is_routed = bool(replayed or delivery.exchange)  # else the key is the queue's name, and names no app
    kind = _type(envelope, delivery, routing_key, apps, types)
    given = _time(envelope, delivery)
    time = max(delivery.received_at, not_before) if given is None else given
    origin = _origin(delivery)
    place = _arrival(delivery, origin) or arrival
    return Event(
        type=kind,
        time=time,
        order=OrderKey(_sequence(envelope), time, place),
        data=_data(envelope),
        id=_id(envelope, delivery),
        app=app_in(routing_key, kind, apps, types) if is_routed or begins(routing_key, kind) else None,
        dated=given is not None,
        origin=origin,
        due=_due(delivery),
        imported=_imported(delivery),
    )


def with_data(event: Event, delivery: Delivery) -> Event:
    """Return an event with its data, which is read from its message again where it was let go."""
    return replace(event, data=_data(_envelope(delivery))) if event.data is LET_GO else event


def _envelope(delivery: Delivery) -> dict[str, Any]:
    if delivery.unreadable:
        names = ", ".join(delivery.unreadable)
        raise UndecodableEvent(
            f"{names}: cannot be read (text must be UTF-8, and the timestamp in seconds since 1970)"
        )
    return read_envelope(delivery)


def _header(delivery: Delivery, name: str) -> str | None:
    value = delivery.headers.get(name)
    return value if isinstance(value, str) and value else None


def _arrival(delivery: Delivery, origin: Origin | None) -> int:
    text = _header(delivery, EVENT_ARRIVAL) or ""
    if origin is Origin.UNDO and text == str(TAKEN_BACK):
        return TAKEN_BACK
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_ARRIVAL_DIGITS else 0


def due_id(delivery: Delivery) -> str | None:
    """Return for which timer a message was published, whatever else of it can be read; None for none."""
    if ORIGIN not in delivery.headers:
        return None
    delivery = delivery.as_published()
    return None if _origin(delivery) is None else _header(delivery, DUE_ID)


def _origin(delivery: Delivery) -> Origin | None:
    return _ORIGINS.get(_header(delivery, ORIGIN) or "")


def _due(delivery: Delivery) -> Due | None:
    timer = due_id(delivery)
    if timer is None:
        return None
    return Due(timer, parse_time(DUE_AT, _header(delivery, DUE_AT)), _header(delivery, OWES) or "")


def _imported(delivery: Delivery) -> Imported | None:
    text = _header(delivery, IMPORTED)
    try:
        return None if text is None else msgspec.json.decode(text, type=Imported)
    except msgspec.MsgspecError as error:
        raise InvalidEvent(f"{IMPORTED}: {error}") from error


def _text_attribute(envelope: Mapping[str, Any], name: str) -> str | None:
    value = envelope.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InvalidEvent(f"{name}: must be text")
    text = str(value)
    if len(text) > 255:
        raise InvalidEvent(f"{name}: longer than 255 characters")
    return text


def _id(envelope: Mapping[str, Any], delivery: Delivery) -> str | None:
    # A replayed dead letter carries the publisher's id in a header: its message_id is our own.
    if (given := _text_attribute(envelope, "id")) is not None:
        return given
    if ORIGINAL_ROUTING_KEY in delivery.headers:
        return _header(delivery, EVENT_ID)
    return delivery.properties.get("message_id")


def _type(
    envelope: Mapping[str, Any],
    delivery: Delivery,
    routing_key: str,
    apps: Collection[str],
    types: Collection[str],
) -> str:
    given = (_text_attribute(envelope, "type") or "").strip() or stated_type(delivery)
    kind = given or type_in(routing_key, apps, types)
    if not kind:
        raise InvalidEvent("type: missing from the event, its properties and its routing key")
    return kind


def _time(envelope: Mapping[str, Any], delivery: Delivery) -> datetime | None:
    name, value = next(
        ((name, envelope[name]) for name in ("time", "occurred_at") if envelope.get(name) is not None),
        ("", None),
    )
    if value is not None:
        time = parse_time(name, value)
    elif (kept := _header(delivery, EVENT_TIME)) is not None:
        # Of a replayed event, and to the digit, which the property, in whole seconds, is not.
        name, time = EVENT_TIME, parse_time(EVENT_TIME, kept)
    elif (stamp := delivery.properties.get("timestamp")) is not None:
        name, time = "timestamp", stamp.astimezone(UTC)
    else:
        return None
    ahead_by = time - delivery.received_at
    if ahead_by > MAX_AHEAD:
        ahead = f"{time.isoformat()} lies {ahead_by} ahead of this worker's clock"
        raise EarlyEvent(f"{name}: {ahead}; at most {MAX_AHEAD} is allowed")
    return time


def _sequence(envelope: Mapping[str, Any]) -> str:
    """Return the CloudEvents `sequence` such that plain text comparison orders it.

    The extension compares as text, where "10" would come before "9"; whole numbers are therefore padded,
    which changes nothing for publishers that pad them already.
    """
    if "specversion" not in envelope:
        return ""
    text = _text_attribute(envelope, "sequence") or ""
    if text.isascii() and text.isdigit():
        digits = text.lstrip("0")
        return f"{len(digits):03}{digits}"
    return text


def sequence_told(sequence: str) -> str:
    """Return a sequence, as an `OrderKey` has it, as an event says it."""
    return sequence[3:] or "0" if sequence.isascii() and sequence.isdigit() else sequence


def _data(envelope: Mapping[str, Any]) -> Mapping[str, Json]:
    data = envelope.get("data")
    if not isinstance(data, dict):
        text = ", not text" if isinstance(data, str) else ""
        raise InvalidEvent("data: missing" if data is None else f"data: must be an object{text}")
    return data
