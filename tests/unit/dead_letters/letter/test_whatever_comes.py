"""Whatever a message holds, its letter and its replay can be sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.dead_letters.letter.on_the_wire import delivered, letter_of, sent
from tests.unit.examples import NOON, event
from worker.dead_letters.letter import read_dead_letter, replay_message
from worker.events.event import Event

scalars = st.sampled_from(
    [
        None, True, 0, -1, 2**40, 2**70, 0.5, 1e300, "text", "", "é" * 90, "\udcff", b"", b"\xff",
        bytearray(b"x"), NOON, datetime.max.replace(tzinfo=UTC),
    ]
)  # fmt: skip
values = (
    scalars
    | st.lists(scalars, max_size=2)
    | st.dictionaries(st.sampled_from(["k", "\udcff", "é" * 90]), scalars, max_size=2)
)
header_names = st.sampled_from(
    [
        "trace",
        "CC",
        "BCC",
        "x-death",
        "x-event-id",
        "x-event-time",
        "x-event-arrival",
        "x-original-expiration",
        "\udcff",
        "é" * 90,
        "",
    ]
)


@given(
    st.dictionaries(header_names, values, max_size=6),
    st.sampled_from([None, event()]),
    st.sampled_from([None, 0, 9]),
    st.sampled_from([None, NOON, datetime.max.replace(tzinfo=UTC)]),
    st.sampled_from([None, "", "text", "\udcff"]),
)
@settings(max_examples=80)
def test_whatever_the_headers_the_letter_and_its_replay_can_be_sent(
    headers: dict[str, Any],
    happened: Event | None,
    priority: int | None,
    stamp: datetime | None,
    text: str | None,
) -> None:
    """Given any message, then its dead letter can be sent, read, shown, replayed and sent again."""
    message = delivered(
        headers=headers, priority=priority, timestamp=stamp, message_id=text, content_type=text, user_id=text
    )

    died = sent(letter_of(message, happened=happened))
    letter = read_dead_letter(died, "default")
    again = sent(replay_message(died, letter))

    json.dumps([letter.id, letter.reason, letter.detail, letter.event_id, letter.routing_key, letter.text])
    assert letter.body == died.body == again.body == message.body
    assert letter.routing_key == "user.signed_up"
    assert letter.reason == "invalid_event"
    assert {"x-reason", "x-detail", "CC", "BCC"}.isdisjoint(again.headers)


def test_a_property_that_grows_too_long_when_made_readable_is_cut() -> None:
    """Given 250 bytes that are not UTF-8, which take three times as many to show, the letter can be sent."""
    letter = sent(letter_of(delivered(correlation_id="\udcff" * 250)))

    assert 0 < len(letter.properties["correlation_id"].encode()) <= 255
