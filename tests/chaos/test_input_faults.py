"""What publishers may send: what cannot be applied is a dead letter, and nobody else is touched by it."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

import pytest

from tests.chaos.broker_faults import channel
from tests.chaos.harness import Arena
from tests.chaos.load import Message, Published, good
from tests.integration.expected import make_events
from tests.integration.test_broker_faults import BROKEN, RawProperties
from tests.integration.test_faults import BAD
from worker.events.body import MAX_BODY_BYTES

pytestmark = pytest.mark.timeout(120)


def with_among(events: list[Published], others: list[Message], seed: int) -> list[Published]:
    """Return the events with others somewhere among them."""
    chance = random.Random(seed)  # noqa: S311  # repeatable
    for other in others:
        events.insert(chance.randrange(len(events)), other)
    return events


async def test_bad_bodies(arena: Arena) -> None:
    """Given bodies of which nothing can be applied, in seven ways, thrice each, each is one dead letter."""
    nothing_of = {name: body for name, body in BAD.items() if name != "no level"}  # which costs its tag alone
    bad = [
        Message(f"bad-{number}-{name}", "access.granted", body, readable=False)
        for number in range(3)
        for name, body in nothing_of.items()
    ]
    events = with_among(list(make_events(400, 80, seed=71)), bad, 71)
    async with arena.running(events=events, people=80):
        pass
    assert arena.row is not None
    assert arena.row.verdicts[0].doubled == 0


def padded(event: Mapping[str, Any], size: int) -> bytes:
    """An event's body, filled up to so many bytes."""
    whole = json.dumps({**event, "note": ""})
    return json.dumps({**event, "note": "x" * (size - len(whole))}).encode()


async def test_messages_at_the_size_limit(arena: Arena) -> None:
    """Given bodies of exactly the limit, they are applied; one byte more is a dead letter."""
    events = make_events(300, 80, seed=73)
    sized: list[Published] = list(events)
    for number in (50, 100, 150):
        event, too_large = events[number], {**events[number], "id": f"big{number}"}
        sized[number] = Message(event["id"], event["type"], padded(event, MAX_BODY_BYTES), event, "")
        body = padded(too_large, MAX_BODY_BYTES + 1)
        sized.append(Message(f"big{number}", "user.signed_up", body))
    async with arena.running(events=sized):
        pass


async def test_one_message_five_times(arena: Arena) -> None:
    """Given every tenth event five times, at once or later, it is applied once, and the others duplicates."""
    events = make_events(400, 80, seed=79)
    copies = [good(event) for event in events[::10] for _ in range(4)]
    arena.main.load.in_order = False
    async with arena.running(events=with_among(list(events), copies, 79)):
        pass
    assert arena.row is not None
    assert arena.row.verdicts[0].again == 0


async def test_reordered(arena: Arena) -> None:
    """Given events in any order, everybody ends as after the events in their order."""
    events = make_events(600, 60, seed=83)
    random.Random(83).shuffle(events)  # noqa: S311  # repeatable
    arena.main.load.in_order = False
    async with arena.running(events=events, PREFETCH="20"):
        pass
    assert arena.row is not None
    assert arena.row.verdicts[0].outcomes["superseded"] > 0


async def test_properties_that_break_libraries(arena: Arena) -> None:
    """Given timestamps in microseconds and text that is no UTF-8 in properties, each is one dead letter."""
    async with arena.running(events=400, per_second=100):
        await arena.settled(100)
        async with arena.beside_goes_on(), channel(arena) as publishing:
            raw_channel = await publishing.get_underlay_channel()
            for name, raw in BROKEN.items():
                body = json.dumps({"id": name, "data": {"user": {"email": "a@b.co"}}}).encode()
                odd = Message(name, "user.signed_up", body, readable=False)
                arena.main.load.published[name] = odd
                await raw_channel.basic_publish(
                    body,
                    exchange=arena.world.exchange,
                    routing_key=f"user.signed_up.{arena.main.name}",
                    properties=RawProperties(raw),
                )
    assert "broker_lost" not in arena.worker.events_logged()
