"""What is read of a JSON object that is wrong, too large or cut off."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.pace import takes_less
from worker.events.broken_json import MAX_READ, readable_part

WHOLE = {"id": "e-1", "n": 5, "data": {"user": {"email": "ada@example.com", "id": 7}, "tags": ["a", {}]}}


@pytest.mark.parametrize("indent", [None, 2])
def test_of_a_whole_object_all_is_read(indent: int | None) -> None:
    assert readable_part(json.dumps(WHOLE, indent=indent).encode()) == WHOLE


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"id": "e-1", "type": "order.pa', {"id": "e-1"}),
        (b'{"n": 1, "data": {"user": {"id": "u", "x', {"n": 1, "data": {"user": {"id": "u"}}}),
        (b'{"id": "e-1" "type": "x"}', {"id": "e-1"}),
        (b'{"id": "e-1", }', {"id": "e-1"}),
        (b'{"id": "e-1", "n": 01, "type": "x"}', {"id": "e-1", "n": 0}),
        (b'{"id": "e-1", "n": ' + b"9" * 9999 + b', "type": "x"}', {"id": "e-1"}),
        (b'{"id": "e-1", "n": ' + b"[" * 99_999, {"id": "e-1"}),
        (b'{"id": "e-\xff1"}', {"id": "e-\ufffd1"}),
        (b'\xef\xbb\xbf {"id": "e-1"}', {"id": "e-1"}),
        (b'{"data": {"user": {"id": 1}, "a"}, "id": "e-1"}', {"data": {"user": {"id": 1}}}),
        (b'["id", "e-1"]', {}),
        (b'"{"', {}),
        (b"{", {}),
        (b"{}", {}),
        (b"", {}),
    ],
)  # fmt: skip
def test_of_a_broken_object_what_comes_before_the_fault_is_read(body: bytes, found: object) -> None:
    assert readable_part(body) == found


def test_of_a_body_that_is_too_large_its_beginning_is_read() -> None:
    body = b'{"id": "e-1", "pad": "' + b"x" * MAX_READ + b'", "type": "order.paid"}'

    assert readable_part(body) == {"id": "e-1"}


@given(st.binary(max_size=80) | st.text('{}[]",: 0e\\u\x00', max_size=40).map(str.encode))
@example(b'{"a":{"a":{"a":{"a":{')
@settings(max_examples=300)
def test_whatever_the_bytes_it_raises_nothing(body: bytes) -> None:
    assert isinstance(readable_part(body), dict)


@pytest.mark.parametrize("piece", [b'{"a":', b'"a":{', b'{"a":1,', b" ", b'{"a":{},', b'\\"', b"["])
def test_a_large_body_is_read_in_time(piece: bytes) -> None:
    body = b'{"a":{"a":{' + piece * (MAX_READ // len(piece))

    assert takes_less(lambda: readable_part(body), 0.5)
