"""From any message to an event, or to an error that says which field is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.examples import NOON
from worker.errors import EarlyEvent, EventError, InvalidEvent, Reason, UndecodableEvent, WrongApp
from worker.events.body import MAX_BODY_BYTES
from worker.events.decode import decode
from worker.events.delivery import Delivery
from worker.events.event import Event, Origin

TYPES = frozenset({"user.signed_up", "subscription.started", "order.paid", "order.paid.late"})
DATA = {"user": {"email": "ada@example.com"}}
CLOUD_EVENT = {
    "specversion": "1.0", "id": "e-1", "source": "/platform", "type": "user.signed_up",
    "time": "2026-07-01T10:00:00Z", "datacontenttype": "application/json", "data": DATA,
}  # fmt: skip


def message(
    body: object = None,
    key: str = "user.signed_up",
    *,
    headers: Mapping[str, Any] | None = None,
    unreadable: tuple[str, ...] = (),
    exchange: str = "",
    **properties: Any,  # noqa: ANN401  # as AMQP has them
) -> Delivery:
    """A message; a body that is no bytes is sent as JSON. Properties that are empty are not set."""
    given_body = {"data": DATA} if body is None else body
    as_bytes = given_body if isinstance(given_body, bytes) else json.dumps(given_body).encode()
    set_properties = {name: value for name, value in properties.items() if value not in {None, ""}}
    return Delivery(
        as_bytes, key, set_properties, headers or {}, unreadable, received_at=NOON, exchange=exchange
    )


def read(received: Delivery, *, apps: tuple[str, ...] = (), arrival: int = 1) -> Event:
    return decode(received, arrival=arrival, apps=apps, types=TYPES)


def plain(**attributes: object) -> Event:
    return read(message({"data": DATA, **attributes}))


def refused(received: Delivery, kind: type[EventError] = InvalidEvent, **options: Any) -> str:  # noqa: ANN401
    """Why a message is refused."""
    with pytest.raises(kind) as caught:
        read(received, **options)
    assert type(caught.value) is kind
    assert "ada@example.com" not in str(caught.value)
    return str(caught.value)


# -- the three forms ----------------------------------------------------------------------------------------


def test_a_structured_cloud_event_carries_everything_in_its_body() -> None:
    received = message(
        CLOUD_EVENT, content_type="application/cloudevents+json; charset=utf-8", message_id="amqp"
    )

    event = read(received)

    assert (event.id, event.type, event.data) == ("e-1", "user.signed_up", DATA)
    assert event.time == datetime(2026, 7, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize("prefix", ["cloudEvents:", "cloudEvents_"])
def test_a_binary_cloud_event_carries_its_attributes_in_headers(prefix: str) -> None:
    attributes = {"specversion": "1.0", "id": "e-2", "type": "order.paid", "time": "2026-07-01T10:00:00Z"}
    headers = {f"{prefix}{name}": value for name, value in attributes.items()} | {"other": b"\xff"}

    event = read(message(DATA, "order.paid", headers=headers, content_type="application/json"))

    assert (event.id, event.type, event.data) == ("e-2", "order.paid", DATA)
    assert event.time == datetime(2026, 7, 1, 10, tzinfo=UTC)


def test_a_binary_cloud_event_may_carry_its_time_as_an_amqp_timestamp_and_its_sequence_as_a_number() -> None:
    headers = {
        "cloudEvents:specversion": "1.0", "cloudEvents:id": "e", "cloudEvents:type": "order.paid",
        "cloudEvents:time": NOON - timedelta(hours=1), "cloudEvents:sequence": 7,
    }  # fmt: skip

    event = read(message(DATA, "order.paid", headers=headers))

    assert event.time == NOON - timedelta(hours=1)
    assert (
        event.order.sequence
        == plain(specversion="1.0", id="e", type="user.signed_up", sequence="7").order.sequence
    )


def test_plain_json_may_say_everything_itself() -> None:
    event = plain(id="e-3", type="order.paid", occurred_at="2026-07-01T10:00:00+02:00")

    assert (event.id, event.type, event.time) == ("e-3", "order.paid", datetime(2026, 7, 1, 8, tzinfo=UTC))


def test_plain_json_may_leave_it_to_the_amqp_properties() -> None:
    sent = NOON - timedelta(minutes=1)

    event = read(message(key="anything", message_id="m-1", type="order.paid", timestamp=sent))

    assert (event.id, event.type, event.time) == ("m-1", "order.paid", sent)


def test_the_body_wins_over_the_properties() -> None:
    body = {"id": "body", "type": "order.paid", "time": "2026-07-01T10:00:00Z", "data": DATA}
    properties: dict[str, Any] = {"message_id": "amqp", "type": "user.signed_up", "timestamp": NOON}

    event = read(message(body, "order.paid", **properties))

    assert (event.id, event.type, event.time.hour) == ("body", "order.paid", 10)


def test_an_event_without_an_id_has_none() -> None:
    """Only ids given by the publisher mark duplicates, so none is made up."""
    assert plain().id is None


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({**CLOUD_EVENT, "specversion": "0.3"}, "specversion: only CloudEvents 1.0"),
        ({**CLOUD_EVENT, "specversion": None}, "specversion: only CloudEvents 1.0"),
        ({**CLOUD_EVENT, "id": ""}, "id: missing"),
        ({key: value for key, value in CLOUD_EVENT.items() if key != "id"}, "id: missing"),
        ({**CLOUD_EVENT, "type": None}, "type: missing"),
        ({key: value for key, value in CLOUD_EVENT.items() if key != "specversion"}, "specversion: missing"),
    ],
)
def test_a_cloud_event_needs_what_cloud_events_need(body: object, detail: str) -> None:
    received = message(body, content_type="application/cloudevents+json", message_id="m", type="order.paid")

    assert refused(received).startswith(detail)


# -- type and app -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "apps", "kind"),
    [
        ("user.signed_up", (), "user.signed_up"),
        ("user.signed_up.sunny", ("sunny",), "user.signed_up"),
        ("order.paid.late", (), "order.paid.late"),
        ("order.paid.late", ("late",), "order.paid.late"),
        ("order.paid.late.sunny", ("sunny",), "order.paid.late"),
        ("user.updated", (), "user.updated"),
        ("user.updated.sunny", ("sunny", "rainy"), "user.updated"),
        ("user.updated.sunny.eu", ("eu", "sunny.eu"), "user.updated.sunny"),
    ],
)
def test_a_missing_type_is_the_routing_key_less_the_app(key: str, apps: tuple[str, ...], kind: str) -> None:
    """Known types win over a shorter reading of the key, since a type may end like an app."""
    if (key, apps) == ("order.paid.late", ("late",)):
        assert "names no app" in refused(message(key=key), WrongApp, apps=apps)
        return
    assert read(message(key=key), apps=apps).type == kind


def test_a_message_without_any_type_is_refused() -> None:
    assert refused(message(key="")).startswith("type: missing")


@pytest.mark.parametrize("blank", [" ", "\t"])
def test_a_blank_type_is_none(blank: str) -> None:
    for received in (message({"type": blank, "data": DATA}), message(type=blank)):
        assert read(received).type == "user.signed_up"


@pytest.mark.parametrize("kind", [True, 1.5, ["user.signed_up"], {}, "x" * 256])
def test_a_type_must_be_short_text(kind: object) -> None:
    assert refused(message({"type": kind, "data": DATA})).startswith("type: ")


@pytest.mark.parametrize(
    ("key", "apps", "app"),
    [
        ("user.signed_up", (), None),
        ("user.signed_up.sunny", ("sunny",), "sunny"),
        ("user.signed_up.rainy", ("sunny", "rainy"), "rainy"),
        ("user.signed_up.two.parts", ("two.parts",), "two.parts"),
        ("kit.default", ("sunny",), None),
    ],
)
def test_the_routing_key_names_the_app(key: str, apps: tuple[str, ...], app: str | None) -> None:
    """A key that does not begin with the type names no app: the message was put straight into the queue."""
    assert read(message(key=key, type="user.signed_up"), apps=apps).app == app


@pytest.mark.parametrize(
    ("key", "apps", "words"),
    [
        ("user.signed_up.rainy", ("sunny",), ("'rainy'", "takes only sunny")),
        ("user.signed_up.rainy", (), ("'rainy'", "only events without one")),
        ("user.signed_up", ("sunny", "moony"), ("names no app", "takes only moony, sunny")),
    ],
)
def test_another_apps_event_is_refused_and_the_message_names_both(
    key: str, apps: tuple[str, ...], words: tuple[str, str]
) -> None:
    detail = refused(message(key=key, type="user.signed_up"), WrongApp, apps=apps)

    assert all(word in detail for word in words)
    assert WrongApp.reason is Reason.WRONG_APP


@pytest.mark.parametrize(
    ("key", "apps"),
    [
        ("user.signed_up.rainy", ("sunny",)),
        ("user.signed_up.rainy", ()),
        ("order.paid.late.rainy", ()),
        ("user.updated.rainy", ("sunny",)),
        ("user.updated.rainy", ()),
        ("user.signed_up", ("sunny",)),
        ("rainy", ("sunny",)),
        ("rainy", ()),
        ("user.signed_up.sunny.rainy", ("sunny",)),
    ],
)
@pytest.mark.parametrize("replayed", [False, True])
def test_an_event_of_another_type_than_its_key_is_still_of_the_app_that_the_key_names(
    key: str, apps: tuple[str, ...], *, replayed: bool
) -> None:
    """Given a body that says another type than its key, then no account of another app has it."""
    received = (
        message(key="kit.default", type="subscription.started", headers={"x-original-routing-key": key})
        if replayed
        else message(key=key, type="subscription.started", exchange="platform.events")
    )

    assert "this account takes only" in refused(received, WrongApp, apps=apps)


@pytest.mark.parametrize(
    ("key", "apps", "app"),
    [
        ("user.signed_up.sunny", ("sunny",), "sunny"),
        ("user.updated.sunny", ("rainy", "sunny"), "sunny"),
        ("user.signed_up", (), None),
        ("order.paid.late", (), None),
    ],
)
def test_an_event_of_another_type_than_its_key_is_taken_where_the_key_names_the_accounts_app(
    key: str, apps: tuple[str, ...], app: str | None
) -> None:
    event = read(message(key=key, type="subscription.started", exchange="platform.events"), apps=apps)

    assert (event.type, event.app) == ("subscription.started", app)


def test_a_header_says_nothing_about_the_app_of_what_came_through_an_exchange() -> None:
    """Given a publisher that sends the header of a replay, then the key counts by which the event came."""
    received = message(
        key="user.signed_up.rainy",
        headers={"x-original-routing-key": "user.signed_up.sunny"},
        exchange="platform.events",
    )

    assert "'rainy'" in refused(received, WrongApp, apps=("sunny",))


def test_what_was_put_straight_into_the_queue_names_no_app() -> None:
    assert read(message(key="kit.default", type="subscription.started"), apps=("sunny",)).app is None


# -- times --------------------------------------------------------------------------------------------------


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


# -- order and id -------------------------------------------------------------------------------------------


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


# -- bodies that are none -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "body: not JSON"),
        (b"hello", "body: not JSON"),
        (b'{"data": {', "body: not JSON"),
        (b"\xff\xfe", "body: not UTF-8 at byte 0"),
        ('{"data": {"user": {"email": "ada@example.com"}}}'.encode("utf-16"), "body: not UTF-8"),
        (b'{"data": {"x": NaN}}', "body: not JSON: NaN"),
        (b'{"data": {"x": -Infinity}}', "body: not JSON: -Infinity"),
        (b'{"data": {"x": 1e999}}', "body: not JSON: a number is too large"),
        (b'{"data": {"x": -1e999}}', "body: not JSON: a number is too large"),
        (b'{"data": {"x": ' + b"9" * 5000 + b"}}", "body: not JSON: "),
        (b"[]", "body: must be a JSON object"),
        (b'"data"', "body: must be a JSON object"),
        (b"null", "body: must be a JSON object"),
        (b"[" * 40 + b"]" * 40, "body: nested deeper than 32"),
        (b"[" * 100_000 + b"]" * 100_000, "body: nested deeper than 32"),
        (b'{"data":' * 20_000, "body: "),
        (b" " * (MAX_BODY_BYTES + 1), "body: 262145 bytes; at most 262144"),
    ],
    ids=range(17),
)
def test_what_is_not_readable_json_is_undecodable(body: bytes, detail: str) -> None:
    assert refused(message(body), UndecodableEvent).startswith(detail)


def test_a_body_may_be_as_large_and_as_deep_as_the_contract_says() -> None:
    nested: object = "deep"
    for _ in range(30):
        nested = [nested]
    body = json.dumps({"data": {**DATA, "nested": nested}}).encode()

    event = read(message(body.ljust(MAX_BODY_BYTES)))

    assert event.data["nested"] == nested


def test_a_byte_order_mark_does_no_harm() -> None:
    assert read(message(b"\xef\xbb\xbf" + json.dumps({"data": DATA}).encode())).data == DATA


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (rb'{"data": {"user": {"first_name": "A\u0000"}}}', "data.user.first_name: holds a character"),
        (rb'{"data": {"user": {"first_name": "\ud83d"}}}', "data.user.first_name: holds a character"),
        (rb'{"data": {"list": ["fine", "\uDC00"]}}', "data.list.1: holds a character"),
        (rb'{"data": {"\udc00": 1}}', "data: a key holds a character"),
        (rb'{"id": "\u0000", "data": {}}', "id: holds a character"),
    ],
)
def test_text_that_no_utf_8_can_carry_is_refused_and_the_field_named(body: bytes, detail: str) -> None:
    assert refused(message(body)).startswith(detail)


def test_a_whole_surrogate_pair_is_a_character() -> None:
    assert read(message(rb'{"data": {"name": "\ud83d\ude00 \\u0000"}}')).data["name"] == "\U0001f600 \\u0000"


@pytest.mark.parametrize(
    ("data", "detail"), [(None, "data: missing"), ([], "data: must be an object"), ("x", "data: ")]
)
def test_data_must_be_an_object(data: object, detail: str) -> None:
    assert refused(message({"data": data})).startswith(detail)
    binary = {"cloudEvents:specversion": "1.0", "cloudEvents:id": "e", "cloudEvents:type": "order.paid"}
    assert refused(message(json.dumps(data).encode(), headers=binary)).startswith(detail)


def test_properties_that_could_not_be_read_are_named() -> None:
    detail = refused(message(unreadable=("message_id", "timestamp")), UndecodableEvent)

    assert detail.startswith("message_id, timestamp: cannot be read")


# -- whatever comes -----------------------------------------------------------------------------------------

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
