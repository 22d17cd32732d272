"""Frames that would break pamqp's reader are read, and say what in them could not be."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import aio_pika
import pytest
from aiormq import spec
from aiormq.abc import DeliveredMessage
from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp import frame
from pamqp.header import ContentHeader

from tests.unit.examples import NOON
from worker.broker import frames
from worker.events.delivery import Delivery

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
    properties: spec.Basic.Properties, routing_key: str | None = "user.signed_up", *, again: bool = False
) -> Delivery:
    raw = raw_delivery(properties, routing_key, again=again)
    return frames.read_delivery(raw, received_at=NOON, since=12.5)


def raw_delivery(
    properties: spec.Basic.Properties, routing_key: str | None = "user.signed_up", *, again: bool = False
) -> DeliveredMessage:
    deliver = spec.Basic.Deliver("consumer", 7, again, "platform.events", routing_key)
    return DeliveredMessage(deliver, ContentHeader(0, 2, properties), b"{}", None)  # type: ignore[arg-type]


@pytest.mark.parametrize("stamp", [SECONDS * 10**6, SECONDS * 10**9, 2**64 - 1])
def test_a_timestamp_in_microseconds_or_finer_is_named_and_not_a_broken_connection(stamp: int) -> None:
    delivery = delivered(received(timestamp=struct.pack(">Q", stamp)))

    assert delivery.unreadable == ("timestamp",)
    assert "timestamp" not in delivery.properties


@pytest.mark.parametrize("stamp", [SECONDS, SECONDS * 1000])
def test_a_timestamp_in_seconds_or_milliseconds_is_read(stamp: int) -> None:
    delivery = delivered(received(timestamp=struct.pack(">Q", stamp)))

    assert delivery.properties == {"timestamp": NOON}
    assert delivery.unreadable == ()


TEXTS = [name for name in FLAGS if name not in {"headers", "delivery_mode", "priority", "timestamp"}]


@pytest.mark.parametrize("name", TEXTS)
def test_text_that_is_not_utf_8_is_named_and_can_be_shown(name: str) -> None:
    delivery = delivered(received(**{name: short(b"caf\xe9")}))

    amqp_name = "type" if name == "message_type" else name
    assert delivery.unreadable == (amqp_name,)
    assert delivery.properties == {amqp_name: "caf�"}


def test_all_that_is_wrong_is_named_at_once() -> None:
    properties = received(
        content_type=short(b"\xff"), message_id=short(b"\xfe"), timestamp=struct.pack(">Q", 2**63)
    )

    assert delivered(properties).unreadable == ("content_type", "message_id", "timestamp")


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
    delivery = delivered(received(headers=table(entries)))

    assert delivery.unreadable == names
    assert all(letter < "\udc80" or letter > "\udcff" for key in delivery.headers for letter in key)


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
    assert delivered(header.properties).unreadable == ()


def test_all_that_is_set_is_handed_on() -> None:
    properties = spec.Basic.Properties(
        content_type="application/json", content_encoding="utf-8", message_id="e-1", timestamp=NOON,
        message_type="order.paid", delivery_mode=2, priority=0, headers={"a": 1, "x-delivery-count": 3},
    )  # fmt: skip

    delivery = delivered(properties, "order.paid.sunny", again=True)

    assert (delivery.body, delivery.routing_key, delivery.tag) == (b"{}", "order.paid.sunny", 7)
    assert delivery.exchange == "platform.events"
    assert delivery.properties == {
        "content_type": "application/json", "content_encoding": "utf-8", "message_id": "e-1",
        "timestamp": NOON, "type": "order.paid", "delivery_mode": 2, "priority": 0,
    }  # fmt: skip
    assert delivery.headers == {"a": 1, "x-delivery-count": 3}
    assert (delivery.unreadable, delivery.count) == ((), 3)
    assert (delivery.received_at, delivery.since) == (NOON, 12.5)


def test_how_often_a_message_came_is_not_for_its_publisher_to_say() -> None:
    """Given a count in a message that comes for the first time, then nobody is taken for killed by it."""
    properties = spec.Basic.Properties(headers={"x-delivery-count": 50})

    assert delivered(properties).count == 0
    assert delivered(properties, again=True).count == 50


def test_a_message_without_properties_has_none() -> None:
    delivery = delivered(spec.Basic.Properties())

    assert (delivery.properties, delivery.headers, delivery.count) == ({}, {}, 0)


def test_empty_text_counts_as_not_set() -> None:
    assert delivered(received(content_encoding=short(b""), message_id=short(b""))).properties == {}


def test_a_routing_key_that_is_not_utf_8_can_be_shown() -> None:
    deliver = (
        struct.pack(">HH", 60, 60) + short(b"c") + struct.pack(">QB", 1, 0) + short(b"e") + short(b"caf\xe9")
    )
    _, _, read = frame.unmarshal(struct.pack(">BHI", 1, 1, len(deliver)) + deliver + b"\xce")
    assert isinstance(read, spec.Basic.Deliver)

    assert delivered(spec.Basic.Properties(), read.routing_key).routing_key == "caf�"


@pytest.mark.parametrize("odd", [{"expiration": short(b"soon")}, {"delivery_mode": b"\x07"}])
def test_properties_on_which_aio_pika_itself_raises_are_read(odd: dict[str, bytes]) -> None:
    """Given such a message, a consumer of aio-pika's never sees it, and it stays unacked for ever."""
    raw = raw_delivery(received(**odd))

    with pytest.raises(ValueError, match=r"soon|7"):
        aio_pika.IncomingMessage(raw)
    assert frames.read_delivery(raw, received_at=NOON, since=0.0).properties.keys() == odd.keys()


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

    delivery = delivered(properties)
    for name, text in texts.items():
        amqp_name = "type" if name == "message_type" else name
        assert (amqp_name in delivery.unreadable) == (text.decode("utf-8", "ignore").encode() != text)
    "".join((*delivery.unreadable, *delivery.headers)).encode()  # readable names can be written anywhere
    kept = {name: value for name, value in delivery.properties.items() if name != "expiration"}
    assert frames.can_be_sent(kept)


def test_the_time_that_stands_for_an_impossible_one_is_none_that_anybody_sends() -> None:
    assert datetime.max.replace(tzinfo=UTC) == frames._UNREADABLE_TIME


def test_a_message_goes_out_with_the_properties_it_was_given_and_no_priority_of_its_own() -> None:
    """Given none, aio-pika would send a priority of 0."""
    message = frames.outgoing(b"x", {"type": "order.paid", "headers": {"a": 1}, "delivery_mode": 2})

    assert message.properties == spec.Basic.Properties(
        message_type="order.paid", headers={"a": 1}, delivery_mode=2
    )


@pytest.mark.parametrize(
    ("properties", "can"),
    [
        ({"type": "x" * 255, "headers": {"a": [1, None]}}, True),
        ({"type": "x" * 256}, False),
        ({"delivery_mode": 7}, False),
        ({"headers": {"a": object()}}, False),
    ],
)
def test_properties_that_cannot_be_sent_are_told_before(properties: dict[str, Any], can: bool) -> None:
    assert frames.can_be_sent(properties) is can


@pytest.mark.parametrize(("value", "size"), [("abc", 8), (True, 2), (2**70, None), (object(), None)])
def test_a_header_is_measured_as_it_goes_over_the_wire(value: object, size: int | None) -> None:
    assert frames.encoded_size(value) == size
