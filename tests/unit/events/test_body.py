"""A body is what its bytes are, whatever its labels say."""

from __future__ import annotations

import gzip
import json
import math
import re
import tracemalloc
import zlib
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.examples import NOON
from worker.errors import EventError, InvalidEvent, UndecodableEvent
from worker.events.body import MAX_BODY_BYTES, plain_body, unpacked
from worker.events.decode import decode
from worker.events.delivery import Delivery
from worker.events.json_body import parse_json

DATA = {"user": {"email": "ada@example.com", "first_name": "Zoë"}}
EVENT = json.dumps({"data": DATA}, ensure_ascii=False)


def sent(body: bytes, **properties: Any) -> Delivery:  # noqa: ANN401  # as AMQP has them
    return Delivery(body, "user.signed_up", properties, received_at=NOON)


def data(body: bytes, **properties: Any) -> object:  # noqa: ANN401
    return decode(sent(body, **properties), arrival=1).data


def refused(body: bytes, **properties: Any) -> str:  # noqa: ANN401
    with pytest.raises(UndecodableEvent) as caught:
        data(body, **properties)
    assert len(str(caught.value)) < 200
    return str(caught.value)


LABELS = [
    "utf8", "UTF8", "utf-8", "us-ascii", "ascii", "binary", "BINARY", "8bit", "7bit", "none", "None",
    "identity", " utf-8 ", "\tIdentity", " ", "gzip", "latin-1", "br", "x" * 255,
]  # fmt: skip


@pytest.mark.parametrize("label", LABELS)
def test_plain_json_is_not_refused_for_its_label(label: str) -> None:
    assert data(EVENT.encode(), content_encoding=label) == DATA


TYPES = [
    "application/json; charset=UTF-8", 'application/json;charset="utf8"', "text/plain",
    "application/json; charset = 'utf-8'", "application/octet-stream", "charset=utf-8", "/;;=",
    "application/json; charset=us-ascii",
    "application/json; charset=iso-8859-1", "application/json; charset=utf-16", "application/json;charset=",
]  # fmt: skip


@pytest.mark.parametrize("content_type", TYPES)
def test_plain_json_is_not_refused_for_its_content_type(content_type: str) -> None:
    """Given UTF-8, then it is read as that, also where the label names the charset of somebody's machine."""
    assert data(EVENT.encode(), content_type=content_type) == DATA


@pytest.mark.parametrize(
    "labels",
    [
        {"content_type": "application/json; charset=ISO-8859-1"},
        {"content_type": 'application/json;charset="windows-1252"'},
        {"content_encoding": "latin-1"},
        {"content_encoding": "Cp1252", "content_type": "application/json"},
    ],
)
def test_latin_1_is_read_where_the_label_says_so(labels: dict[str, str]) -> None:
    assert data(EVENT.encode("latin-1"), **labels) == DATA


def test_latin_1_without_a_label_is_refused() -> None:
    assert refused(EVENT.encode("latin-1"), content_type="application/json").startswith("body: not UTF-8 at")
    assert refused(b'{"a": "\x81"}', content_encoding="cp1252").startswith("body: not UTF-8 at byte 7")


@pytest.mark.parametrize(
    ("body", "labels", "detail"),
    [
        (b"\x1b\xff", {"content_encoding": "br"}, "content_encoding: 'br' is not supported; send UTF-8 JSON"),
        (zlib.compress(b"{}"), {"content_encoding": "deflate"}, "content_encoding: 'deflate' is not"),
        (b"e30=", {"content_encoding": "base64"}, "content_encoding: 'base64' is not supported"),
        (b"\xff", {"content_encoding": "y" * 255}, "content_encoding: 'yyyy"),
        (
            EVENT.encode("utf-16"),
            {"content_type": "application/json; charset=UTF-16"},
            "content_type: the charset 'utf-16' is not supported; send UTF-8 JSON",
        ),
        (
            b"\x08\x01",
            {"content_type": "application/cloudevents+protobuf"},
            "content_type: 'application/cloudevents+protobuf' is not supported; send application/cloud",
        ),
        (b"{", {"content_encoding": "utf-8", "content_type": "application/json"}, "body: not JSON"),
    ],
    ids=range(7),
)
def test_where_nothing_can_be_read_the_label_at_fault_is_named(
    body: bytes, labels: dict[str, str], detail: str
) -> None:
    assert refused(body, **labels).startswith(detail)


# -- gzip ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", ["gzip", "GZIP", " x-gzip ", "", "utf-8", "binary"])
def test_gzip_is_unpacked_whatever_its_label(label: str) -> None:
    assert data(gzip.compress(EVENT.encode()), content_encoding=label) == DATA


def test_latin_1_within_gzip_is_read() -> None:
    body = gzip.compress(EVENT.encode("latin-1"))

    assert data(body, content_encoding="gzip", content_type="application/json; charset=latin1") == DATA


def test_as_much_comes_out_as_may_be_sent_plain() -> None:
    whole = EVENT.encode().ljust(MAX_BODY_BYTES)

    assert data(gzip.compress(whole)) == DATA
    assert (
        refused(gzip.compress(whole + b" "))
        == "body: more than 262144 bytes once unpacked, which are too many"
    )


def test_a_bomb_is_refused_without_unpacking_it() -> None:
    """Given 200 MB of blanks in 195 kB."""
    bomb = gzip.compress(b" " * 200_000_000)
    assert len(bomb) < MAX_BODY_BYTES

    tracemalloc.start()
    detail = refused(bomb, content_encoding="gzip")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert "once unpacked" in detail
    assert peak < 4 * MAX_BODY_BYTES


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (gzip.compress(b"{}")[:-5], "cut short"),
        (b"\x1f\x8b", "cut short"),
        (b"\x1f\x8b" + b"x" * 20, "damaged"),
        (gzip.compress(b"{}") + gzip.compress(b"{}"), "something else follows"),
        (gzip.compress(gzip.compress(EVENT.encode())), "not UTF-8"),
    ],
    ids=range(5),
)
def test_damaged_gzip_is_refused(body: bytes, detail: str) -> None:
    assert detail in refused(body, content_encoding="gzip")


def test_a_checksum_that_does_not_fit_is_damage() -> None:
    packed = bytearray(gzip.compress(EVENT.encode()))
    packed[-6] ^= 1  # of the checksum

    assert "damaged" in refused(bytes(packed))


@given(
    st.binary(max_size=80).map(lambda body: b"\x1f\x8b" + body) | st.binary(max_size=80),
    st.sampled_from(LABELS),
)
@settings(max_examples=100)
def test_whatever_comes_at_most_so_much_comes_out(body: bytes, label: str) -> None:
    try:
        assert len(unpacked(body)) <= MAX_BODY_BYTES
        plain_body(sent(body, content_encoding=label, content_type=f"a/b; charset={label}"))
    except EventError as error:
        assert str(error)  # noqa: PT017  # either outcome is right


# -- JSON as the standard library reads it -------------------------------------------------------------------

numbers = st.from_regex(r"-?[0-9]{1,40}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Draw JSON, or what somebody has made of it."""
    text = (
        draw(numbers) if draw(st.booleans()) else json.dumps(draw(values), ensure_ascii=draw(st.booleans()))
    )
    body = bytearray(text.encode("utf-8", "surrogatepass"))
    for at, byte in draw(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 255)), max_size=2)):
        body[min(at, len(body)) : at + draw(st.integers(0, 1))] = bytes([byte])
    return bytes(body)


@given(bodies())
@example(b"1" * 5000)
@example(b"[" * 10_000)
@example(b'\xef\xbb\xbf{"a": 1}')
@example(b'{"a": 1, "a": 2}')
@example(b'"\xc0\x80"')
@example(b"1e999")
@example(b"NaN")
@example(b'"\\u0000"')
@example(b'{"\\ud800": "\\ud800\\udc00"}')
def test_a_body_is_read_as_the_standard_library_reads_it(body: bytes) -> None:
    """Given any bytes, the value is the same to the digit, and what is refused there is refused."""
    try:
        text = body.decode("utf-8-sig")
        expected: object = json.loads(text, parse_constant=no_number, parse_float=finite)
    except (ValueError, RecursionError):
        expected = UndecodableEvent
    else:
        expected = InvalidEvent if holds_what_is_no_text(expected) else expected
    try:
        found: object = parse_json(body)
    except UndecodableEvent:
        found = UndecodableEvent
    except InvalidEvent:
        found = InvalidEvent
    assert repr(found) == repr(expected)


def finite(text: str) -> float:
    if math.isinf(number := float(text)):
        raise ValueError(text)
    return number


def no_number(name: str) -> float:
    raise ValueError(name)


def holds_what_is_no_text(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(holds_what_is_no_text, [*value, *value.values()]))
    if isinstance(value, list):
        return any(map(holds_what_is_no_text, value))
    return isinstance(value, str) and re.search("[\0\ud800-\udfff]", value) is not None
