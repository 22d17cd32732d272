"""An event that comes in again at its time is the event that it was, in its place among the others."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.unit.dead_letters.letter.on_the_wire import delivered, letter_of, sent
from tests.unit.examples import EMAIL, NOON
from worker.accounts.account import Account
from worker.broker import frames
from worker.consumer.due_message import (
    adopting,
    allowing,
    anew_effect,
    due_again,
    due_anew,
    due_effect,
    due_of_others,
    repairing,
    undoing,
)
from worker.consumer.interpreting import interpreted
from worker.consumer.newest import as_delivered, newest_event
from worker.dead_letters.fitting import MAX_HEADER_BYTES
from worker.dead_letters.letter import read_dead_letter, replay_message
from worker.errors import InvalidEvent, LedgerUnavailable
from worker.events.decode import decode, due_id
from worker.events.delivery import Delivery
from worker.events.event import Event, Origin
from worker.subscribers.change import NOTHING
from worker.subscribers.drifted import DriftKind, DriftRow, Remedy
from worker.subscribers.item import Item, Kind, Later, Outcome
from worker.subscribers.known import DueAnew, DueEffect
from worker.subscribers.mark import event_mark, event_name
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Subscriber

AT = NOON + timedelta(days=30)
DATA = {"user": {"email": EMAIL, "id": "u-1"}}
ARRIVAL = 77


@pytest.fixture(autouse=True, scope="module")
def _tolerant() -> None:
    frames.install()


def read(delivery: Delivery, arrival: int = 1) -> Event:
    return decode(delivery, arrival=arrival, apps=["sunny"], types=["order.paid"])


def kept(message: Delivery, *, later: Later | None = None, user_id: str | None = "u-1") -> DueEffect:
    item = Item(
        message, read(message, ARRIVAL), EMAIL, user_id, later=later or Later(AT, "tag 'Late'"),
        subscriber=Subscriber(Record("ada@new.example")),
    )  # fmt: skip
    effect = due_effect(item)
    assert effect is not None
    return effect


def again(effect: DueEffect) -> Delivery:
    """The message as it comes out of the queue, when it is due."""
    return msgspec.structs.replace(sent(due_again("main", effect.message)), received_at=AT)


PLAIN = {"id": "e-1", "type": "order.paid", "time": "2026-07-01T11:00:00.5Z", "data": DATA}
CLOUD = {f"cloudEvents:{name}": PLAIN[name] for name in ("id", "type", "time")}
MESSAGES = {
    "plain": delivered(json.dumps(PLAIN).encode(), "order.paid.sunny", message_id="another"),
    "id and type outside": delivered(
        json.dumps({"data": DATA}).encode(), "order.paid.sunny", message_id="e-1", message_type="order.paid"
    ),
    "nothing but data": delivered(json.dumps({"data": DATA}).encode(), "order.paid.sunny"),
    "packed": delivered(
        gzip.compress(json.dumps(PLAIN).encode()), "order.paid.sunny", content_encoding="gzip"
    ),
    "binary cloud event": delivered(
        json.dumps(DATA).encode(), "order.paid.sunny", {"cloudEvents:specversion": "1.0", **CLOUD},
        content_type="application/json",
    ),
    "odd headers": delivered(
        json.dumps(PLAIN).encode(), "order.paid.sunny",
        {"when": NOON, "raw": b"\xff", "price": Decimal("1.5"), "deep": {"a": [1, None, True, {"b": NOON}]}},
        priority=9, expiration="1000", app_id="shop",
    ),
    "straight into the queue": msgspec.structs.replace(
        delivered(json.dumps(PLAIN).encode(), "kit.main"), exchange=""
    ),
    "large headers": delivered(json.dumps(PLAIN).encode(), "order.paid.sunny", {"trace": "x" * 70_000}),
}  # fmt: skip


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
def test_it_is_the_event_that_it_was(message: Delivery) -> None:
    """Given any event, what comes in at its time is that event, with its own place, and says why it came."""
    before = read(message, ARRIVAL)
    effect = kept(message)

    after = read(again(effect), ARRIVAL + 1000)

    assert after.due is not None
    assert (after.due.id, after.due.at) == (effect.id, AT)
    assert after.origin is Origin.DUE
    assert msgspec.structs.replace(after, origin=None, due=None, dated=before.dated) == before
    assert after.order == before.order


def test_it_waits_in_its_accounts_queue_like_any_event() -> None:
    message = due_again("main", kept(MESSAGES["odd headers"]).message)

    assert (message.exchange, message.routing_key) == ("", "kit.main")
    assert message.properties["delivery_mode"] == 2
    assert not message.properties.keys() & {"priority", "expiration", "message_id"}


def test_the_ledger_is_told_what_people_ask_for() -> None:
    """Given an event whose person has moved, the timer is under the address of now."""
    effect = kept(MESSAGES["plain"])

    shown = replace(effect, id="", message=b"")
    assert shown == DueEffect(
        "", AT.timestamp(), "ada@new.example", "u-1", "order.paid", "e-1",
        NOON - timedelta(minutes=59, seconds=59.5), "tag 'Late'", b"",
    )  # fmt: skip


def test_an_event_without_a_later_leaves_nothing() -> None:
    item = Item(MESSAGES["plain"], read(MESSAGES["plain"]), EMAIL, subscriber=Subscriber(Record(EMAIL)))

    assert due_effect(item) is None
    assert due_effect(Item(MESSAGES["plain"], later=Later(AT, ""))) is None


# -- which timer --------------------------------------------------------------------------------------------


def test_a_copy_of_an_event_has_the_same_timer_and_each_time_its_own() -> None:
    first, copy = kept(MESSAGES["plain"]), kept(msgspec.structs.replace(MESSAGES["plain"], tag=9))
    other_time = kept(MESSAGES["plain"], later=Later(AT + timedelta(seconds=1), ""))
    other_event = kept(delivered(json.dumps({**PLAIN, "id": "e-2"}).encode(), "order.paid.sunny"))

    assert first.id == copy.id
    assert len({first.id, other_time.id, other_event.id}) == 3


def test_its_mark_is_not_the_events_so_that_only_its_own_copies_are_duplicates() -> None:
    message = MESSAGES["plain"]
    effect = kept(message)
    due, copy = read(again(effect)), read(again(effect), 2)

    assert event_mark(due) == event_mark(copy) == effect.id
    assert event_mark(due) != event_mark(read(message))


def test_one_that_has_to_wait_once_more_keeps_what_it_was() -> None:
    """Given a mapping that puts its time off, it comes again as what it was at first, under a new timer."""
    message = MESSAGES["id and type outside"]
    first = kept(message)
    later = AT + timedelta(days=1)

    second = kept(again(first), later=Later(later, ""))

    after = read(again(second))
    assert after.due is not None
    assert (after.due.id, after.due.at) == (second.id, later)
    assert msgspec.structs.replace(after, due=None) == msgspec.structs.replace(read(again(first)), due=None)
    assert first.id != second.id


# -- who is believed ----------------------------------------------------------------------------------------


def test_from_anybody_else_it_says_nothing() -> None:
    """Given a publisher's own headers of these names, its event is one of the platform's, of any time."""
    due = again(kept(MESSAGES["plain"]))

    forged = msgspec.structs.replace(due, exchange="platform.events", routing_key="order.paid.sunny")

    event = read(forged, 5)
    assert (event.due, event.order.arrival, due_id(forged)) == (None, 5, None)
    assert event_mark(event) == event_mark(read(MESSAGES["plain"]))


def test_a_forged_one_is_no_other_when_it_is_replayed() -> None:
    """Given a forged event that became a dead letter, its replay is the worker's, and no more due than it."""
    due = again(kept(MESSAGES["plain"]))
    forged = msgspec.structs.replace(due, exchange="platform.events", routing_key="order.paid.sunny")

    letter = sent(letter_of(forged, happened=read(forged)))
    replayed = sent(replay_message(letter, read_dead_letter(letter, "main")))

    assert read(replayed).due is None


def test_one_that_says_no_time_is_refused_in_words() -> None:
    due = again(kept(MESSAGES["plain"]))
    broken = msgspec.structs.replace(due, headers={**due.headers, "x-due-at": "soon"})

    with pytest.raises(InvalidEvent, match="x-due-at: must be an ISO 8601 time"):
        read(broken)
    assert due_id(broken) == kept(MESSAGES["plain"]).id  # its timer is crossed off all the same


@pytest.mark.parametrize("headers", [{"x-origin": "else"}, {"x-origin": 7}, {"x-due-id": "d-1"}])
def test_what_comes_for_another_reason_is_not_due(headers: dict[str, Any]) -> None:
    due = again(kept(MESSAGES["plain"]))
    others = {name: value for name, value in due.headers.items() if name not in {"x-origin", "x-due-id"}}

    assert read(msgspec.structs.replace(due, headers={**others, **headers})).due is None


# -- as a dead letter ---------------------------------------------------------------------------------------


LARGE_ATTRIBUTES = delivered(
    json.dumps(DATA).encode(), "order.paid.sunny",
    {"cloudEvents:specversion": "1.0", **CLOUD, "cloudEvents:note": "x" * (MAX_HEADER_BYTES - 200)},
    content_type="application/json",
)  # fmt: skip
"""With these there is room for nothing else, but for what a replay needs."""


@pytest.mark.parametrize("message", [MESSAGES["plain"], LARGE_ATTRIBUTES], ids=["plain", "large"])
def test_its_dead_letter_is_replayed_as_what_it_was(message: Delivery) -> None:
    """Given a due event that failed, its replay is that due event, and a copy of it a duplicate."""
    due = again(kept(message))
    happened = read(due)

    letter = sent(letter_of(due, happened=happened))
    replayed = sent(replay_message(letter, read_dead_letter(letter, "main")))

    assert read(replayed, 99) == happened
    assert "x-reason" not in replayed.headers


ROWS = [DriftRow(DriftKind.TAG_MISSING, "VIP"), DriftRow(DriftKind.ADDRESS, kit="Ada@New.example")]
OWN = {
    Origin.ANEW: anew_effect(EMAIL, "apply-1a2b", 7, "v1", NOON.timestamp()),
    Origin.UNDO: undoing(EMAIL, "apply-1a2b", 7, ["VIP"], ("", NOON)),
    Origin.ALLOW: allowing("main", EMAIL, ["VIP"], NOON.timestamp()),
    Origin.REPAIR: repairing(EMAIL, "drift-1a2b", 7, ROWS, NOON.timestamp(), AT.timestamp()),
    Origin.ADOPT: adopting(EMAIL, "adopt-drift-1a2b", 7, ROWS, NOON.timestamp(), AT.timestamp()),
}
"""Messages that somebody asked for."""


def test_what_is_taken_back_until_events_are_heard_anew_says_so() -> None:
    """Given such a message, it and its replay have the place that says it; nobody else's message has it."""
    effect = undoing(EMAIL, "apply-1a2b", 7, ["VIP"], ("", NOON), until_anew=True)
    message = again(effect)
    happened = read(message)
    assert happened.order.is_heard_anew({("", NOON - timedelta(days=1))})
    letter = sent(letter_of(message, happened=happened))
    assert read(sent(replay_message(letter, read_dead_letter(letter, "main"))), 99) == happened

    ordinary = again(OWN[Origin.UNDO])
    assert not read(ordinary).order.is_heard_anew({("", NOON - timedelta(days=1))})
    forged = delivered(json.dumps(PLAIN).encode(), "order.paid.sunny", {"x-event-arrival": "-1"})
    assert read(forged, ARRIVAL).order.arrival == ARRIVAL


@pytest.mark.parametrize("origin", OWN)
def test_what_somebody_asked_for_is_replayed_as_what_it_was(origin: Origin) -> None:
    """Given one that Kit refused, its replay asks for the same, and a copy of it is a duplicate."""
    message = again(OWN[origin])
    happened = read(message)
    assert (happened.origin, event_mark(happened)) == (origin, OWN[origin].id)

    letter = sent(letter_of(message, happened=happened))

    assert read(sent(replay_message(letter, read_dead_letter(letter, "main"))), 99) == happened


def test_of_a_replay_it_is_no_more_when_it_is_due() -> None:
    """Given an event that a run put back and that takes effect later, for that run it has ended."""
    replayed = delivered(json.dumps(PLAIN).encode(), "kit.main", {"x-replay-run": "7"})
    due = again(kept(msgspec.structs.replace(replayed, exchange="")))
    assert "x-replay-run" not in due.headers


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
def test_what_is_due_of_an_event_that_is_kept_is_what_it_was_when_it_came(message: Delivery) -> None:
    """Given any event that is heard anew, its timer is the one that was set, or would have been."""
    came = Item(
        message, read(message, ARRIVAL), EMAIL, "u-1", later=Later(AT, "tag 'Late'"),
        subscriber=Subscriber(Record(EMAIL)),
    )  # fmt: skip
    newest = newest_event(Outcome(came, Kind.SCHEDULED))
    if newest is None or not newest.message:
        return  # it is too large to be kept
    heard = as_delivered("main", newest.message, AT - timedelta(days=1))
    item = msgspec.structs.replace(came, delivery=heard, event=read(heard))

    anew = due_anew([item, None], Subscriber(Record("ada@new.example")))

    (effect,), before = anew.effects, due_effect(came)
    assert before is not None
    assert replace(effect, email=EMAIL, message=b"") == replace(before, message=b"")
    assert read(again(effect), 99) == read(again(before), 99)
    assert anew.events == {event_name(came.event)} if came.event else None


def test_what_was_due_of_an_event_that_is_due_no_more_is_named_as_well() -> None:
    item = Item(MESSAGES["plain"], read(MESSAGES["plain"]), EMAIL, change=NOTHING)
    assert due_anew([item], Subscriber(Record(EMAIL))) == DueAnew(
        frozenset({event_name(read(MESSAGES["plain"]))}), ()
    )


@pytest.mark.parametrize("kind", Kind)
def test_timers_are_set_anew_only_where_the_events_were_heard(kind: Kind) -> None:
    """Given a message that was refused, or for another file, all stays as it was until it is replayed."""
    anew = DueAnew(frozenset(), ())
    item = Item(MESSAGES["plain"], anew=anew, subscriber=Subscriber(Record(EMAIL)))
    heard = kind in {Kind.APPLIED, Kind.SUPERSEDED}
    assert due_of_others(Outcome(item, kind)) == ((EMAIL, anew) if heard else None)


# -- a ledger that somebody wrote into ----------------------------------------------------------------------


@pytest.mark.parametrize("message", [b"", b"\xff", b"{}", msgspec.msgpack.encode(["text", {}])])
def test_what_is_no_message_is_named(message: bytes) -> None:
    with pytest.raises(LedgerUnavailable, match="a timer of main that cannot be read"):
        due_again("main", message)


def test_what_lets_held_tags_through_says_whose_and_which_and_only_a_worker_can() -> None:
    """Given the message, a worker reads what is let through; by an exchange it is an event like any other."""
    effect = allowing("main", EMAIL, ["VIP", "New"], AT.timestamp())
    message = again(effect)
    event = read(message)
    assert (event.origin, event.data) == (Origin.ALLOW, {"user": {"email": EMAIL}, "tags": ["VIP", "New"]})
    assert event_mark(event) == effect.id == due_id(message)
    assert effect.what == "put on, as somebody allows: tag 'VIP', tag 'New'"
    forged = msgspec.structs.replace(message, exchange="platform.events", routing_key="order.paid.sunny")
    assert read(forged).origin is None
    item = interpreted(Item(message, event, EMAIL), Account("main"))
    assert isinstance(item, Item)
    assert item.change.allows == {"vip", "new"}


@pytest.mark.parametrize(("make", "adopts"), [(repairing, False), (adopting, True)])
def test_what_is_otherwise_in_kit_is_told_with_the_time_at_which_it_was_seen(
    make: Callable[..., DueEffect], *, adopts: bool
) -> None:
    """Given a plan of noon that is carried out later, it is due then, and overrides nothing since noon."""
    effect = make(EMAIL, "drift-1a2b", 7, ROWS, NOON.timestamp(), AT.timestamp())
    message = again(effect)
    event = read(message)
    item = interpreted(Item(message, event, EMAIL), Account("main"))

    assert isinstance(item, Item)
    assert (event.time, effect.event_time, effect.at) == (NOON, NOON, AT.timestamp())
    assert event.due is not None
    assert event.due.at == AT
    rows = [ROWS[0], DriftRow(DriftKind.ADDRESS, kit="ada@new.example")]
    assert item.change.remedies == {Remedy(row, event.order, adopts) for row in rows}
    assert item.addresses == {EMAIL, *(["ada@new.example"] if adopts else [])}
    assert effect.what.endswith("Kit: tag 'VIP', email address")


@pytest.mark.parametrize("differences", [None, "all", [{"class": "mood"}], [{"name": "VIP"}]])
def test_differences_that_cannot_be_read_are_refused_in_words(differences: object) -> None:
    event = msgspec.structs.replace(
        read(again(OWN[Origin.REPAIR])), data={"user": {"email": EMAIL}, "differences": differences}
    )

    with pytest.raises(InvalidEvent, match=r"data\.differences: "):
        interpreted(Item(MESSAGES["plain"], event, EMAIL), Account("main"))
