"""What should be so of a person is sent to Kit again by a real worker, and comes before nothing newer."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import aio_pika
import aiohttp
from aio_pika.abc import AbstractChannel
from pydantic import SecretStr

from tests.integration.harness import KEY, Worker, World, publish, until
from tests.integration.shell import Shell
from worker.clock import Clock
from worker.ops.again import EVENT_TYPE, again_message, send_again
from worker.sandbox import Person, Sandbox
from worker.settings import Settings

ADA = "ada@example.com"
MAPPING = """
events:
  user.signed_up: {add_tags: [New Member]}
  subscription.started: {remove_tags: [New Member], add_tags: [Active Member]}
"""


def event(number: int, kind: str, **data: Any) -> dict[str, Any]:  # noqa: ANN401  # any of its data
    user = {"id": "u-1", "email": ADA, "first_name": "Ada"}
    time = f"2026-07-01T10:{number:02}:00Z"
    return {"id": f"e{number}", "type": kind, "time": time, "data": {"user": user, **data}}


EVENTS = [
    event(1, "user.signed_up"),
    event(2, "subscription.started", subscription={"id": "s-1", "plan": "Annual"}),
]


def count(worker: Worker, **facts: str) -> int:
    return sum(all(line.get(name) == value for name, value in facts.items()) for line in worker.log_lines())


async def untag(sandbox: Sandbox, tag: str) -> None:
    """Take a tag off in Kit, as somebody might."""
    kit = sandbox.account(KEY)
    address = f"{sandbox.url}/v4/tags/{kit.tags()[tag]}/subscribers/{kit.subscriber(ADA).id}"
    async with (
        aiohttp.ClientSession() as session,
        session.delete(address, headers={"X-Kit-Api-Key": KEY}) as gone,
    ):
        assert gone.status == 204


async def test_what_kit_lost_is_put_back_and_copies_do_no_harm(
    world: World, channel: AbstractChannel, sandbox: Sandbox, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given a tag that Kit lost and one put on by hand, all is as events said, and the history says how."""
    world.write_account(MAPPING)

    def ada() -> Person:
        return sandbox.account(KEY).subscriber(ADA)

    async with Worker(world, tmp_path / "log") as worker:
        for number, each in enumerate(EVENTS, 1):
            await publish(channel, world.exchange, [each])
            await until(lambda number=number: count(worker, event="event_applied") == number)  # type: ignore[misc]
        as_it_was = ada().tags, ada().fields
        await untag(sandbox, "Active Member")
        sandbox.account(KEY).add_subscriber(ADA, tags=["New Member", "Newsletter"], first_name="?")
        before = sandbox.count(KEY)

        settings = Settings(amqp_url=SecretStr(world.amqp_url))
        await send_again(settings, world.account, ADA, Clock().now())
        await until(lambda: count(worker, event="event_applied", event_type=EVENT_TYPE) == 1)
        calls = sandbox.count(KEY) - before
        assert (ada().tags - {"Newsletter"}, ada().fields) == as_it_was
        assert ada().first_name == "Ada"
        assert calls == 3, "the fields, one tag off, one on"

        copy = again_message(world.account, ADA, Clock().now())
        for _ in range(2):
            message = aio_pika.Message(copy.body, headers=copy.properties["headers"])
            await channel.default_exchange.publish(message, copy.routing_key)
        await until(lambda: count(worker, event_type=EVENT_TYPE) == 3)
        ends = Counter(line["event"] for line in worker.log_lines() if line.get("event_type") == EVENT_TYPE)
        assert ends == {"event_applied": 2, "event_duplicate": 1}
        assert (ada().tags - {"Newsletter"}, ada().fields) == as_it_was
    told = json.loads((await kit_worker("history", "--email", ADA, "--json")).out)
    whats = [call["what"] for line in told if line["event_type"] == EVENT_TYPE for call in line["calls"]]
    assert {"tag 'New Member' off", "tag 'Active Member'"} <= set(whats)
