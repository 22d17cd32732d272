"""When an event happened, which of two is older, and which id it has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.events.decode.reading import CLOUD_EVENT, DATA, TYPES, message, plain, read, refused
from tests.unit.examples import NOON
from worker.errors import EarlyEvent
from worker.events.decode import decode

# -- times ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-07-01T10:00:00Z", NOON.replace(hour=10)),
        ("2026-07-01T10:00:00+02:00", NOON.replace(hour=8)),
        ("2026-07-01T10:00:00.5-00:30", NOON.replace(hour=10, minute=30, microsecond=500_000)),
        ("2026-07-01T10:00:00.123456789Z", NOON.replace(hour=10, microsecond=123_456)),
        ("1969-12-31T23:59:59Z", datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("name", ["time", "occurred_at"])
def test_times_carry_an_offset_and_may_be_finer_than_microseconds(
    name: str, text: str, time: datetime
) -> None:
    assert plain(**{name: text}).time == time


@pytest.mark.parametrize(
    ("value", "detail"),
    [
        ("2026-07-01T10:00:00", "time: lacks its offset"),
        ("2026-07-01", "time: lacks its offset"),
        ("yesterday", "time: must be an ISO 8601 time"),
        ("", "time: must be an ISO 8601 time"),
        (1782900000, "time: must be an ISO 8601 time"),
        (True, "time: must be an ISO 8601 time"),
        (["2026-07-01T10:00:00Z"], "time: must be an ISO 8601 time"),
        ("0001-01-01T00:00:00+02:00", "time: must be an ISO 8601 time"),
        ("2026-07-01T25:00:00Z", "time: must be an ISO 8601 time"),
    ],
)
def test_a_bad_time_is_refused_even_where_a_property_has_a_good_one(value: object, detail: str) -> None:
    assert refused(message({"time": value, "data": DATA}, timestamp=NOON)).startswith(detail)


def test_an_explicit_null_is_no_time() -> None:
    assert plain(time=None, occurred_at="2026-07-01T10:00:00Z").time.hour == 10


def test_a_missing_time_is_the_time_of_receipt() -> None:
    assert plain().time == NOON


@pytest.mark.parametrize("ahead", [timedelta(minutes=5), timedelta(0), timedelta(days=-3650)])
def test_a_time_may_be_up_to_five_minutes_ahead_of_ours(ahead: timedelta) -> None:
    time = NOON + ahead

    assert plain(time=time.isoformat()).time == read(message(timestamp=time)).time == time


def test_a_time_further_ahead_is_refused_wherever_it_comes_from() -> None:
    ahead = NOON + timedelta(minutes=5, microseconds=1)

    body = {"data": DATA}
    assert refused(message({"time": ahead.isoformat(), **body}), EarlyEvent).startswith("time: ")
    assert refused(message({"occurred_at": ahead.isoformat(), **body}), EarlyEvent).startswith(
        "occurred_at: "
    )
    assert refused(message(timestamp=ahead), EarlyEvent).startswith("timestamp: ")


def test_the_time_of_receipt_does_not_go_back_where_the_clock_does() -> None:
    """Given an event without a time, it happened no earlier than the one before; a time of its own stands."""
    later = NOON + timedelta(minutes=2)

    undated = decode(message({"data": DATA}), arrival=1, types=TYPES, not_before=later)
    dated = decode(
        message({"time": NOON.isoformat(), "data": DATA}), arrival=1, types=TYPES, not_before=later
    )

    assert (undated.time, undated.order.time, undated.dated) == (later, later, False)
    assert dated.time == NOON


# -- order and id -----------------------------------------------------------------------------------------


def sequence(text: object) -> str:
    return read(message({**CLOUD_EVENT, "sequence": text})).order.sequence


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("9", "10"),
        ("0", "1"),
        ("99", "100"),
        ("0009", "10"),
        ("1", "18446744073709551616"),
        ("9" * 99, "1" * 100),
    ],
)
def test_numbers_in_sequence_compare_as_numbers(older: str, newer: str) -> None:
    assert sequence(older) < sequence(newer)


@given(st.lists(st.integers(0, 10**30), min_size=2, max_size=5), st.integers(0, 9))
@settings(max_examples=40)
def test_any_numbers_in_sequence_sort_as_numbers_padded_or_not(numbers: list[int], padding: int) -> None:
    texts = [f"{'0' * (padding * (index % 2))}{number}" for index, number in enumerate(numbers)]

    assert [int(text) for text in sorted(texts, key=sequence)] == sorted(numbers)


@pytest.mark.parametrize(("one", "other"), [("7", "007"), ("0", "000"), (7, "7")])
def test_padding_changes_nothing(one: object, other: object) -> None:
    assert sequence(one) == sequence(other)


def test_other_sequences_compare_as_text_and_none_is_the_oldest() -> None:
    assert sequence("b") > sequence("aaa") > sequence(None) == sequence("") == ""


def test_only_a_cloud_event_has_a_sequence() -> None:
    assert plain(sequence="7").order.sequence == ""


def test_a_later_sequence_is_newer_whatever_the_clocks_say() -> None:
    older = read(message({**CLOUD_EVENT, "sequence": "9", "time": "2026-07-01T11:00:00Z"}), arrival=2)
    newer = read(message({**CLOUD_EVENT, "sequence": "10", "time": "2026-07-01T09:00:00Z"}), arrival=1)

    assert older.order < newer.order


def test_events_of_one_moment_are_in_the_order_of_their_arrival() -> None:
    assert read(message(CLOUD_EVENT), arrival=1).order < read(message(CLOUD_EVENT), arrival=2).order


@pytest.mark.parametrize(("given_id", "id_"), [("e-9", "e-9"), (7, "7"), ("", "amqp"), (None, "amqp")])
def test_the_events_own_id_wins_over_the_message_id(given_id: object, id_: str) -> None:
    assert read(message({"id": given_id, "data": DATA}, message_id="amqp")).id == id_


@pytest.mark.parametrize("bad", [True, 1.5, {}, "x" * 256])
def test_an_id_must_be_short_text(bad: object) -> None:
    assert refused(message({"id": bad, "data": DATA})).startswith("id: ")


def test_a_replayed_event_keeps_its_id_time_and_routing_key() -> None:
    """Given a dead letter was replayed, then its headers count, and not what the broker says of it now."""
    headers = {
        "x-original-routing-key": "order.paid.sunny",
        "x-event-id": "e-1",
        "x-event-time": "2026-06-01T00:00:00Z",
    }  # fmt: skip

    event = read(message(key="kit.default", headers=headers, message_id="dead-letter"), apps=("sunny",))

    assert (event.id, event.type, event.app) == ("e-1", "order.paid", "sunny")
    assert event.time == datetime(2026, 6, 1, tzinfo=UTC)


def test_what_comes_through_an_exchange_is_no_replay_whatever_its_headers_say() -> None:
    """Given a publisher's own headers as of a replay, then they give it no id, time, place or app."""
    forged = {
        "x-original-routing-key": "user.signed_up.rainy", "x-event-id": "forged", "x-event-arrival": "9",
        "x-event-time": "2020-01-01T00:00:00Z",
    }  # fmt: skip

    found = read(
        message(key="order.paid.sunny", headers=forged, exchange="e", message_id="m"), apps=("sunny",)
    )

    assert (found.id, found.type, found.app) == ("m", "order.paid", "sunny")
    assert (found.time, found.order.arrival) == (NOON, 1)


def test_a_replayed_event_that_had_no_id_still_has_none() -> None:
    received = message(headers={"x-original-routing-key": "user.signed_up"}, message_id="dead-letter")

    assert read(received).id is None
