"""How dead letters are named and selected."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import structs

from worker.dead_letters.reader import Selection, read_letter
from worker.events.delivery import Delivery


def delivered(tag: int, body: bytes = b"{}", message_id: str | None = None) -> Delivery:
    """What RabbitMQ itself dead-lettered, as the delivery with that number."""
    death: dict[str, Any] = {"reason": "delivery_limit", "time": datetime(2026, 7, 1, tzinfo=UTC)}
    properties = {} if message_id is None else {"message_id": message_id}
    return Delivery(body, "sunny", properties, {"x-death": [death]}, tag=tag)


def test_a_letter_without_an_id_is_named_by_what_it_is_and_not_by_where_it_lies() -> None:
    """Given a queue that changes between a look and a discard, the id still means the same letter."""
    first, moved, other = (
        read_letter(each, "sunny").id for each in (delivered(3), delivered(1), delivered(3, b"[]"))
    )

    assert first == moved
    assert first != other


def test_a_workers_letter_keeps_its_id() -> None:
    letter = Delivery(b"{}", "sunny", {"message_id": "letter-1"}, {"x-reason": "kit_rejected"})
    assert read_letter(letter, "sunny").id == "letter-1"


def test_letters_of_a_publisher_who_uses_one_id_again_and_again_are_told_apart() -> None:
    """Given events that RabbitMQ took out, with one id, each is one letter, wherever it lies."""
    bodies = [b'{"type": "user.updated", "n": %d}' % number for number in range(50)]
    first, later = (
        [
            read_letter(delivered(tag + more, body, "nightly-import"), "sunny").id
            for tag, body in enumerate(bodies)
        ]
        for more in (1, 100)
    )
    assert first == later
    assert len(set(first)) == 50
    assert all(each.startswith("nightly-import-") for each in first)


def test_events_that_differ_in_their_headers_alone_are_told_apart() -> None:
    """Given binary CloudEvents with one body, what their headers say tells one from the other."""
    letters = [
        structs.replace(each, headers={**each.headers, "ce-specversion": "1.0", "ce-id": name})
        for each, name in ((delivered(1), "a"), (delivered(2), "b"))
    ]
    assert len({read_letter(each, "sunny").id for each in letters}) == 2


@pytest.mark.parametrize(
    ("selection", "matches"),
    [
        (Selection(), True),
        (Selection(ids=frozenset({"letter-1", "other"})), True),
        (Selection(ids=frozenset({"other"})), False),
        (Selection(reasons=frozenset({"delivery_limit"})), True),
        (Selection(reasons=frozenset({"delivery_limit"}), types=frozenset({"order.paid"})), False),
    ],
)
def test_a_selection_matches_what_fits_all_of_it(selection: Selection, matches: bool) -> None:
    letter = read_letter(delivered(1, message_id="letter-1"), "sunny")

    assert selection.matches(letter) is matches


def test_an_empty_id_selects_nothing() -> None:
    """Given a letter whose event has no id, a slip such as `--id "$ID"` must not select it."""
    assert not Selection(ids=frozenset({""})).matches(read_letter(delivered(1), "sunny"))


def rejected(detail: str, *, reason: str = "kit_rejected") -> Delivery:
    """What a worker wrote, and why."""
    return Delivery(b"{}", "sunny", {"message_id": "letter-1"}, {"x-reason": reason, "x-detail": detail})


@pytest.mark.parametrize(
    ("text", "is_meant"),
    [
        ("email address", True),
        ("EMAIL  Address", True),
        ("kit_rejected: Email", True),
        ("kit_rejected", True),
        ("422.", False),
        ("tag", False),
    ],
)
def test_letters_are_selected_by_words_of_why_they_are_dead(text: str, is_meant: bool) -> None:
    """Given what stands in a list, as it is or with other blanks, it selects what it stands beside."""
    letter = read_letter(rejected("Email address\nis invalid (422)"), "sunny")
    assert Selection(matching=text).matches(letter) == is_meant


def test_words_of_why_and_a_reason_both_have_to_fit() -> None:
    letter = read_letter(rejected("Name is too long"), "sunny")
    assert Selection(reasons=frozenset({"kit_rejected"}), matching="too long").matches(letter)
    assert not Selection(reasons=frozenset({"unknown_tag"}), matching="too long").matches(letter)


def test_why_rabbitmq_took_a_letter_out_can_be_named_too() -> None:
    assert Selection(matching="no worker settled it").matches(read_letter(delivered(1), "sunny"))
