"""Dead letters: what they keep, what they gain, and how they become the event again."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from aiormq import spec
from aiormq.abc import DeliveredMessage
from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp import frame
from pamqp.header import ContentHeader

from tests.unit.examples import NOON, event
from worker.broker import frames
from worker.broker.publisher import Outgoing
from worker.dead_letters.fitting import MAX_HEADER_BYTES
from worker.dead_letters.letter import dead_letter, read_dead_letter, replay_message
from worker.errors import EventError, InvalidEvent, KitRejected, Reason, UndecodableEvent
from worker.events.decode import decode
from worker.events.delivery import Delivery
from worker.events.event import Event
from worker.subscribers.item import Item, Kind, Outcome

FAILED_AT = NOON + timedelta(minutes=1)
FRAME_MAX = 131_072
"""What RabbitMQ allows; a content header is always one frame."""
BODY = b'{"data": {"user": {"email": "ada@example.com"}}}'


@pytest.fixture(autouse=True, scope="module")
def _tolerant() -> None:
    frames.install()


def delivered(
    body: bytes = BODY,
    key: str = "user.signed_up",
    headers: Mapping[str, Any] | None = None,
    **properties: Any,  # noqa: ANN401  # by pamqp's names
) -> Delivery:
    given = spec.Basic.Properties(headers=None if headers is None else dict(headers), **properties)
    deliver = spec.Basic.Deliver("consumer", 7, False, "platform.events", key)  # noqa: FBT003  # pamqp's order
    return received(deliver, ContentHeader(0, len(body), given), body, NOON)


def received(deliver: spec.Basic.Deliver, header: ContentHeader, body: bytes, at: datetime) -> Delivery:
    raw = DeliveredMessage(deliver, header, body, None)  # type: ignore[arg-type]  # no channel
    return frames.read_delivery(raw, received_at=at, since=0.0)


def letter_of(
    delivery: Delivery,
    error: EventError | None = None,
    happened: Event | None = None,
    account: str = "default",
) -> Outgoing:
    """The dead letter of a message that was tried three times."""
    why = error or InvalidEvent("data.user: missing")
    outcome = Outcome(Item(delivery, happened), Kind.DEAD_LETTERED, why, attempts=3)
    return dead_letter(account, outcome, FAILED_AT)


def sent(out: Outgoing) -> Delivery:
    """The message as the broker delivers it again: through the wire's own form, with an id of its own."""
    properties = frames.outgoing(out.body, {"message_id": "letter-1", **out.properties}).properties
    properties.validate()
    as_frame = frame.marshal(ContentHeader(0, len(out.body), properties), 1)
    assert len(as_frame) < FRAME_MAX
    _, _, header = frame.unmarshal(as_frame)
    assert isinstance(header, ContentHeader)
    deliver = spec.Basic.Deliver("consumer", 9, False, out.exchange, out.routing_key)  # noqa: FBT003  # pamqp's order
    return received(deliver, header, out.body, FAILED_AT)


def headers_of(out: Outgoing) -> dict[str, Any]:
    headers = out.properties["headers"]
    assert isinstance(headers, dict)
    return headers


# -- written ------------------------------------------------------------------------------------------------


def test_a_dead_letter_goes_to_its_accounts_queue_and_stays_on_disk() -> None:
    letter = letter_of(delivered(), account="sunny")

    assert (letter.exchange, letter.routing_key) == ("kit.dead", "sunny")
    assert letter.properties["delivery_mode"] == 2


def test_a_dead_letter_keeps_body_properties_and_headers() -> None:
    message = delivered(
        b"\xff not json", headers={"trace": "t-1", "n": 5, "nested": {"a": [1, "x", None]}}, app_id="sunny",
        content_type="application/json", correlation_id="c-1", reply_to="r", message_type="order.paid",
        timestamp=NOON,
    )  # fmt: skip

    letter = letter_of(message)

    assert letter.body == b"\xff not json"
    assert headers_of(letter).items() >= {"trace": "t-1", "n": 5}.items()
    assert headers_of(letter)["nested"] == {"a": [1, "x", None]}
    assert letter.properties["app_id"] == "sunny"
    assert letter.properties["content_type"] == "application/json"
    assert letter.properties["type"] == "order.paid"
    assert letter.properties["timestamp"] == NOON


def test_a_dead_letter_says_why_and_what_it_was() -> None:
    happened = event(1, "order.paid")

    letter = letter_of(delivered(key="order.paid.sunny"), KitRejected("Kit said\n  no"), happened)

    assert headers_of(letter) == {
        "x-reason": "kit_rejected",
        "x-detail": "Kit said no",
        "x-account": "default",
        "x-event-type": "order.paid",
        "x-event-id": "event-1",
        "x-event-time": "2026-07-01T12:00:01Z",
        "x-event-arrival": "1",
        "x-attempts": 3,
        "x-failed-at": "2026-07-01T12:01:00Z",
        "x-original-routing-key": "order.paid.sunny",
    }


def test_of_what_could_not_be_read_it_says_what_properties_and_routing_key_say() -> None:
    letter = letter_of(delivered(b"?", message_id="m-1"), UndecodableEvent("body: not JSON"))

    assert headers_of(letter)["x-reason"] == "undecodable"
    assert headers_of(letter)["x-event-id"] == "m-1"
    assert headers_of(letter)["x-event-time"] == "2026-07-01T12:00:00Z"
    assert headers_of(letter)["x-event-type"] == "user.signed_up"


INVALID = b'{"id": "e-1", "type": "order.paid", "time": "2026-06-01T00:00:00Z", "data": 5}'


IN_HEADERS = {f"cloudEvents:{name}": value for name, value in json.loads(INVALID).items()}


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (INVALID, {}),
        (INVALID[:-5], {}),
        (b"?", IN_HEADERS | {"cloudEvents:specversion": "1.0"}),
    ],
)  # fmt: skip
def test_of_an_event_that_is_invalid_it_says_what_can_be_read(body: bytes, headers: dict[str, Any]) -> None:
    """Given an event with a fault, then people find its letter by id and type, and see of when it is."""
    died = sent(letter_of(delivered(body, headers=headers, message_id="m-1")))

    letter = read_dead_letter(died, "default")

    expected = ("e-1", "order.paid", "2026-06-01T00:00:00Z")
    assert (letter.event_id, letter.event_type, letter.event_time) == expected
    assert (
        died.headers["x-event-id"],
        died.headers["x-event-type"],
        died.headers["x-event-time"],
    ) == expected


def test_what_a_publisher_says_in_the_workers_own_headers_is_not_believed() -> None:
    """Given headers as of a replay, from the platform, then letter and replay have what is true."""
    forged = {
        "x-original-routing-key": "order.paid.rainy", "x-event-id": "forged", "x-event-arrival": "1",
        "x-event-time": "2020-01-01T00:00:00Z", "x-event-type": "x", "x-account": "a", "x-original-cc": "y",
    }  # fmt: skip
    died = sent(letter_of(delivered(b"?", headers=forged)))

    letter = read_dead_letter(died, "default")
    again = msgspec.structs.replace(sent(replay_message(died, letter)), body=BODY)

    assert (letter.event_id, letter.event_type, letter.routing_key) == (
        "",
        "user.signed_up",
        "user.signed_up",
    )
    assert (letter.account, letter.event_time) == ("default", "2026-07-01T12:00:00Z")
    assert "x-original-cc" not in died.headers
    happened = read(again, arrival=9)
    assert (happened.id, happened.time, happened.order.arrival, happened.app) == (None, NOON, 9, None)


def test_a_detail_is_one_line_of_bounded_length() -> None:
    letter = letter_of(delivered(), InvalidEvent("a\nb " * 1000))

    assert headers_of(letter)["x-detail"].startswith("a b a b")
    assert len(headers_of(letter)["x-detail"]) == 1000


@pytest.mark.parametrize(
    ("name", "value", "kept_as", "kept"),
    [
        ("user_id", "guest", "x-original-user-id", "guest"),
        ("expiration", "5000", "x-original-expiration", "5000"),
        ("priority", 9, "x-original-priority", "9"),
        ("priority", 0, "x-original-priority", "0"),
    ],
)
def test_properties_that_would_do_harm_become_headers(
    name: str, value: object, kept_as: str, kept: str
) -> None:
    """Kept, they would be refused by the broker, make the letter vanish, or let it overtake."""
    harmful: dict[str, Any] = {name: value}

    letter = letter_of(delivered(**harmful))

    assert name not in letter.properties
    assert headers_of(letter)[kept_as] == kept


def test_copies_that_would_go_elsewhere_are_only_noted() -> None:
    letter = letter_of(delivered(headers={"CC": ["kit.other"], "BCC": ["kit.third"]}))

    assert not {"CC", "BCC"} & headers_of(letter).keys()
    assert headers_of(letter)["x-original-cc"] == ["kit.other"]
    assert headers_of(letter)["x-original-bcc"] == ["kit.third"]


def test_a_dead_letter_has_no_id_of_its_event_so_that_it_gets_one_of_its_own() -> None:
    assert "message_id" not in letter_of(delivered(message_id="e-1")).properties


def test_headers_beyond_64_kib_give_way_to_a_note() -> None:
    letter = letter_of(delivered(headers={"large": "x" * MAX_HEADER_BYTES, "small": 1}))

    assert not {"large", "small"} & headers_of(letter).keys()
    assert headers_of(letter)["x-original-headers"].startswith("2 headers of ")
    assert headers_of(letter)["x-reason"] == "invalid_event"
    sent(letter)


def test_headers_within_64_kib_are_kept() -> None:
    letter = letter_of(delivered(headers={"large": "x" * (MAX_HEADER_BYTES - 100)}))

    assert len(headers_of(letter)["large"]) == MAX_HEADER_BYTES - 100
    sent(letter)


@pytest.mark.parametrize(
    "value", [b"\xff", 2**70, 1e300, {"\udcff": 1}, [b"\xff"], "\udcff", {"a": object()}]
)
def test_a_header_that_cannot_be_sent_again_is_kept_as_text(value: object) -> None:
    letter = letter_of(delivered(headers={"odd": value, "fine": 1}))

    assert isinstance(headers_of(letter)["odd"], str)
    assert sent(letter).headers["fine"] == 1


def test_headers_are_measured_in_bytes() -> None:
    """Given header names of few letters and many bytes, then they count as what they are on the wire."""
    names = {"\U0001f600" * 31 + f"{number:04}": True for number in range(950)}

    letter = letter_of(delivered(headers=names))

    assert headers_of(letter)["x-original-headers"].startswith("950 headers of 1")


# -- read ---------------------------------------------------------------------------------------------------


def test_a_dead_letter_is_read_as_it_was_written() -> None:
    message = sent(letter_of(delivered(key="order.paid"), KitRejected("no"), event(1, "order.paid")))

    letter = read_dead_letter(message, "default")

    assert (letter.id, letter.account, letter.reason, letter.detail) == (
        "letter-1",
        "default",
        "kit_rejected",
        "no",
    )
    assert (letter.event_type, letter.event_id) == ("order.paid", "event-1")
    assert (letter.event_time, letter.failed_at) == ("2026-07-01T12:00:01Z", "2026-07-01T12:01:00Z")
    assert (letter.attempts, letter.routing_key, letter.body) == (3, "order.paid", BODY)


DEATH = {"x-death": [{
    "reason": "delivery_limit", "queue": "kit.default", "time": NOON, "count": 1, "exchange": "events",
    "routing-keys": ["order.paid.sunny"],
}]}  # fmt: skip


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


@pytest.mark.parametrize(
    "headers",
    [
        None,
        {},
        {"x-death": []},
        {"x-death": "?"},
        {"x-death": [7]},
        {"x-death": [{}]},
        {"x-death": [{"time": "?"}]},
    ],
)
def test_a_message_of_any_kind_in_the_dead_letter_queue_can_be_shown(headers: dict[str, Any] | None) -> None:
    letter = read_dead_letter(delivered(headers=headers), "default")

    assert (letter.id, letter.event_id, letter.routing_key, letter.body) == ("tag-7", "", "", BODY)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"a":"\xc3\xa9"}', '{\n  "a": "é"\n}'),
        (b"hello", "hello"),
        (b"\xff", "�"),
        (b"", ""),
        (b"[" * 100_000, "[" * 100_000),
        (b"[" * 500 + b"]" * 500, "[" * 500 + "]" * 500),
        (b'["\\ud800"]', '["\\ud800"]'),
    ],
    ids=["json", "text", "no text", "empty", "too deep", "too deep to be written", "half a character"],
)
def test_a_body_is_shown_indented_where_it_is_json(body: bytes, text: str) -> None:
    assert read_dead_letter(delivered(body), "default").text == text


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


@pytest.mark.parametrize(
    ("body", "labels"),
    [
        (gzip.compress(b'{"a":"\xc3\xa9"}'), {"content_encoding": "gzip"}),
        (gzip.compress(b'{"a":"\xc3\xa9"}'), {}),
        (b'{"a":"\xe9"}', {"content_type": "application/json; charset=iso-8859-1"}),
    ],
    ids=["gzip", "gzip without its label", "latin-1"],
)
def test_a_packed_body_keeps_its_bytes_and_label_and_can_be_read(body: bytes, labels: dict[str, str]) -> None:
    died = sent(letter_of(delivered(body, "user.signed_up", None, **labels)))

    letter = read_dead_letter(died, "default")
    again = replay_message(died, letter)

    assert letter.text == '{\n  "a": "é"\n}'
    assert letter.body == again.body == body
    assert died.properties.items() >= labels.items() <= again.properties.items()


def test_headers_that_are_too_large_take_no_attribute_of_a_cloud_event_with_them() -> None:
    """Given a binary CloudEvent and 70 kB of somebody's own, then a replay is still the event that it was."""
    headers = {"ce-specversion": "1.0", "ce-id": "e-1", "CE-Type": "order.paid", "sequence": "7"}
    message = delivered(b'{"user": {}}', headers={**headers, "trace": "x" * 70_000})

    died = sent(letter_of(message))
    again = sent(replay_message(died, read_dead_letter(died, "default")))

    assert "trace" not in died.headers
    assert read(again).id == "e-1"
    assert read(again).order.sequence == read(message).order.sequence == "0017"


def test_attributes_that_are_too_large_themselves_are_left_out_as_well() -> None:
    headers = {f"{prefix}id": "x" * 30_000 for prefix in ("ce-", "CE-", "Ce-", "cloudEvents:")}

    assert headers_of(letter_of(delivered(headers=headers))).keys().isdisjoint(headers)


def test_a_damaged_body_is_shown_as_it_is() -> None:
    letter = read_dead_letter(delivered(b"\x1f\x8bno gzip"), "default")

    assert letter.text == "\x1f\ufffdno gzip"


def test_headers_of_cloud_events_mean_the_same_in_a_replay() -> None:
    """Given a header of bytes and a time in milliseconds, then a replay has both as they came."""
    headers = {
        "ce-specversion": bytearray(b"1.0"), "cloudEvents_id": bytearray(b"e-1"), "ce-type": "order.paid",
        "cloudEvents_time": 1782900000250, "ce-sequence": 7,
    }  # fmt: skip
    message = delivered(b'{"user": {}}', headers=headers)

    again = died_and_replayed(message, None)

    assert again.headers.items() >= headers.items()
    assert read(again) == read(message)
    assert (read(again).id, read(again).order.sequence) == ("e-1", "0017")
    assert read(again).time == datetime(2026, 7, 1, 10, 0, 0, 250_000, tzinfo=UTC)


@pytest.mark.parametrize("headers", [{"x-reason": "mine"}, {"x-attempts": "many"}, {"x-detail": 5}])
def test_a_publishers_own_headers_of_those_names_do_not_keep_a_letter_from_being_shown(
    headers: dict[str, Any],
) -> None:
    letter = read_dead_letter(delivered(headers={**headers, **DEATH}), "default")

    assert (letter.attempts, letter.routing_key) == (0, "order.paid.sunny")


# -- replayed -----------------------------------------------------------------------------------------------


TYPES = ("user.signed_up", "order.paid")


def read(message: Delivery, apps: tuple[str, ...] = (), *, arrival: int = 1) -> Event:
    return decode(message, arrival=arrival, apps=apps, types=TYPES)


def died_and_replayed(message: Delivery, happened: Event | None, account: str = "default") -> Delivery:
    died = sent(letter_of(message, happened=happened, account=account))
    return sent(replay_message(died, read_dead_letter(died, account)))


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


def test_a_letter_of_the_brokers_own_is_replayed_with_its_id_and_routing_key() -> None:
    died = sent(Outgoing("kit.dead", "default", BODY, {"headers": DEATH, "message_id": "e-1"}))

    again = sent(replay_message(died, read_dead_letter(died, "default")))

    happened = read(again, ("sunny",))
    assert (happened.id, happened.type, happened.app) == ("e-1", "order.paid", "sunny")
    assert "x-death" not in again.headers


def test_by_which_run_it_was_replayed_is_told_by_its_letter_and_no_more_by_the_next_replay() -> None:
    """Given a replayed event that fails again, whoever replays it then is not that run."""
    replayed = msgspec.structs.replace(
        delivered(key="kit.default", headers={"x-replay-run": "7"}), exchange=""
    )

    died = sent(letter_of(replayed, happened=event()))
    again = sent(replay_message(died, read_dead_letter(died, "default")))

    assert died.headers["x-replay-run"] == "7"
    assert "x-replay-run" not in again.headers


# -- whatever comes -----------------------------------------------------------------------------------------

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


def test_an_event_that_fails_again_after_its_replay_keeps_its_first_id_and_key() -> None:
    """Given a letter that is replayed and refused as unreadable, then it still tells who it was."""
    first = sent(letter_of(delivered(message_id="e-1"), happened=None))
    again = sent(replay_message(first, read_dead_letter(first, "default")))

    second = read_dead_letter(sent(letter_of(again, happened=None)), "default")

    assert (second.event_id, second.routing_key) == ("e-1", "user.signed_up")
