"""A letter in another queue is the same one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.unit.dead_letters.letter.on_the_wire import delivered, letter_of, sent
from worker.dead_letters.as_it_is import as_it_is
from worker.dead_letters.letter import replay_message
from worker.dead_letters.own_id import read_letter
from worker.events.delivery import Delivery

DIED = {
    "x-death": [
        {"queue": "kit.default", "reason": "delivery_limit", "exchange": "platform.events", "count": 1,
         "routing-keys": ["user.signed_up"], "time": datetime(2026, 7, 1, 12, tzinfo=UTC)}
    ]
}  # fmt: skip


@pytest.mark.parametrize(
    "dead",
    [
        sent(letter_of(delivered(message_id="e-1"))),
        delivered(headers=DIED, message_id="e-1"),
        delivered(headers=DIED),
        delivered(headers=DIED, message_id="e-1", priority=3, expiration="1000"),
    ],
    ids=["of a worker", "of RabbitMQ", "of RabbitMQ, without an id", "of RabbitMQ, with what is moved"],
)
def test_a_letter_that_was_moved_is_read_and_replayed_as_before(dead: Delivery) -> None:
    """Given a letter without an id, the one that it is moved under is not taken for its event's."""
    before = read_letter(dead, "default")

    moved = sent(as_it_is(dead, before.id, "kit.default.archive"))

    after = read_letter(moved, "default")
    assert (after.id, after.event_id, after.reason, after.failed_at) == (
        before.id, before.event_id, before.reason, before.failed_at,
    )  # fmt: skip
    assert replay_message(moved, after) == replay_message(dead, before)
