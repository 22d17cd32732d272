"""A letter that no worker wrote: what is read of it from the broker's own header, and believed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.dead_letters.letter.on_the_wire import (
    BODY,
    DEATH,
    INVALID,
    delivered,
    died_and_replayed,
    letter_of,
    read,
    sent,
)
from tests.unit.examples import NOON
from worker.broker.publisher import Outgoing
from worker.dead_letters.letter import read_dead_letter, replay_message
from worker.errors import KitRejected, Reason


def test_a_letter_that_the_broker_wrote_is_read_from_its_x_death() -> None:
    message = sent(
        Outgoing("kit.dead", "default", BODY, {"headers": DEATH, "message_id": "e-1", "type": "order.paid"})
    )

    letter = read_dead_letter(message, "default")

    assert (letter.reason, letter.routing_key, letter.failed_at) == (
        Reason.DELIVERY_LIMIT, "order.paid.sunny", "2026-07-01T12:00:00Z",
    )  # fmt: skip
    assert "kit.default" in letter.detail
    assert (letter.id, letter.event_id, letter.event_type, letter.attempts) == ("e-1", "e-1", "order.paid", 0)


def test_a_letter_that_the_broker_wrote_tells_what_can_be_read_of_its_event() -> None:
    """Given a message without properties, then the tools look into its body, and at its routing key."""
    whole = sent(Outgoing("kit.dead", "default", INVALID, {"headers": DEATH}))
    bare = sent(Outgoing("kit.dead", "default", b"?", {"headers": DEATH}))

    letter, other = read_dead_letter(whole, "default"), read_dead_letter(bare, "default")

    expected = ("e-1", "order.paid", "2026-06-01T00:00:00Z")
    assert (letter.event_id, letter.event_type, letter.event_time) == expected
    assert (other.event_id, other.event_type, other.event_time) == ("letter-1", "order.paid.sunny", "")


FORGED = {
    "x-reason": "kit_rejected", "x-detail": "mine", "x-event-id": "forged", "x-event-arrival": "1",
    "x-attempts": 9, "x-event-time": "2020-01-01T00:00:00Z", "x-original-routing-key": "order.paid.rainy",
}  # fmt: skip


def test_in_what_the_broker_took_out_the_workers_own_headers_are_the_publishers() -> None:
    """Given a forged reason, id, time and key in a message that nobody settled, then none is believed."""
    died = sent(Outgoing("kit.dead", "default", INVALID, {"headers": FORGED | DEATH, "message_id": "m-1"}))

    letter = read_dead_letter(died, "default")
    again = sent(replay_message(died, letter))

    assert not letter.is_by_worker
    assert (letter.reason, letter.attempts, letter.routing_key) == ("delivery_limit", 0, "order.paid.sunny")
    assert (letter.event_id, letter.event_time) == ("e-1", "2026-06-01T00:00:00Z")
    assert again.headers == {
        "x-event-id": "m-1", "x-original-routing-key": "order.paid.sunny",
        "x-event-time": "2026-06-01T00:00:00Z",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("headers", "time"),
    [
        (DEATH, NOON),
        ({}, datetime(1970, 1, 1, tzinfo=UTC)),
        ({"x-death": [{"reason": "expired", "queue": "kit.default"}]}, datetime(1970, 1, 1, tzinfo=UTC)),
        (FORGED | DEATH, NOON),
    ],
    ids=["taken out", "put there by somebody", "taken out by who notes no time", "forged"],
)
def test_an_event_without_a_time_is_no_newer_than_its_death(headers: dict[str, Any], time: datetime) -> None:
    """Given a letter that no worker wrote, then its replay undoes nothing that came since it failed."""
    died = sent(Outgoing("kit.dead", "default", BODY, {"headers": headers, "type": "order.paid"}))

    replayed = sent(replay_message(died, read_dead_letter(died, "default")))

    assert read(replayed, ("sunny",)).time == time < replayed.received_at


def test_a_replay_that_the_broker_took_out_is_still_the_event_that_it_was() -> None:
    """Given a replay, which was put straight into the queue, then what the worker said of it is true."""
    replayed = died_and_replayed(delivered(message_id="m-1"), read(delivered(message_id="m-1")))
    (death,) = DEATH["x-death"]
    headers = {**replayed.headers, "x-death": [{**death, "exchange": "", "routing-keys": ["kit.default"]}]}
    died = sent(Outgoing("kit.dead", "default", BODY, {"headers": headers}))

    letter = read_dead_letter(died, "default")

    assert (letter.event_id, letter.routing_key) == ("m-1", "user.signed_up")
    assert sent(replay_message(died, letter)).headers == replayed.headers


def test_what_was_done_to_a_message_before_it_came_is_not_told_of_its_letter() -> None:
    """Given a message with the marks of a death in this very queue, then the worker's letter is its own."""
    died = sent(letter_of(delivered(headers=DEATH), KitRejected("no")))

    letter = read_dead_letter(died, "default")

    assert (letter.is_by_worker, letter.reason, letter.detail) == (True, "kit_rejected", "no")
    assert died.headers["x-original-x-death"] == DEATH["x-death"]


@pytest.mark.parametrize("headers", [{"x-reason": "mine"}, {"x-attempts": "many"}, {"x-detail": 5}])
def test_a_publishers_own_headers_of_those_names_do_not_keep_a_letter_from_being_shown(
    headers: dict[str, Any],
) -> None:
    letter = read_dead_letter(delivered(headers={**headers, **DEATH}), "default")

    assert (letter.attempts, letter.routing_key) == (0, "order.paid.sunny")


def test_a_letter_of_the_brokers_own_is_replayed_with_its_id_and_routing_key() -> None:
    died = sent(Outgoing("kit.dead", "default", BODY, {"headers": DEATH, "message_id": "e-1"}))

    again = sent(replay_message(died, read_dead_letter(died, "default")))

    happened = read(again, ("sunny",))
    assert (happened.id, happened.type, happened.app) == ("e-1", "order.paid", "sunny")
    assert "x-death" not in again.headers
