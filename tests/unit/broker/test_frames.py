"""Frames that would break pamqp's reader are read, and say what in them could not be."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from aiormq import spec
from aiormq.abc import DeliveredMessage
from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp import frame
from pamqp.header import ContentHeader

from tests.unit.examples import NOON
from worker.broker import frames

SECONDS = int(NOON.timestamp())


@pytest.fixture(autouse=True, scope="module")
def _tolerant() -> None:
    """Given the tolerant decoders, installed twice, which changes nothing."""
    frames.install()
    frames.install()


def short(text: bytes) -> bytes:
    return bytes([len(text)]) + text


def long(text: bytes) -> bytes:
    return struct.pack(">I", len(text)) + text


def table(entries: Mapping[bytes, bytes]) -> bytes:
    return long(b"".join(short(key) + value for key, value in entries.items()))


FLAGS = {
    "content_type": 15, "content_encoding": 14, "headers": 13, "delivery_mode": 12, "priority": 11,
    "correlation_id": 10, "reply_to": 9, "expiration": 8, "message_id": 7, "timestamp": 6, "message_type": 5,
    "user_id": 4, "app_id": 3,
}  # fmt: skip
"""The bits of the properties in a content header, in their order on the wire (AMQP 0-9-1, 4.2.6.1)."""


def received(**properties: bytes) -> spec.Basic.Properties:
    """The properties as pamqp reads them out of a content header with these bytes in it."""
    flags = sum(1 << FLAGS[name] for name in properties)
    payload = b"".join(properties[name] for name in FLAGS if name in properties)
    header = struct.pack(">HHQH", 60, 0, 2, flags) + payload
    as_frame = struct.pack(">BHI", 2, 1, len(header)) + header + b"\xce"
    _, _, read = frame.unmarshal(as_frame)
    assert isinstance(read, ContentHeader)
    return read.properties


def delivered(
    properties: spec.Basic.Properties, routing_key: str | None = "user.signed_up"
) -> DeliveredMessage:
    deliver = spec.Basic.Deliver("consumer", 7, False, "platform.events", routing_key)  # noqa: FBT003  # pamqp's order
    return DeliveredMessage(deliver, ContentHeader(0, 2, properties), b"{}", None)  # type: ignore[arg-type]


@pytest.mark.parametrize("stamp", [SECONDS * 10**6, SECONDS * 10**9, 2**64 - 1])
def test_a_timestamp_in_microseconds_or_finer_is_named_and_not_a_broken_connection(stamp: int) -> None:
    properties = received(timestamp=struct.pack(">Q", stamp))

    assert frames.unreadable(properties) == ("timestamp",)
    assert "timestamp" not in frames.clean(properties)


@pytest.mark.parametrize("stamp", [SECONDS, SECONDS * 1000])
def test_a_timestamp_in_seconds_or_milliseconds_is_read(stamp: int) -> None:
    properties = received(timestamp=struct.pack(">Q", stamp))

    assert properties.timestamp == NOON
    assert frames.unreadable(properties) == ()


TEXTS = [name for name in FLAGS if name not in {"headers", "delivery_mode", "priority", "timestamp"}]


@pytest.mark.parametrize("name", TEXTS)
def test_text_that_is_not_utf_8_is_named_and_can_be_shown(name: str) -> None:
    properties = received(**{name: short(b"caf\xe9")})

    assert frames.unreadable(properties) == (name,)
    assert frames.clean(properties)[name] == "caf�"


def test_all_that_is_wrong_is_named_at_once() -> None:
    properties = received(
        content_type=short(b"\xff"), message_id=short(b"\xfe"), timestamp=struct.pack(">Q", 2**63)
    )

    assert frames.unreadable(properties) == ("content_type", "message_id", "timestamp")


@pytest.mark.parametrize(
    ("entries", "names"),
    [
        ({b"caf\xe9": b"t\x01"}, ("header caf�",)),
        ({b"when": b"T" + struct.pack(">Q", 2**63)}, ("header when",)),
        ({b"fine": b"S" + long(b"caf\xe9")}, ()),
        ({b"fine": b"F" + table({b"inner": b"t\x01"}), b"also": b"A" + long(b"I\x00\x00\x00\x01V")}, ()),
    ],
)
def test_headers_that_cannot_be_read_are_named(entries: dict[bytes, bytes], names: tuple[str, ...]) -> None:
    """Long text that is not UTF-8 arrives as bytes, which is a value like any other."""
    properties = received(headers=table(entries))

    assert frames.unreadable(properties) == names
    assert all(
        letter < "\udc80" or letter > "\udcff"
        for key in frames.clean(properties)["headers"]
        for letter in key
    )


def test_a_table_within_a_table_is_read_tolerantly_too() -> None:
    inner = table({b"caf\xe9": b"T" + struct.pack(">Q", 2**63), b"next": b"I" + struct.pack(">i", -5)})

    properties = received(headers=table({b"outer": b"F" + inner, b"after": b"S" + long(b"x")}))

    read: Any = properties.headers
    assert read["after"] == "x"
    assert list(read["outer"].values())[1] == -5


def test_a_whole_message_is_read_as_ever() -> None:
    """Given nothing is wrong, then the tolerant reader reads what pamqp's own writer wrote."""
    sent = spec.Basic.Properties(
        content_type="application/json", headers={"a": 1, "b": ["x", None, True], "c": {"d": NOON}, "ü": "ä"},
        delivery_mode=2, message_id="e-1", timestamp=NOON, message_type="order.paid", app_id="sunny",
    )  # fmt: skip

    _, _, header = frame.unmarshal(frame.marshal(ContentHeader(0, 2, sent), 1))

    assert isinstance(header, ContentHeader)
    assert header.properties == sent
    assert frames.unreadable(header.properties) == ()


def test_what_decides_a_messages_meaning_is_handed_on() -> None:
    properties = spec.Basic.Properties(
        content_type="application/json", content_encoding="utf-8", message_id="e-1", timestamp=NOON,
        message_type="order.paid", headers={"a": 1},
    )  # fmt: skip

    message = frames.to_message(delivered(properties, "order.paid.sunny"))

    assert (message.body, message.routing_key, message.headers) == (b"{}", "order.paid.sunny", {"a": 1})
    assert (message.content_type, message.content_encoding) == ("application/json", "utf-8")
    assert (message.message_id, message.type, message.timestamp) == ("e-1", "order.paid", NOON)
    assert message.unreadable == ()


def test_a_message_without_properties_has_none() -> None:
    message = frames.to_message(delivered(spec.Basic.Properties()))

    assert (message.headers, message.message_id, message.timestamp) == ({}, None, None)
    assert frames.clean(spec.Basic.Properties()) == {"headers": {}}


def test_a_routing_key_that_is_not_utf_8_can_be_shown() -> None:
    deliver = (
        struct.pack(">HH", 60, 60) + short(b"c") + struct.pack(">QB", 1, 0) + short(b"e") + short(b"caf\xe9")
    )
    _, _, read = frame.unmarshal(struct.pack(">BHI", 1, 1, len(deliver)) + deliver + b"\xce")
    assert isinstance(read, spec.Basic.Deliver)

    assert frames.to_message(delivered(spec.Basic.Properties(), read.routing_key)).routing_key == "caf�"


raw_values = st.one_of(
    st.just(b"V"),
    st.binary(max_size=5).map(lambda text: b"S" + long(text)),
    st.integers(0, 2**64 - 1).map(lambda stamp: b"T" + struct.pack(">Q", stamp)),
    st.integers(-(2**63), 2**63 - 1).map(lambda number: b"l" + struct.pack(">q", number)),
)
raw_tables = st.dictionaries(st.binary(max_size=5), raw_values, max_size=3)


@given(
    raw_tables,
    raw_tables,
    st.dictionaries(st.sampled_from(TEXTS), st.binary(max_size=20), max_size=4),
    st.integers(0, 2**64 - 1),
)
@settings(max_examples=60)
def test_whatever_bytes_a_publisher_sends_can_be_read_and_named(
    outer: dict[bytes, bytes], inner: dict[bytes, bytes], texts: dict[str, bytes], stamp: int
) -> None:
    """Given text and times of any bytes, then reading, naming and cleaning them raises nothing."""
    headers = table({**outer, b"in": b"F" + table(inner)})
    texts_on_the_wire: dict[str, Any] = {name: short(text) for name, text in texts.items()}

    properties = received(headers=headers, timestamp=struct.pack(">Q", stamp), **texts_on_the_wire)

    named = frames.unreadable(properties)
    for name, text in texts.items():
        assert (name in named) == (text.decode("utf-8", "ignore").encode() != text)
    "".join(named).encode()  # readable names can be written anywhere
    assert isinstance(frames.clean(properties)["headers"], dict)


def test_the_time_that_stands_for_an_impossible_one_is_none_that_anybody_sends() -> None:
    assert datetime.max.replace(tzinfo=UTC) == frames._UNREADABLE_TIME
