"""Reading AMQP frames tolerantly, so that one publisher's slip is one bad message and not an outage.

pamqp raises on a timestamp beyond year 9999 and on short text that is not UTF-8, inside the frame reader:
the connection dies, the message is delivered again, and so on for ever, for every account, while no code
of ours ever sees it. Here such values become marked ones instead, which `unreadable` then names.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from aiormq import spec
from aiormq.abc import DeliveredMessage
from pamqp import decode

from worker.events.event import Message

_UNREADABLE_TIME: Final = datetime.max.replace(tzinfo=UTC)
"""Stands for a timestamp that no calendar holds, such as one in microseconds."""

_TEXT_PROPERTIES: Final = (
    "content_type", "content_encoding", "correlation_id", "reply_to", "expiration",
    "message_id", "message_type", "user_id", "app_id",
)  # fmt: skip


def install() -> None:
    """Replace pamqp's strict decoders, in this process, for good. Doing it twice changes nothing."""
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


def unreadable(properties: spec.Basic.Properties) -> tuple[str, ...]:
    """Return the names of the properties and headers that could not be decoded."""
    names = [name for name in _TEXT_PROPERTIES if not _is_utf8(getattr(properties, name) or "")]
    if properties.timestamp == _UNREADABLE_TIME:
        names.append("timestamp")
    return (*names, *(f"header {readable(key)}" for key in _unreadable_headers(properties.headers or {})))


def _unreadable_headers(headers: Mapping[str, Any]) -> list[str]:
    return [key for key, value in headers.items() if not _is_utf8(key) or value == _UNREADABLE_TIME]


def _is_utf8(text: str) -> bool:
    return text.isascii() or not any("\udc80" <= letter <= "\udcff" for letter in text)


def _short(text: str) -> str:
    """Return readable text that fits into a property: at most 255 bytes."""
    return readable(text).encode()[:255].decode("utf-8", "ignore")


def readable(text: str) -> str:
    """Return text with the bytes that are not UTF-8 replaced, fit to be sent and shown."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def clean(properties: spec.Basic.Properties) -> dict[str, Any]:
    """Return what of the properties can be sent again: readable text, and no impossible time."""
    kept: dict[str, Any] = {
        name: _short(value) for name in _TEXT_PROPERTIES if (value := getattr(properties, name))
    }
    kept |= {"delivery_mode": properties.delivery_mode, "priority": properties.priority}
    kept["timestamp"] = None if properties.timestamp == _UNREADABLE_TIME else properties.timestamp
    kept["headers"] = {
        readable(key): None if value == _UNREADABLE_TIME else value
        for key, value in (properties.headers or {}).items()
    }
    return {name: value for name, value in kept.items() if value is not None}


def to_message(delivered: DeliveredMessage) -> Message:
    """Return what of a delivery decides its meaning."""
    properties = delivered.header.properties
    return Message(
        body=delivered.body,
        routing_key=readable(delivered.routing_key or ""),
        content_type=properties.content_type,
        content_encoding=properties.content_encoding,
        message_id=properties.message_id,
        type=properties.message_type,
        timestamp=properties.timestamp,
        headers=properties.headers or {},
        unreadable=unreadable(properties),
    )
