"""AMQP frames, read tolerantly, so that one publisher's slip is one bad message and not an outage.

pamqp raises on a timestamp beyond year 9999 and on short text that is not UTF-8, inside the frame reader:
the connection dies, the message is delivered again, and so on for ever, for every account, while no code
of ours ever sees it. Here such values become marked ones instead, which a `Delivery` then names.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import aio_pika
from aiormq.abc import DeliveredMessage
from pamqp import commands, decode, encode

from worker.events.delivery import Delivery

_UNREADABLE_TIME: Final = datetime.max.replace(tzinfo=UTC)
"""Stands for a timestamp that no calendar holds, such as one in microseconds."""

_PROPERTIES: Final = (
    ("content_type", "content_type"), ("content_encoding", "content_encoding"),
    ("correlation_id", "correlation_id"), ("reply_to", "reply_to"), ("expiration", "expiration"),
    ("message_id", "message_id"), ("type", "message_type"), ("user_id", "user_id"), ("app_id", "app_id"),
    ("timestamp", "timestamp"), ("delivery_mode", "delivery_mode"), ("priority", "priority"),
)  # fmt: skip
"""The properties by their AMQP names, and by pamqp's."""


def install() -> None:
    """Replace pamqp's strict decoders, in this process, for good. Doing it twice changes nothing.

    And have RabbitMQ's refusal of a virtual host be read: aiormq takes `Connection.Close` for a broken frame
    where it is no valid answer, though it may come at any time (AMQP 0-9-1, 1.4.2.10), and loses its text.
    """
    commands.Connection.Open.valid_responses = ["Connection.OpenOk", "Connection.Close"]
    decode.METHODS.update(timestamp=_timestamp, shortstr=_short_text, table=_table)
    decode.TABLE_MAPPING.update({b"T": _timestamp, b"F": _table})


def _timestamp(value: bytes) -> tuple[int, datetime]:
    try:
        return decode.timestamp(value)
    except (ValueError, OverflowError, OSError):
        return 8, _UNREADABLE_TIME


def _short_text(value: bytes) -> tuple[int, str]:
    length = value[0]
    return length + 1, value[1 : length + 1].decode("utf-8", "surrogateescape")


def _table(value: bytes) -> tuple[int, dict[str, Any]]:
    (length,) = struct.unpack_from(">I", value)
    offset, end = 4, 4 + length
    table: dict[str, Any] = {}
    while offset < end:
        used, key = _short_text(value[offset:end])
        offset += used
        used, table[key] = decode.embedded_value(value[offset:end])
        offset += used
    return end, table


# -- received ---------------------------------------------------------------------------------------------


def read_delivery(raw: DeliveredMessage, *, received_at: datetime, since: float) -> Delivery:
    """Return what was delivered. Whatever the properties hold, it raises nothing.

    Args:
        raw: As the layer under aio-pika hands it over; `ConsumerChannel` says why that layer.
        received_at: The time of day, in UTC.
        since: Seconds, by `Clock.monotonic`.
    """
    given = raw.header.properties
    headers = given.headers or {}
    properties = {
        name: value
        for name, attribute in _PROPERTIES
        if (value := getattr(given, attribute)) is not None and value != ""
    }
    unreadable = (
        *[name for name, value in properties.items() if not _is_readable(value)],
        *[f"header {readable(key)}" for key, value in headers.items() if not _is_readable_header(key, value)],
    )
    if unreadable:
        properties, headers = _readable_properties(properties), _readable_headers(headers)
    return Delivery(
        body=raw.body,
        routing_key=readable(raw.routing_key or ""),
        properties=properties,
        headers=headers,
        unreadable=unreadable,
        tag=raw.delivery_tag or 0,
        received_at=received_at,
        since=since,
        exchange=readable(raw.exchange or ""),
        redelivered=bool(raw.redelivered),
    )


def _is_readable(value: Any) -> bool:  # noqa: ANN401  # whatever AMQP holds
    return _is_utf8(value) if isinstance(value, str) else bool(value != _UNREADABLE_TIME)


def _is_readable_header(key: str, value: Any) -> bool:  # noqa: ANN401  # whatever AMQP holds
    return _is_utf8(key) and value != _UNREADABLE_TIME


def _is_utf8(text: str) -> bool:
    return text.isascii() or not any("\udc80" <= letter <= "\udcff" for letter in text)


def _readable_properties(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _short(value) if isinstance(value, str) else value
        for name, value in properties.items()
        if value != _UNREADABLE_TIME
    }


def _readable_headers(headers: Mapping[str, Any]) -> dict[str, Any]:
    return {readable(key): None if value == _UNREADABLE_TIME else value for key, value in headers.items()}


def _short(text: str) -> str:
    """Return readable text that fits into a property: at most 255 bytes."""
    return readable(text).encode()[:255].decode("utf-8", "ignore")


def readable(text: str) -> str:
    """Return text with the bytes that are not UTF-8 replaced, fit to be sent and shown."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


# -- sent -------------------------------------------------------------------------------------------------


def outgoing(body: bytes, properties: Mapping[str, Any]) -> aio_pika.Message:
    """Return a message to publish, with properties by their AMQP names, `headers` included."""
    message = aio_pika.Message(body, **properties)
    # aio-pika sends a priority of 0 where none is given, which a dead letter would keep as its publisher's.
    message.priority = properties.get("priority")
    return message


def can_be_sent(properties: Mapping[str, Any]) -> bool:
    """Tell whether a message can have these properties."""
    try:
        outgoing(b"", properties).properties.marshal()
    except (TypeError, ValueError, OverflowError, struct.error):
        return False
    return True


def encoded_size(value: Any) -> int | None:  # noqa: ANN401  # whatever a header holds
    """Return how many bytes the value of a header takes; None where it cannot be sent."""
    try:
        return len(encode.encode_table_value(value))
    except (TypeError, ValueError, OverflowError):
        return None
