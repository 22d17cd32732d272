"""Whom a dead letter is about."""

from __future__ import annotations

import json

import pytest

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
