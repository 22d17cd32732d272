"""A mended letter: a new event, in the old one's place among the others, that names it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.dead_letters.letter.on_the_wire import DEATH, delivered, letter_of, sent
from tests.unit.examples import NOON
from worker.broker.publisher import Outgoing
from worker.dead_letters.letter import read_dead_letter
from worker.dead_letters.mended import MENDS, mended_message
from worker.errors import InvalidEvent, UndecodableEvent
from worker.events.decode import decode
from worker.events.delivery import Delivery
from worker.events.event import Event

GOOD = '{"data": {"user": {"email": "ada@example.com"}}}'


def mended(delivery: Delivery, text: str) -> tuple[Event, Mapping[str, Any]]:
    """Let an event die, and mend it; return the event as it comes in again, and its headers."""
    dead = sent(letter_of(delivery))
    message = mended_message(dead, read_dead_letter(dead, "default"), text)
    again = sent(message)
    return decode(again, arrival=99), again.headers


def test_a_mended_event_has_an_id_of_its_own_and_the_old_ones_place() -> None:
    """Given an event without a time, it is as old as the one that it takes the place of."""
    bad = delivered(
        b'{"data": {"user": {"email": "nobody"}}}', message_id="e-1", message_type="user.signed_up"
    )

    event, headers = mended(bad, GOOD)

    assert event.type == "user.signed_up"
    assert event.id is not None
    assert event.id.startswith("mended-")
    assert headers[MENDS] == "e-1"
    assert event.time == NOON
    assert event.data == {"user": {"email": "ada@example.com"}}
    assert mended(bad, GOOD)[0].id == event.id  # done twice it is one event
    assert mended(bad, f"{GOOD} ")[0].id != event.id


def test_a_mended_event_that_lost_its_time_keeps_its_place() -> None:
    """Given a letter that RabbitMQ wrote, whose time stands in its body alone, and is mended away."""
    body = b'{"time": "2026-06-01T00:00:00Z", "data": {}}'
    dead = sent(Outgoing("kit.dead", "default", body, {"headers": DEATH, "type": "user.signed_up"}))

    again = sent(mended_message(dead, read_dead_letter(dead, "default"), GOOD))

    assert decode(again, arrival=99, apps=["sunny"]).time == datetime(2026, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"id": "e-1", "type": "user.signed_up", "time": "2026-07-01T11:00:00Z", "data": {}}, {}),
        (
            {"specversion": "1.0", "id": "e-1", "type": "user.signed_up", "source": "/", "data": {},
             "time": "2026-07-01T11:00:00Z"},
            {},
        ),
    ],
    ids=["plain", "structured"],
)  # fmt: skip
def test_an_id_in_the_body_is_replaced_and_the_time_there_counts(
    body: dict[str, Any], headers: dict[str, str]
) -> None:
    text = json.dumps({**body, "data": json.loads(GOOD)["data"]})
    event, said = mended(delivered(json.dumps(body).encode(), headers=headers), text)
    assert (event.id or "").startswith("mended-")
    assert (said[MENDS], event.time) == ("e-1", NOON - timedelta(hours=1))


def test_of_a_binary_cloud_event_the_data_stays_as_it_is() -> None:
    """Given data that has an id of something else, that is no id of the event's."""
    headers = {"ce-specversion": "1.0", "ce-id": "e-1", "ce-type": "order.paid", "ce-source": "/"}
    data = {"id": "order-5", "user": {"email": "ada@example.com"}}
    event, said = mended(delivered(b'{"id": "order-5"}', "order.paid", headers), json.dumps(data))
    assert (event.type, event.data, said[MENDS]) == ("order.paid", data, "e-1")
    assert (event.id or "").startswith("mended-")


def test_a_packed_body_in_another_charset_is_plain_after() -> None:
    labels: dict[str, Any] = {"content_encoding": "gzip", "content_type": "application/json; charset=latin1"}
    bad = delivered(b"\x1f\x8b broken", **labels)
    dead = sent(letter_of(bad))
    message = mended_message(dead, read_dead_letter(dead, "default"), GOOD)
    assert json.loads(message.body) == json.loads(GOOD)
    assert "content_encoding" not in message.properties
    assert message.properties["content_type"] == "application/json"


@pytest.mark.parametrize(("text", "error"), [("{", UndecodableEvent), ("[1]", InvalidEvent)])
def test_what_is_no_event_is_refused(text: str, error: type[Exception]) -> None:
    dead = sent(letter_of(delivered()))
    with pytest.raises(error):
        mended_message(dead, read_dead_letter(dead, "default"), text)
