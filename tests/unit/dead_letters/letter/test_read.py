"""A dead letter as the tools read and show it."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.dead_letters.letter.on_the_wire import (
    BODY,
    delivered,
    died_and_replayed,
    headers_of,
    letter_of,
    read,
    sent,
)
from tests.unit.examples import event
from worker.dead_letters.letter import read_dead_letter, replay_message
from worker.errors import KitRejected


def test_a_dead_letter_is_read_as_it_was_written() -> None:
    message = sent(letter_of(delivered(key="order.paid"), KitRejected("no"), event(1, "order.paid")))

    letter = read_dead_letter(message, "default")

    assert (letter.id, letter.account, letter.reason, letter.detail) == (
        "letter-1",
        "default",
        "kit_rejected",
        "no",
    )
    assert (letter.event_type, letter.event_id) == ("order.paid", "event-1")
    assert (letter.event_time, letter.failed_at) == ("2026-07-01T12:00:01Z", "2026-07-01T12:01:00Z")
    assert (letter.attempts, letter.routing_key, letter.body) == (3, "order.paid", BODY)


@pytest.mark.parametrize(
    "headers",
    [
        None,
        {},
        {"x-death": []},
        {"x-death": "?"},
        {"x-death": [7]},
        {"x-death": [{}]},
        {"x-death": [{"time": "?"}]},
    ],
)
def test_a_message_of_any_kind_in_the_dead_letter_queue_can_be_shown(headers: dict[str, Any] | None) -> None:
    letter = read_dead_letter(delivered(headers=headers), "default")

    assert (letter.id, letter.event_id, letter.routing_key, letter.body) == ("tag-7", "", "", BODY)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"a":"\xc3\xa9"}', '{\n  "a": "é"\n}'),
        (b"hello", "hello"),
        (b"\xff", "�"),
        (b"", ""),
        (b"[" * 100_000, "[" * 100_000),
        (b"[" * 500 + b"]" * 500, "[" * 500 + "]" * 500),
        (b'["\\ud800"]', '["\\ud800"]'),
    ],
    ids=["json", "text", "no text", "empty", "too deep", "too deep to be written", "half a character"],
)
def test_a_body_is_shown_indented_where_it_is_json(body: bytes, text: str) -> None:
    assert read_dead_letter(delivered(body), "default").text == text


@pytest.mark.parametrize(
    ("body", "labels"),
    [
        (gzip.compress(b'{"a":"\xc3\xa9"}'), {"content_encoding": "gzip"}),
        (gzip.compress(b'{"a":"\xc3\xa9"}'), {}),
        (b'{"a":"\xe9"}', {"content_type": "application/json; charset=iso-8859-1"}),
    ],
    ids=["gzip", "gzip without its label", "latin-1"],
)
def test_a_packed_body_keeps_its_bytes_and_label_and_can_be_read(body: bytes, labels: dict[str, str]) -> None:
    died = sent(letter_of(delivered(body, "user.signed_up", None, **labels)))

    letter = read_dead_letter(died, "default")
    again = replay_message(died, letter)

    assert letter.text == '{\n  "a": "é"\n}'
    assert letter.body == again.body == body
    assert died.properties.items() >= labels.items() <= again.properties.items()


def test_headers_that_are_too_large_take_no_attribute_of_a_cloud_event_with_them() -> None:
    """Given a binary CloudEvent and 70 kB of somebody's own, then a replay is still the event that it was."""
    headers = {"ce-specversion": "1.0", "ce-id": "e-1", "CE-Type": "order.paid", "sequence": "7"}
    message = delivered(b'{"user": {}}', headers={**headers, "trace": "x" * 70_000})

    died = sent(letter_of(message))
    again = sent(replay_message(died, read_dead_letter(died, "default")))

    assert "trace" not in died.headers
    assert read(again).id == "e-1"
    assert read(again).order.sequence == read(message).order.sequence == "0017"


def test_attributes_that_are_too_large_themselves_are_left_out_as_well() -> None:
    headers = {f"{prefix}id": "x" * 30_000 for prefix in ("ce-", "CE-", "Ce-", "cloudEvents:")}

    assert headers_of(letter_of(delivered(headers=headers))).keys().isdisjoint(headers)


def test_a_damaged_body_is_shown_as_it_is() -> None:
    letter = read_dead_letter(delivered(b"\x1f\x8bno gzip"), "default")

    assert letter.text == "\x1f\ufffdno gzip"


def test_headers_of_cloud_events_mean_the_same_in_a_replay() -> None:
    """Given a header of bytes and a time in milliseconds, then a replay has both as they came."""
    headers = {
        "ce-specversion": bytearray(b"1.0"), "cloudEvents_id": bytearray(b"e-1"), "ce-type": "order.paid",
        "cloudEvents_time": 1782900000250, "ce-sequence": 7,
    }  # fmt: skip
    message = delivered(b'{"user": {}}', headers=headers)

    again = died_and_replayed(message, None)

    assert again.headers.items() >= headers.items()
    assert read(again) == read(message)
    assert (read(again).id, read(again).order.sequence) == ("e-1", "0017")
    assert read(again).time == datetime(2026, 7, 1, 10, 0, 0, 250_000, tzinfo=UTC)
