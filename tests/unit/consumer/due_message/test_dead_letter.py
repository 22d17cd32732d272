"""What is due, or was asked for, and fails: its dead letter is replayed as what it was."""

from __future__ import annotations

import json
from datetime import timedelta

import msgspec
import pytest

from tests.unit.consumer.due_message.messages import (
    ARRIVAL,
    CLOUD,
    DATA,
    MESSAGES,
    OWN,
    PLAIN,
    again,
    kept,
    read,
)
from tests.unit.dead_letters.letter.on_the_wire import delivered, letter_of, sent
from tests.unit.examples import EMAIL, NOON
from worker.consumer.own_message import undoing
from worker.dead_letters.fitting import MAX_HEADER_BYTES
from worker.dead_letters.letter import read_dead_letter, replay_message
from worker.events.delivery import Delivery
from worker.events.event import OrderKey, Origin
from worker.subscribers.mark import event_mark

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


def test_what_is_taken_back_until_events_are_heard_anew_says_so() -> None:
    """Given such a message, it and its replay have the place that says it; nobody else's message has it."""
    effect = undoing(EMAIL, "apply-1a2b", 7, ["VIP"], ("", NOON), until_anew=True)
    message = again(effect)
    happened = read(message)
    assert happened.order.is_heard_anew({OrderKey("", NOON - timedelta(days=1), 1)})
    letter = sent(letter_of(message, happened=happened))
    assert read(sent(replay_message(letter, read_dead_letter(letter, "main"))), 99) == happened

    ordinary = again(OWN[Origin.UNDO])
    assert not read(ordinary).order.is_heard_anew({OrderKey("", NOON - timedelta(days=1), 1)})
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
