"""What the history and the metrics tell of an event that ended, and of whom they tell nothing."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest

from tests.unit.consumer.settle.ends import World
from tests.unit.consumer.world import World as Session
from tests.unit.consumer.world import adds
from tests.unit.examples import EMAIL, NOON, change, event, order
from tests.unit.virtual_time import run, settle
from worker.consumer.history_entry import history_entry
from worker.events.delivery import Delivery
from worker.events.event import ORIGINAL_ROUTING_KEY
from worker.subscribers.item import Item, Kind, Later, Outcome
from worker.subscribers.known import Known
from worker.subscribers.parts import Part


def test_of_somebody_who_was_forgotten_no_history_is_written() -> None:
    async def main() -> None:
        world = World()
        async with world.running():
            world.ends(1, Kind.FORGOTTEN)
            await world.settle.emptied()
        assert world.ledger.batches == []
        assert world.consumer.acked == [1]

    run(main())


def test_the_history_names_the_mapping_under_which_an_event_ended() -> None:
    """Given an event that waits, and a mapping that turns its type off, the new mapping has ended it."""

    async def main() -> None:
        world = Session()
        async with world.running(dispatch=False):
            world.comes(1)
            await settle()
            world.reloads(adds("VIP", kind="order.paid", version="2"))
            await asyncio.sleep(1)
        entries = [entry for batch in world.ledger.batches for entry in batch.entries]
        assert [(entry.outcome, entry.version) for entry in entries] == [("ignored", "2")]

    run(main())


@pytest.mark.parametrize(
    ("kind", "headers", "age"),
    [
        (Kind.APPLIED, {}, 5.0),
        (Kind.APPLIED, {ORIGINAL_ROUTING_KEY: "user.signed_up"}, None),
        (Kind.SUPERSEDED, {}, None),
    ],
)
def test_an_age_is_counted_of_what_was_applied_and_had_not_waited_for_a_person(
    kind: Kind, headers: dict[str, str], age: float | None
) -> None:
    """Given an event that was applied 5 s after it happened, that counts, but not where it was replayed."""
    happened = event(1)
    outcome = Outcome(Item(Delivery(b"", "", headers=headers), happened), kind)

    entry = history_entry(outcome, happened.time.timestamp() + 5.0)

    assert entry is not None
    assert entry.age == age


def test_the_history_tells_what_can_be_read_of_an_event_that_is_invalid() -> None:
    """Given a person and an id in an event without a time that is one, then people find it by either."""
    user = b'{"user": {"id": 7, "email": "Ada@example.com"}}'
    body = b'{"id": "e-1", "type": "order.paid", "time": "?", "data": %b}' % user

    async def main() -> None:
        world = Session()
        async with world.running(dispatch=False):
            world.delivers(body)
            world.delivers(b"?", type="order.lost")
            await settle()
            await world.settle.emptied()
        entries = [entry for batch in world.ledger.batches for entry in batch.entries]
        known = [(entry.event_id, entry.event_type, entry.email, entry.outcome) for entry in entries]
        assert known == [
            ("e-1", "order.paid", EMAIL, "dead_lettered"),
            (None, "order.lost", "", "dead_lettered"),
        ]
        assert {entry.event_time for entry in entries} == {world.clock.now()}

    run(main())


def test_an_event_that_asks_for_nothing_leaves_no_address_in_the_history() -> None:
    async def main() -> None:
        world = Session()
        async with world.running(dispatch=False):
            world.delivers(b'{"type": "order.other", "data": {"user": {"email": "ada@example.com"}}}')
            await settle()
            await world.settle.emptied()
        (entry,) = [entry for batch in world.ledger.batches for entry in batch.entries]
        assert (entry.outcome, entry.email) == ("ignored", "")

    run(main())


@pytest.mark.parametrize("sign", [("email", EMAIL), ("user", "7")])
def test_an_invalid_event_of_somebody_who_was_forgotten_is_no_dead_letter(sign: tuple[str, str]) -> None:
    """Given one that is invalid, of before and of after that moment, only the later one names the person."""
    data = {"user": {"id": 7, "email": EMAIL}}

    async def main() -> None:
        world = Session()
        world.ledger.gone[sign] = world.clock.now()
        async with world.running(dispatch=False):
            for minutes in (-1, 1):
                time = (world.clock.now() + timedelta(minutes=minutes)).isoformat()
                invalid = {"id": [], "type": "order.paid", "time": time, "data": data}
                world.delivers(json.dumps(invalid).encode())
            await settle()
            await world.settle.emptied()
        assert [each.item.delivery.tag for each in world.dead_letters.published] == [2]
        assert world.kinds == {1: "forgotten", 2: "dead_lettered"}
        assert world.consumer.unsettled == {}

    run(main())


def test_what_has_ended_follows_whoever_moves_before_it_is_written() -> None:
    """Given an event that ended, and its person's move before the write, all is at the new address."""
    home = "ada@home.example"

    async def main() -> None:
        world = World()
        async with world.running():
            later = Later(NOON + timedelta(days=9), "tag 'VIP' off")
            item = Item(Delivery(b"", "", tag=1), event(1), EMAIL, change=change(1), later=later)
            world.in_hand.directory.learn([EMAIL], [], Known({}, {}, {}))
            taken = world.in_hand.take_in(item, world.clock.time())
            assert isinstance(taken, Item)
            assert taken.subscriber is not None
            world.settle.put(Outcome(taken, Kind.APPLIED))
            world.in_hand.moved(taken.subscriber, Part(home, order(2)), 7, world.clock.time())
            await world.settle.emptied()
        (batch,) = world.ledger.batches
        assert batch.moves == [(EMAIL, home)]
        assert [each.email for each in batch.entries] == [home]
        assert [each.email for each in batch.newest] == [home]
        assert [each.email for each in batch.due] == [home]

    run(main())
