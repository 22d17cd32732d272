"""The message of a row is the event that the file has, in a place before all that happens at that time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.unit.consumer.world import World, adds
from tests.unit.dead_letters.letter.on_the_wire import delivered, letter_of, sent
from tests.unit.examples import EMAIL, NOON
from tests.unit.virtual_time import run
from worker.broker import frames
from worker.consumer.due_message import due_again
from worker.consumer.import_message import imported_message, importing
from worker.consumer.newest import as_delivered
from worker.dead_letters.letter import read_dead_letter, replay_message
from worker.events.decode import decode, due_id
from worker.events.delivery import Delivery
from worker.events.event import Due, Event, Imported, OrderKey, Origin
from worker.events.row import Row, place_of_row
from worker.subscribers.item import Item
from worker.subscribers.mark import event_mark

RUN = "backfill-1"
NAMED = f"{RUN}-0000007"
PLACE = place_of_row(RUN, 7, 3)
BODY = {"data": {"user": {"email": EMAIL}}}
HOW = Imported(fields_only=True, marker="Öld")


@pytest.fixture(autouse=True, scope="module")
def _tolerant() -> None:
    frames.install()


def row(body: Mapping[str, object], *, id_: str = "", as_of: datetime | None = None) -> Row:
    cloud_event = "specversion" in body
    return Row(7, json.dumps(body).encode(), "order.paid.sunny", "order.paid", id_, as_of, cloud_event)


def come(given: Row) -> Delivery:
    """Return the message of a row as it comes out of the queue, once its timer has kept it."""
    message = imported_message("main", given, NAMED, PLACE, HOW, NOON.timestamp())
    item = Item(sent(message), read(sent(message)), EMAIL, "u-1")
    effect = importing(item, message, NOON.timestamp() + 1)
    assert (effect.id, effect.email, effect.user_id, effect.at) == (NAMED, EMAIL, "u-1", NOON.timestamp() + 1)
    return sent(due_again("main", effect.message))


def read(delivery: Delivery) -> Event:
    return decode(delivery, arrival=99, apps=["sunny"], types=["order.paid"])


def test_a_row_is_read_as_what_it_says_and_as_whose_it_is() -> None:
    as_of = datetime(2024, 1, 1, tzinfo=UTC)
    happened = read(come(row(BODY, as_of=as_of)))
    assert (happened.type, happened.app, happened.id) == ("order.paid", "sunny", NAMED)
    assert (happened.order, happened.dated) == (OrderKey("", as_of, PLACE), True)
    assert (happened.origin, happened.due, happened.imported) == (Origin.IMPORT, Due(NAMED, NOON), HOW)
    assert due_id(come(row(BODY, as_of=as_of))) == NAMED


def test_what_the_row_says_itself_counts() -> None:
    own = {"id": "e-1", "time": "2024-02-02T10:00:00.5Z", **BODY}
    happened = read(come(row(own, id_="e-1")))
    assert (happened.id, happened.time) == ("e-1", datetime(2024, 2, 2, 10, 0, 0, 500_000, UTC))
    cloud = {"specversion": "1.0", "id": "e-2", "source": "x", "type": "order.paid", "sequence": "3", **BODY}
    assert read(come(row(cloud, id_="e-2", as_of=NOON))).order == OrderKey("0013", NOON, PLACE)


def test_the_event_that_happened_and_its_row_are_one() -> None:
    """Given an id, whoever comes second is a duplicate; without one, only the same row is."""
    own = {"id": "e-1", "time": "2024-02-02T10:00:00Z", **BODY}
    live = read(delivered(json.dumps({"type": "order.paid", **own}).encode(), "order.paid.sunny"))
    assert event_mark(live) == event_mark(read(come(row(own, id_="e-1"))))
    first, second = (read(come(row(BODY, as_of=NOON))) for _ in range(2))
    assert event_mark(first) == event_mark(second) is not None


def test_a_dead_letter_of_a_row_is_replayed_as_what_it_was() -> None:
    message = come(row(BODY, as_of=NOON))
    letter = sent(letter_of(message, happened=read(message)))
    assert read(sent(replay_message(letter, read_dead_letter(letter, "main")))) == read(message)


def test_a_row_that_is_kept_is_read_again_as_what_it_was() -> None:
    world = World(account=replace(adds("VIP", kind="order.paid"), apps=("sunny",)))
    message = come(row(BODY, as_of=NOON))

    async def main() -> None:
        async with world.running():
            world.delivers(message.body, message.routing_key, message.headers, **message.properties)
            await world.until_settled()

    run(main())
    ((event,),) = (batch.newest for batch in world.ledger.batches if batch.newest)
    again = read(as_delivered("main", event.message, NOON))
    assert (again.order, again.imported) == (OrderKey("", NOON, PLACE), HOW)
