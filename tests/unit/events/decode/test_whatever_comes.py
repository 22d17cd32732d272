"""From any message to an event, or to an error that says which field is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.events.decode.reading import message, read
from tests.unit.examples import NOON
from worker.errors import EventError
from worker.events.delivery import Delivery
from worker.events.event import Event, Origin

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.just("2026-07-01T10:00:00Z")
)
nested = scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.text(max_size=4), scalars, max_size=2)
names = st.sampled_from(
    ["specversion", "id", "type", "time", "occurred_at", "sequence", "data", "data_base64", "user"]
)
envelopes = st.dictionaries(names, nested | st.just("1.0"), max_size=6)
times = st.none() | st.datetimes(timezones=st.just(UTC))
header_values = nested | st.binary(max_size=4) | st.datetimes() | st.datetimes(timezones=st.just(UTC))
headers = st.dictionaries(
    st.builds(
        str.__add__, st.sampled_from(["cloudEvents:", "cloudEvents_", "ce-", "CE-", "x-event-", ""]), names
    )
    | st.sampled_from(["x-original-routing-key", "x-event-id", "x-event-time"])
    | st.text(max_size=4),
    header_values,
    max_size=5,
)
short = (
    st.none()
    | st.text(max_size=10)
    | st.sampled_from(["application/cloudevents+json", "utf-8", "order.paid"])
)


def decode_or_refuse(received: Delivery, apps: tuple[str, ...] = ()) -> Event | None:
    """Decode; anything raised other than an `EventError` fails the test."""
    try:
        return read(received, apps=apps)
    except EventError as error:
        assert str(error)  # noqa: PT017  # either outcome is right
        assert "\n" not in str(error)  # noqa: PT017
        return None


@given(st.binary(max_size=60), short)
@example(b'{"data":{}}', None)
@settings(max_examples=60)
def test_arbitrary_bytes_give_an_event_or_an_event_error(body: bytes, content_type: str | None) -> None:
    decode_or_refuse(message(body, content_type=content_type))


@given(
    envelopes,
    headers,
    st.fixed_dictionaries(
        {"content_type": short, "content_encoding": short, "message_id": short, "type": short}
    ),
    times,
    st.sampled_from(["", "user.signed_up", "user.signed_up.sunny", "x", "kit.default"]),
)
@settings(max_examples=100)
def test_arbitrary_json_properties_and_headers_give_an_event_or_an_event_error(
    envelope: Mapping[str, object],
    given_headers: Mapping[str, object],
    properties: Mapping[str, Any],
    timestamp: datetime | None,
    key: str,
) -> None:
    received = message(
        json.dumps(envelope).encode(), key, headers=given_headers, timestamp=timestamp, **properties
    )
    for apps in ((), ("sunny",)):
        event = decode_or_refuse(received, apps)
        if event is not None:
            assert event.time.tzinfo is not None
            assert event.time - NOON <= timedelta(minutes=5)
            assert event.app is None or event.app in apps


@pytest.mark.parametrize("origin", Origin)
def test_why_the_worker_published_it_is_the_workers_own_word(origin: Origin) -> None:
    """Given the same header in what came through an exchange, it says nothing."""
    headers = {"x-origin": origin.value}
    assert read(message(key="order.paid", headers=headers, exchange="")).origin is origin
    assert read(message(key="order.paid", headers=headers, exchange="platform.events")).origin is None
