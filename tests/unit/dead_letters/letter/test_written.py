"""What a dead letter keeps of its message, what it gains, and what it cannot keep."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.unit.dead_letters.letter.on_the_wire import (
    BODY,
    INVALID,
    delivered,
    headers_of,
    letter_of,
    read,
    sent,
)
from tests.unit.examples import NOON, event
from worker.dead_letters.fitting import MAX_HEADER_BYTES
from worker.dead_letters.letter import read_dead_letter, replay_message
from worker.errors import InvalidEvent, KitRejected, UndecodableEvent


def test_a_dead_letter_goes_to_its_accounts_queue_and_stays_on_disk() -> None:
    letter = letter_of(delivered(), account="sunny")

    assert (letter.exchange, letter.routing_key) == ("kit.dead", "sunny")
    assert letter.properties["delivery_mode"] == 2


def test_a_dead_letter_keeps_body_properties_and_headers() -> None:
    message = delivered(
        b"\xff not json", headers={"trace": "t-1", "n": 5, "nested": {"a": [1, "x", None]}}, app_id="sunny",
        content_type="application/json", correlation_id="c-1", reply_to="r", message_type="order.paid",
        timestamp=NOON,
    )  # fmt: skip

    letter = letter_of(message)

    assert letter.body == b"\xff not json"
    assert headers_of(letter).items() >= {"trace": "t-1", "n": 5}.items()
    assert headers_of(letter)["nested"] == {"a": [1, "x", None]}
    assert letter.properties["app_id"] == "sunny"
    assert letter.properties["content_type"] == "application/json"
    assert letter.properties["type"] == "order.paid"
    assert letter.properties["timestamp"] == NOON


def test_a_dead_letter_says_why_and_what_it_was() -> None:
    happened = event(1, "order.paid")

    letter = letter_of(delivered(key="order.paid.sunny"), KitRejected("Kit said\n  no"), happened)

    assert headers_of(letter) == {
        "x-reason": "kit_rejected",
        "x-detail": "Kit said no",
        "x-account": "default",
        "x-event-type": "order.paid",
        "x-event-id": "event-1",
        "x-event-time": "2026-07-01T12:00:01Z",
        "x-event-arrival": "1",
        "x-attempts": 3,
        "x-failed-at": "2026-07-01T12:01:00Z",
        "x-original-routing-key": "order.paid.sunny",
    }


def test_of_what_could_not_be_read_it_says_what_properties_and_routing_key_say() -> None:
    letter = letter_of(delivered(b"?", message_id="m-1"), UndecodableEvent("body: not JSON"))

    assert headers_of(letter)["x-reason"] == "undecodable"
    assert headers_of(letter)["x-event-id"] == "m-1"
    assert headers_of(letter)["x-event-time"] == "2026-07-01T12:00:00Z"
    assert headers_of(letter)["x-event-type"] == "user.signed_up"


IN_HEADERS = {f"cloudEvents:{name}": value for name, value in json.loads(INVALID).items()}


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (INVALID, {}),
        (INVALID[:-5], {}),
        (b"?", IN_HEADERS | {"cloudEvents:specversion": "1.0"}),
    ],
)  # fmt: skip
def test_of_an_event_that_is_invalid_it_says_what_can_be_read(body: bytes, headers: dict[str, Any]) -> None:
    """Given an event with a fault, then people find its letter by id and type, and see of when it is."""
    died = sent(letter_of(delivered(body, headers=headers, message_id="m-1")))

    letter = read_dead_letter(died, "default")

    expected = ("e-1", "order.paid", "2026-06-01T00:00:00Z")
    assert (letter.event_id, letter.event_type, letter.event_time) == expected
    assert (
        died.headers["x-event-id"],
        died.headers["x-event-type"],
        died.headers["x-event-time"],
    ) == expected


def test_what_a_publisher_says_in_the_workers_own_headers_is_not_believed() -> None:
    """Given headers as of a replay, from the platform, then letter and replay have what is true."""
    forged = {
        "x-original-routing-key": "order.paid.rainy", "x-event-id": "forged", "x-event-arrival": "1",
        "x-event-time": "2020-01-01T00:00:00Z", "x-event-type": "x", "x-account": "a", "x-original-cc": "y",
    }  # fmt: skip
    died = sent(letter_of(delivered(b"?", headers=forged)))

    letter = read_dead_letter(died, "default")
    again = msgspec.structs.replace(sent(replay_message(died, letter)), body=BODY)

    assert (letter.event_id, letter.event_type, letter.routing_key) == (
        "",
        "user.signed_up",
        "user.signed_up",
    )
    assert (letter.account, letter.event_time) == ("default", "2026-07-01T12:00:00Z")
    assert "x-original-cc" not in died.headers
    happened = read(again, arrival=9)
    assert (happened.id, happened.time, happened.order.arrival, happened.app) == (None, NOON, 9, None)


def test_a_detail_is_one_line_of_bounded_length() -> None:
    letter = letter_of(delivered(), InvalidEvent("a\nb " * 1000))

    assert headers_of(letter)["x-detail"].startswith("a b a b")
    assert len(headers_of(letter)["x-detail"]) == 1000


@pytest.mark.parametrize(
    ("name", "value", "kept_as", "kept"),
    [
        ("user_id", "guest", "x-original-user-id", "guest"),
        ("expiration", "5000", "x-original-expiration", "5000"),
        ("priority", 9, "x-original-priority", "9"),
        ("priority", 0, "x-original-priority", "0"),
    ],
)
def test_properties_that_would_do_harm_become_headers(
    name: str, value: object, kept_as: str, kept: str
) -> None:
    """Kept, they would be refused by the broker, make the letter vanish, or let it overtake."""
    harmful: dict[str, Any] = {name: value}

    letter = letter_of(delivered(**harmful))

    assert name not in letter.properties
    assert headers_of(letter)[kept_as] == kept


def test_copies_that_would_go_elsewhere_are_only_noted() -> None:
    letter = letter_of(delivered(headers={"CC": ["kit.other"], "BCC": ["kit.third"]}))

    assert not {"CC", "BCC"} & headers_of(letter).keys()
    assert headers_of(letter)["x-original-cc"] == ["kit.other"]
    assert headers_of(letter)["x-original-bcc"] == ["kit.third"]


def test_a_dead_letter_has_no_id_of_its_event_so_that_it_gets_one_of_its_own() -> None:
    assert "message_id" not in letter_of(delivered(message_id="e-1")).properties


def test_headers_beyond_64_kib_give_way_to_a_note() -> None:
    letter = letter_of(delivered(headers={"large": "x" * MAX_HEADER_BYTES, "small": 1}))

    assert not {"large", "small"} & headers_of(letter).keys()
    assert headers_of(letter)["x-original-headers"].startswith("2 headers of ")
    assert headers_of(letter)["x-reason"] == "invalid_event"
    sent(letter)


def test_headers_within_64_kib_are_kept() -> None:
    letter = letter_of(delivered(headers={"large": "x" * (MAX_HEADER_BYTES - 100)}))

    assert len(headers_of(letter)["large"]) == MAX_HEADER_BYTES - 100
    sent(letter)


@pytest.mark.parametrize(
    "value", [b"\xff", 2**70, 1e300, {"\udcff": 1}, [b"\xff"], "\udcff", {"a": object()}]
)
def test_a_header_that_cannot_be_sent_again_is_kept_as_text(value: object) -> None:
    letter = letter_of(delivered(headers={"odd": value, "fine": 1}))

    assert isinstance(headers_of(letter)["odd"], str)
    assert sent(letter).headers["fine"] == 1


def test_headers_are_measured_in_bytes() -> None:
    """Given header names of few letters and many bytes, then they count as what they are on the wire."""
    names = {"\U0001f600" * 31 + f"{number:04}": True for number in range(950)}

    letter = letter_of(delivered(headers=names))

    assert headers_of(letter)["x-original-headers"].startswith("950 headers of 1")
