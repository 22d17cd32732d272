"""Who is believed: what anybody else sends, or writes into the ledger, says nothing or is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.unit.consumer.due_message.messages import AT, MESSAGES, OWN, ROWS, again, kept, read
from tests.unit.dead_letters.letter.on_the_wire import letter_of, sent
from tests.unit.examples import EMAIL, NOON
from worker.accounts.account import Account
from worker.consumer.due_message import due_again
from worker.consumer.interpreting import interpreted
from worker.consumer.own_message import adopting, allowing, repairing
from worker.dead_letters.letter import read_dead_letter, replay_message
from worker.errors import InvalidEvent, LedgerUnavailable
from worker.events.decode import due_id
from worker.events.event import Origin
from worker.subscribers.drifted import DriftKind, DriftRow, Remedy
from worker.subscribers.due_effect import DueEffect
from worker.subscribers.item import Item
from worker.subscribers.mark import event_mark

# -- who is believed --------------------------------------------------------------------------------------


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


# -- a ledger that somebody wrote into --------------------------------------------------------------------


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
