"""Whom a dead letter is about."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from tests.pace import takes_less
from worker.dead_letters.letter import DeadLetter
from worker.dead_letters.person import AboutPerson

ANN = AboutPerson({"ann@example.com", "ann.old@example.com"}, {"u-1"})


def letter(body: bytes) -> DeadLetter:
    return DeadLetter(
        id="1", account="sunny", reason="invalid_event", detail="", event_type="", event_id="", event_time="",
        failed_at="", attempts=1, routing_key="", headers={}, body=body,
    )  # fmt: skip


def event(**user: object) -> bytes:
    return json.dumps({"type": "user.signed_up", "data": {"user": user}}).encode()


@pytest.mark.parametrize(
    "body",
    [
        event(email=" ANN@example.com "),
        event(email="ann.old@example.com", id="u-9"),
        event(email="ann.new@example.com", id="u-1"),
        event(id="u-1"),
        event(email="not an address", id="u-1"),
        json.dumps({"user": {"email": "ann@example.com"}}).encode(),
        b'{"data": {"user": {"email": "\\u0061nn@example.com"}}}',
        b"not JSON, from Ann@Example.com, cut sho",
        b"\xff\xfe <ann@example.com>",
        json.dumps({"data": {"user": "ann@example.com"}}).encode(),
    ],
)
def test_dead_letters_about_a_person_are_found(body: bytes) -> None:
    assert ANN.matches(letter(body))


@pytest.mark.parametrize(
    "body",
    [
        event(email="bob@example.com"),
        event(email="joann@example.com"),
        event(email="bob@example.com", id=["u-1"]),
        json.dumps({"data": {"user": {"email": "bob@example.com"}, "note": "from ann@example.com"}}).encode(),
        b"not JSON, from joann@example.com",
        b"not JSON, from ann@example.com.au and ann@example.comx, x.ann@example.com",
        b"",
        b"[]",
    ],
)
def test_dead_letters_about_others_stay(body: bytes) -> None:
    assert not ANN.matches(letter(body))


def test_an_end_of_a_sentence_is_no_longer_address() -> None:
    assert ANN.matches(letter(b"It is about ann@example.com."))


def around(**known: Any) -> DeadLetter:  # noqa: ANN401  # any of its fields
    """A dead letter whose body cannot be read, and that has something around it."""
    return replace(letter(b"\xff"), **known)


INNER = base64.b64encode(b'{"user": {"email": "ann@example.com"}}')
INNER_ID = base64.b64encode(b'{"user": {"id": "u-1"}}')


@pytest.mark.parametrize(
    "found",
    [
        around(headers={"cloudEvents:subject": "ann@example.com"}),
        around(headers={"ce-who": ["x", {"deep": b"<Ann@example.com>"}]}),
        around(headers={"ann@example.com": 1}),
        around(headers={"cloudEvents:source": "/people?email=ann%40example.com"}),
        around(headers={"x-original-user-id": "ann@example.com"}),
        around(event_id="user.signed_up:ann@example.com:1"),
        around(event_type="ann@example.com"),
        around(routing_key="ann@example.com"),
        around(detail="data.user.email: 'ann@example.com ' is odd"),
        around(properties={"correlation_id": "ann@example.com"}),
        replace(letter(event(email="bob@example.com")), event_id="for:ann@example.com"),
        letter(b'{"data": {"user": {"email": "ann\\u0040example.com"}'),
        letter(b'{"text": "{\\"email\\": \\"ann\\\\u0040example.com\\"}"'),
        letter(b'{"data": {"user": {"id": "u-1"}}, "data_base64": ""}'),
        letter(b'{"specversion": "1.0", "data_base64": "' + INNER + b'"}'),
        letter(b'{"specversion": "1.0", "data_base64": "' + INNER.rstrip(b"=") + b'"'),
        letter(b'{"specversion": "1.0", "data_base64": "' + INNER_ID + b'"}'),
        letter(gzip.compress(event(email="ann@example.com"))),
        letter(gzip.compress(event(email="ann@example.com") * 50)[:-9]),
        letter("ann@example.com, but no JSON".encode("utf-16")),
    ],
)
def test_an_address_is_found_wherever_and_however_it_is_written(found: DeadLetter) -> None:
    """In headers, properties and ids, and escaped, encoded, compressed or broken in the body."""
    assert ANN.matches(found)
    assert not AboutPerson({"eve@example.com"}, {"u-9"}).matches(found)


@pytest.mark.parametrize(
    "other",
    [
        around(headers={"cloudEvents:subject": "joann@example.com"}),
        around(event_id="ann@example.com.au"),
        letter(b'{"data_base64": "' + base64.b64encode(b"joann@example.com") + b'"}'),
        letter(b'{"data_base64": "%%%"}'),
        letter(b"\x1f\x8bno gzip"),
    ],
)
def test_others_stay_wherever_their_addresses_are_written(other: DeadLetter) -> None:
    assert not ANN.matches(other)
    assert not ANN.is_mentioned(other)


def test_who_is_only_mentioned_in_anothers_event_is_told() -> None:
    body = json.dumps({"data": {"user": {"email": "bob@example.com"}, "friend": "ann@example.com"}})
    assert not ANN.matches(letter(body.encode()))
    assert ANN.is_mentioned(letter(body.encode()))
    assert not ANN.is_mentioned(letter(event(email="bob@example.com")))


def test_an_address_is_found_in_each_form_of_its_domain_and_its_letters() -> None:
    eva = AboutPerson({"éva@bücher.example"}, ())
    assert eva.matches(letter("e\u0301va@bücher.example".encode()))
    assert eva.matches(letter("éva@xn--bcher-kva.example".encode()))
    assert AboutPerson({"éva@xn--bcher-kva.example"}, ()).matches(letter("Éva@bücher.example".encode()))


def test_a_large_body_is_searched_in_time() -> None:
    """Given 256 KiB that are made to be slow, and an address at their end, it is found within a second."""
    for part in (b"ann@", b"\\u0040", b'"data_base64": "', b"%40", b"ann"):
        body = part * (256 * 1024 // len(part)) + b" ann@example.com"
        large = letter(body)
        assert ANN.matches(large)
        assert takes_less(partial(ANN.matches, large), 1.0)


@pytest.mark.parametrize(
    ("home", "key", "routing_key", "is_hers"),
    [
        ("bakery", "7", "order.paid.bakery", True),
        ("bakery", "7", "order.paid.kitchen", False),
        ("bakery", "kitchen\n7", "order.paid.kitchen", True),
        ("bakery", "kitchen\n7", "order.paid.bakery", False),
        ("bakery", "7", "kit.sunny", True),  # put straight into the queue
        ("*", "kitchen\n7", "order.paid.kitchen", True),
        ("*", "kitchen\n7", "order.paid.bakery", False),
        ("", "7", "order.paid", True),
    ],
)
def test_an_id_is_a_persons_within_its_app(home: str, key: str, routing_key: str, *, is_hers: bool) -> None:
    """Given the same id in two apps, the dead letters of one person are not the other's."""
    about = AboutPerson((), {key}, home)
    assert about.matches(replace(letter(event(id=7)), routing_key=routing_key)) is is_hers
