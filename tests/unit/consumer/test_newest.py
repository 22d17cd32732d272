"""Which events are kept as the newest of their kind, and that they come back as they came."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.unit.consumer.world import World, adds
from tests.unit.examples import EMAIL, NOON
from tests.unit.virtual_time import run
from worker.accounts.account import Account
from worker.consumer.newest import LARGEST, as_delivered
from worker.errors import KitRejected, LedgerUnavailable, Reason
from worker.events.decode import decode
from worker.mapping import EventMapping, Rule, Template
from worker.subscribers.known import NewestEvent


def kept(world: World) -> list[NewestEvent]:
    return [each for batch in world.ledger.batches for each in batch.newest]


def after(world: World, *bodies: bytes) -> list[NewestEvent]:
    """Return what is kept once messages have come and ended."""

    async def main() -> None:
        async with world.running():
            for body in bodies:
                world.delivers(body)
                await world.until_settled()

    run(main())
    return kept(world)


def body(number: int = 1, **more: object) -> bytes:
    time = (NOON + timedelta(seconds=number)).isoformat()
    data = {"user": {"email": EMAIL, "id": "u-1"}, "subscription": {"id": "s-1"}, **more}
    return json.dumps({"id": f"e-{number}", "type": "user.signed_up", "time": time, "data": data}).encode()


def test_what_was_applied_is_kept_as_it_came() -> None:
    """Given a binary event whose time and type stand in its headers, it is read again as the same one."""
    data = json.dumps({"user": {"email": EMAIL}}).encode()
    world = World(account=adds("VIP", kind="order.paid"))
    headers = {"cloudEvents:specversion": "1.0", "cloudEvents:id": "e-9", "cloudEvents:source": "/shop",
               "cloudEvents:type": "order.paid", "cloudEvents:time": "2026-07-01T12:00:07.5Z"}  # fmt: skip

    async def main() -> None:
        async with world.running():
            world.delivers(data, "order.paid", headers, content_type="application/json")
            await world.until_settled()

    run(main())

    (event,) = kept(world)
    assert (event.email, event.user_id, event.event_type, event.subscription) == (EMAIL, "", "order.paid", "")
    again = decode(as_delivered("main", event.message, NOON + timedelta(days=9)), arrival=0)
    assert (again.id, again.type, again.order) == ("e-9", "order.paid", event.order)
    assert again.data == {"user": {"email": EMAIL}}


def test_whose_it_is_and_about_which_subscription() -> None:
    opens = EventMapping(Rule(add_tags=(Template("VIP"),)), lifecycle="opens")
    world = World(account=Account("main", events={"user.signed_up": opens}, version="1"))
    (event,) = after(world, body())
    assert (event.user_id, event.subscription) == ("u-1", "s-1")


def test_of_copies_nothing_is_kept_and_of_large_ones_that_they_came() -> None:
    world = World(account=adds("VIP"))
    first, large = after(world, body(1), body(1), body(2, note="x" * LARGEST))
    assert first.message
    assert (large.message, large.order.time) == (b"", NOON + timedelta(seconds=2))


@pytest.mark.parametrize("refused", [EMAIL, "+VIP"])
def test_of_what_nothing_could_be_applied_nothing_is_kept(refused: str) -> None:
    """Given an event that becomes a dead letter as a whole, its replay will be kept."""
    world = World(account=adds("VIP"))
    world.kit.broken[refused] = lambda: KitRejected("Kit says no")
    assert after(world, body()) == []
    assert world.settled == {1: Reason.KIT_REJECTED}


@pytest.mark.parametrize("message", [b"?", b"\x93\xa0", b"\x90"])
def test_what_is_no_event_is_named(message: bytes) -> None:
    with pytest.raises(LedgerUnavailable, match="an event of main that cannot be read"):
        as_delivered("main", message, NOON)
