"""A replayed letter is the event that it was: its id, time, key, app and place in the order."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from tests.unit.dead_letters.letter.on_the_wire import (
    BODY,
    DEATH,
    delivered,
    died_and_replayed,
    letter_of,
    read,
    sent,
)
from tests.unit.examples import NOON, event
from worker.dead_letters.letter import read_dead_letter, replay_message
from worker.events.decode import decode
from worker.events.delivery import Delivery


def test_a_replayed_letter_goes_to_its_work_queue_with_its_body_and_stays_on_disk() -> None:
    died = sent(letter_of(delivered(), account="sunny"))

    out = replay_message(died, read_dead_letter(died, "sunny"))

    assert (out.exchange, out.routing_key, out.body) == ("", "kit.sunny", BODY)
    assert out.properties["delivery_mode"] == 2
    assert "message_id" not in out.properties


def test_a_replayed_letter_has_lost_what_its_failure_added() -> None:
    message = delivered(
        headers={"trace": "t-1", "CC": ["x"], **DEATH}, user_id="guest", priority=3, message_id="e-1"
    )

    again = died_and_replayed(message, event())

    assert again.headers == {
        "trace": "t-1",
        "x-event-id": "event-1",
        "x-event-time": "2026-07-01T12:00:01Z",
        "x-event-arrival": "1",
        "x-original-routing-key": "user.signed_up",
    }
    assert {"user_id", "priority"}.isdisjoint(again.properties)


CLOUD_EVENT = {
    "cloudEvents:specversion": "1.0", "cloudEvents:id": "ce", "cloudEvents:type": "order.paid",
    "cloudEvents:time": "2026-06-01T00:00:00.25Z", "cloudEvents:sequence": "7",
}  # fmt: skip
BODY_OF_ITS_OWN = b'{"id": 5, "type": "order.paid", "time": "2026-06-01T00:00:00.25Z", "data": {}}'


@pytest.mark.parametrize(
    "message",
    [
        delivered(),
        delivered(message_id="m-1"),
        delivered(
            message_id="m-1", timestamp=NOON - timedelta(days=3), message_type="order.paid", key="order.paid"
        ),
        delivered(timestamp=NOON - timedelta(seconds=1.75)),
        delivered(BODY_OF_ITS_OWN, key="order.paid"),
        delivered(b'{"user": {}}', key="order.paid", headers=CLOUD_EVENT, message_id="other"),
    ],
)
@pytest.mark.parametrize("times", [1, 2])
def test_a_replayed_event_keeps_its_id_type_time_and_app(message: Delivery, times: int) -> None:
    """Given an event that could be read, when it died and was replayed, then it is the same event.

    Where the publisher gave no time, the replay has the time at which the event was first read.
    """
    first = read(message)

    again = message
    for _ in range(times):
        again = died_and_replayed(again, first)

    assert read(again) == msgspec.structs.replace(first, dated=True)


def test_a_replayed_event_is_no_newer_than_what_came_after_it() -> None:
    """Given two events of one second, when the first dies and is replayed, then it is still the first."""
    first = read(delivered(timestamp=NOON), arrival=1)
    second = read(delivered(timestamp=NOON), arrival=2)

    again = died_and_replayed(delivered(timestamp=NOON), first)

    replayed = read(again, arrival=3)
    assert first.order == replayed.order < second.order


@pytest.mark.parametrize("odd", ["", "-1", "1.5", "²", "9" * 21, 7, None])
def test_an_arrival_that_is_none_is_not_taken_for_one(odd: object) -> None:
    message = delivered(headers={"x-event-arrival": odd})
    assert read(message, arrival=3).order.arrival == 3


def test_a_replayed_event_keeps_its_app() -> None:
    message = delivered(key="user.signed_up.sunny")

    again = died_and_replayed(message, read(message, ("sunny",)), "other-account")

    assert read(again, ("sunny",)).app == "sunny"


def test_what_was_put_straight_into_the_queue_names_no_app_in_its_replay_either() -> None:
    """Given an account with an app, and a message that bears the queue's name for a key, both are its own."""
    message = msgspec.structs.replace(
        delivered(key="kit.default", message_type="user.signed_up"), exchange=""
    )
    letter = sent(letter_of(message, happened=event(1)))

    replayed = sent(replay_message(letter, read_dead_letter(letter, "default")))

    assert decode(replayed, arrival=1, apps=["sunny"], types=["user.signed_up"]).app is None


def test_a_publishers_own_header_of_a_replay_gives_no_event_another_app() -> None:
    """Given an event of rainy whose header says sunny, then its letter and its replay are rainy's."""
    message = delivered(
        key="user.signed_up.rainy", headers={"x-original-routing-key": "user.signed_up.sunny"}
    )

    assert read(died_and_replayed(message, None), ("rainy",)).app == "rainy"


def test_a_replayed_event_that_could_not_be_read_keeps_id_and_time_of_receipt() -> None:
    message = delivered(b"?", message_id="m-1")

    again = msgspec.structs.replace(died_and_replayed(message, None), body=BODY)

    happened = read(again)
    assert (happened.id, happened.time) == ("m-1", NOON)


def test_by_which_run_it_was_replayed_is_told_by_its_letter_and_no_more_by_the_next_replay() -> None:
    """Given a replayed event that fails again, whoever replays it then is not that run."""
    replayed = msgspec.structs.replace(
        delivered(key="kit.default", headers={"x-replay-run": "7"}), exchange=""
    )

    died = sent(letter_of(replayed, happened=event()))
    again = sent(replay_message(died, read_dead_letter(died, "default")))

    assert died.headers["x-replay-run"] == "7"
    assert "x-replay-run" not in again.headers


def test_an_event_that_fails_again_after_its_replay_keeps_its_first_id_and_key() -> None:
    """Given a letter that is replayed and refused as unreadable, then it still tells who it was."""
    first = sent(letter_of(delivered(message_id="e-1"), happened=None))
    again = sent(replay_message(first, read_dead_letter(first, "default")))

    second = read_dead_letter(sent(letter_of(again, happened=None)), "default")

    assert (second.event_id, second.routing_key) == ("e-1", "user.signed_up")
