"""How dead letters are named."""

from __future__ import annotations

from msgspec import structs

from tests.unit.dead_letters.taken_out import delivered
from worker.dead_letters.own_id import read_letter
from worker.events.delivery import Delivery


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
