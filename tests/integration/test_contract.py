"""What the platform may send, through a real RabbitMQ and a real worker, to its end in Kit."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import sys
from base64 import b64decode
from pathlib import Path

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.harness import KEY, Worker, World, all_settled
from tests.integration.sdks import MESSAGES, in_amqp, javascript, structured
from tests.integration.shell import Shell
from tests.node_packages import node_packages
from worker.sandbox import Sandbox

# --  -----------------------------------------------------------------------------------------------------

pytestmark = pytest.mark.timeout(120)

EXAMPLES = Path(__file__).parents[2] / "examples"


async def publish(channel: AbstractChannel, world: World, *messages: aio_pika.Message) -> None:
    exchange = await channel.get_exchange(world.exchange)
    for message in messages:
        message.delivery_mode = aio_pika.DeliveryMode.PERSISTENT
    await asyncio.gather(*(exchange.publish(message, "subscription.started") for message in messages))


async def test_what_sdks_send_and_whatever_label_it_has_is_applied_as_it_was_meant(
    world: World, sandbox: Sandbox, channel: AbstractChannel, tmp_path: Path
) -> None:
    async with Worker(world, tmp_path / "log") as worker:
        await publish(channel, world, *MESSAGES.values())
        await all_settled(worker, len(MESSAGES))
        settled = {line["event_id"]: line for line in worker.log_lines() if "event_id" in line}

    account = sandbox.account(KEY)
    people = {name: account.find(f"{name}@example.com") for name in MESSAGES}
    assert [name for name, person in people.items() if person is None] == []
    assert {name for name, person in people.items() if person and person.tags != {"Active Member"}} == set()
    assert {person.first_name for person in people.values() if person} == {"Zoë"}
    times = {name: person.fields["mk_subscription_started_at"] for name, person in people.items() if person}
    assert {time for name, time in times.items() if name != "go"} == {"2026-07-01T10:00:00.250000Z"}
    assert times["go"] == "2026-07-01T10:00:00Z"
    assert settled.keys() == {f"e-{name}" for name in MESSAGES}


async def test_a_duplicate_in_another_form_is_one(
    world: World, sandbox: Sandbox, channel: AbstractChannel, tmp_path: Path
) -> None:
    """Given an event that is sent again by another library, then it is known by its id, type and time."""
    async with Worker(world, tmp_path / "log") as worker:
        await publish(channel, world, in_amqp("ada"))
        await all_settled(worker, 1)
        await publish(channel, world, structured("ada"), javascript("ada"), in_amqp("bob"))
        await all_settled(worker, 2)
        await worker_knows(worker, 4)

    ended = [line["event"] for line in worker.log_lines() if line.get("event_id") == "e-ada"]
    assert ended == ["event_applied", "event_duplicate", "event_duplicate"]
    assert sandbox.account(KEY).find("ada@example.com")


async def worker_knows(worker: Worker, count: int) -> None:
    async with asyncio.timeout(20):
        while sum(name in {"event_applied", "event_duplicate"} for name in worker.events_logged()) < count:
            await asyncio.sleep(0.05)


async def test_a_packed_event_that_is_refused_keeps_its_bytes_and_can_be_read_and_replayed(
    world: World, kit_worker: Shell, channel: AbstractChannel, tmp_path: Path
) -> None:
    event = {"id": "e-1", "type": "subscription.started", "data": {"user": {"email": "ada at example.com"}}}
    body = gzip.compress(json.dumps(event).encode())
    bomb = gzip.compress(b" " * 50_000_000)
    async with Worker(world, tmp_path / "log") as worker:
        await publish(
            channel,
            world,
            aio_pika.Message(body, content_encoding="gzip", message_id="m-1"),
            aio_pika.Message(bomb, content_encoding="gzip", message_id="m-2"),
        )
        await dead(worker, 2)
        # One after the other: while one command looks, it holds them.
        shown = await kit_worker("dead-letters", "show", "e-1")
        as_json = await kit_worker("dead-letters", "show", "e-1", "--json")
        listed = await kit_worker("dead-letters", "list")
        replayed = await kit_worker("dead-letters", "replay", "--id", "e-1")
        await dead(worker, 3)
        again = await kit_worker("dead-letters", "show", "e-1", "--json")
        history = await kit_worker("history", "--event", "e-1")

    assert '"email": "ada at example.com"' in shown.out
    assert "content encoding" in shown.out
    first, second = json.loads(as_json.out)[0], json.loads(again.out)[0]
    for letter in (first, second):
        assert json.loads(letter["body"]) == event
        assert b64decode(letter["body_base64"]) == body
        assert letter["properties"]["content_encoding"] == "gzip"
        assert letter["reason"] == "invalid_event"
    assert first["id"] != second["id"]
    assert "body: more than 262144 bytes once unpacked" in listed.out
    assert replayed.code == 0
    assert "not an email address" in history.out


async def dead(worker: Worker, count: int) -> None:
    async with asyncio.timeout(20):
        while worker.events_logged().count("event_dead_lettered") < count:
            await asyncio.sleep(0.05)


# -- the examples, and the SDK for JavaScript -------------------------------------------------------------


@pytest.fixture(params=["publish.py", "publish.mjs"])
def example(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """What runs an example, in a folder of its own, as the platform's developers copy it."""
    name = str(request.param)
    (tmp_path / name).write_bytes((EXAMPLES / name).read_bytes())
    if name.endswith(".py"):
        return [sys.executable, str(tmp_path / name)]
    (tmp_path / "node_modules").symlink_to(node_packages())
    return ["node", str(tmp_path / name)]


async def run(world: World, *words: str) -> tuple[int, str]:
    """Run a program of the platform's; return its exit code, and what it prints."""
    process = await asyncio.create_subprocess_exec(
        *words,
        env={
            "PATH": os.environ["PATH"],
            "AMQP_URL": world.amqp_url,
            "EVENTS_EXCHANGE": world.exchange,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


async def test_an_example_publishes_what_a_worker_applies(
    world: World, sandbox: Sandbox, tmp_path: Path, example: list[str]
) -> None:
    async with Worker(world, tmp_path / "log") as worker:
        ended = await run(world, *example, "ann@example.com")
        await all_settled(worker, 2)

    person = sandbox.account(KEY).find("ann@example.com")
    assert ended == (0, "")
    assert person is not None
    assert (set(person.tags), person.first_name) == ({"Active Member"}, "Ann")


async def test_an_example_says_when_nobody_takes_its_events(
    world: World, channel: AbstractChannel, example: list[str]
) -> None:
    """Given no worker yet, or one of another app, then the example ends with 1 and says why."""
    early = await run(world, *example, "ann@example.com")
    await channel.declare_exchange(world.exchange, "topic", durable=True)
    other = await run(world, *example, "ann@example.com", "another-app")

    assert (early[0], other[0]) == (1, 1)
    assert "RabbitMQ does not have it" in early[1]
    assert world.exchange in early[1]
    assert "no queue takes" in other[1]


async def test_what_the_sdk_for_javascript_sends_is_applied(
    world: World, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given the package itself, and its headers as the message's, then both modes are taken."""
    script = str(node_packages().parent / "sdk.mjs")
    async with Worker(world, tmp_path / "log") as worker:
        ended = await run(world, "node", script, world.exchange, "js")
        await all_settled(worker, 2)

    people = [sandbox.account(KEY).find(f"js-{mode}@example.com") for mode in ("binary", "structured")]
    assert ended == (0, "")
    assert [(*person.tags, person.first_name) for person in people if person] == [
        ("Active Member", "Zoë"),
        ("Active Member", "Zoë"),
    ]
    times = {person.fields["mk_subscription_started_at"] for person in people if person}
    assert times == {"2026-07-01T10:00:00.250000Z"}
