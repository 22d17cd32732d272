"""Whom messages about others mention: by an address in any form, and by an id that is no mere number."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest

from worker.subscribers.identity import person_key
from worker.subscribers.mentioning import Mentions

ANN = Mentions(
    {"ann@example.com", "éva@xn--bcher-kva.example"}, {"u-1", "7", person_key("12345678", "rainy", "sunny")}
)


def event(**values: Any) -> bytes:  # noqa: ANN401  # any value of an event
    """Return an event of Bob's with these values."""
    user = {"id": "u-bob", "email": "bob@example.com"}
    return json.dumps({"id": "e-1", "type": "order.paid", "data": {"user": user, **values}}).encode()


def mentioned(body: bytes, *around: str) -> bool:
    """Tell whether a message mentions Ann; what is told fast never overlooks what reading it finds."""
    found = ANN.in_event(body, around)
    assert ANN.may_be_in(body + " ".join(around).encode()) or not found
    return found


@pytest.mark.parametrize(
    "body",
    [
        event(referrer="Ann@Example.com"),
        event(note="for ann@example.com, as ordered"),
        event(guests=[{"email": "ann@example.com"}]),
        event(link="https://shop.example/?to=ann%40example.com"),
        event(referrer="ann@example.com").replace(b"@example", b"\\u0040example"),
        gzip.compress(event(referrer="ann@example.com")),
        b'{"data_base64": "' + base64.b64encode(event(referrer="ann@example.com")) + b'"}',
        event(referrer="ÉVA@bücher.example"),
        event(referrer="E\u0301va@XN--BCHER-KVA.example"),
        json.dumps({"data": {"to": "éva@bücher.example"}}, ensure_ascii=False).encode(),
        b"no JSON at all, of ann@example.com",
    ],
)  # fmt: skip
def test_an_address_is_found_however_it_is_written(body: bytes) -> None:
    assert mentioned(body)


def test_what_stands_in_headers_and_properties_counts_as_well() -> None:
    assert mentioned(event(), "x-sent-for", "ann@example.com")
    assert not mentioned(event(), "x-sent-for", "joann@example.com")


@pytest.mark.parametrize("value", ["u-1", 12345678, "12345678", ["tea", {"by": " u-1 "}]])
def test_an_id_counts_where_it_is_a_whole_value(value: Any) -> None:  # noqa: ANN401  # any value of an event
    assert mentioned(event(referrer=value))


@pytest.mark.parametrize("value", ["u-12", "for u-1", "joann@example.com", "ann@example.com.au", True, None])
def test_what_is_like_an_address_or_an_id_is_somebody_elses(value: Any) -> None:  # noqa: ANN401  # likewise
    assert not mentioned(event(referrer=value))


@pytest.mark.parametrize("value", [7, "7", 7.0])
def test_a_short_number_may_be_anything(value: Any) -> None:  # noqa: ANN401  # likewise
    """Given somebody whose id is 7, whoever bought seven of something does not mention that person."""
    assert not mentioned(event(quantity=value))


def test_whose_event_it_is_its_user_says() -> None:
    """Given the same id in another app, that app's user is somebody else, in every event of theirs."""
    theirs = {"user": {"id": "12345678", "email": "bob@example.com"}}
    assert not mentioned(json.dumps({"data": theirs}).encode())
    assert not mentioned(json.dumps(theirs).encode())
    assert mentioned(json.dumps({"data": {**theirs, "by": "12345678"}}).encode())


def test_most_messages_need_not_be_read() -> None:
    assert not ANN.may_be_in(event(referrer="joanna@example.org"))
