"""A message as a worker's intake reads it, and what is known of one that cannot be read."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from tests.unit.accounts.harness import parse
from tests.unit.examples import EMAIL, NOON
from worker.events.delivery import Delivery
from worker.ops.as_read import as_read, unless_forgotten
from worker.subscribers.item import Item, Kind, Outcome

FILE = """\
app: [sunny, moon]
kit: {api_key_env: KIT_API_KEY}
events:
  order.paid: {add_tags: [Customer]}
"""
LATER = NOON + timedelta(seconds=1)


def message(time: str = NOON.isoformat(), key: str = "order.paid.moon") -> Delivery:
    """Return an event as it came a second after noon."""
    body = {"id": "e-1", "time": time, "data": {"user": {"id": "u-1", "email": EMAIL}}}
    return Delivery(json.dumps(body).encode(), key, received_at=LATER, exchange="platform.events")


def read(delivery: Delivery) -> Item | Outcome:
    return as_read(delivery, parse(FILE), "sunny")


def test_what_an_event_asks_for_and_of_whom() -> None:
    item = read(message())

    assert isinstance(item, Item)
    assert (item.email, list(item.change.tags), item.refusal) == (EMAIL, ["customer"], None)


def test_of_what_cannot_be_read_the_type_and_the_app_are_known_all_the_same() -> None:
    end = read(message("noon"))

    assert isinstance(end, Outcome)
    assert (end.kind, end.item.event) == (Kind.DEAD_LETTERED, None)
    assert (end.item.known.type, end.item.known.app) == ("order.paid", "moon")


@pytest.mark.parametrize(
    ("time", "key", "until", "kind"),
    [
        ("noon", "order.paid.moon", LATER, Kind.FORGOTTEN),
        ("noon", "order.paid.moon", NOON, Kind.DEAD_LETTERED),
        (NOON.isoformat(), "order.paid.rain", NOON, Kind.FORGOTTEN),
        (LATER.isoformat(), "order.paid.rain", NOON, Kind.DEAD_LETTERED),
    ],
)
def test_what_cannot_be_read_is_nobodys_once_its_person_was_forgotten(
    time: str, key: str, until: datetime, kind: Kind
) -> None:
    """Given a message that names somebody: by its own time, or without one by when it came."""
    end = unless_forgotten(read(message(time, key)), {("email", EMAIL): until}, "sunny")

    assert isinstance(end, Outcome)
    assert end.kind is kind
