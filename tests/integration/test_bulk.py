"""An account with OAuth: many people in one call, and each settled by itself."""

import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.expected import make_events, wrong_people
from tests.integration.harness import KEY, Worker, World, all_settled, publish, until
from worker.sandbox import Fault, FaultKind, Rule, Sandbox

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A Kit without limits, whose answers take a little, and whose bulk answers come in any order."""
    async with Sandbox(limit=False, latency=0.01).running() as sandbox:
        sandbox.bulk.shuffled = True
        yield sandbox


@pytest.fixture
def oauth(world: World) -> World:
    """A world whose account is known by an access token."""
    world.write_account(known_by="access_token_env")
    return world


def tagging_events(count: int, people: int, seed: int) -> list[dict[str, Any]]:
    """Return events that all change tags."""
    events = make_events(2 * count, people, seed)
    return [event for event in events if event["type"] != "user.signed_up"][:count]


async def dead(world: World) -> list[dict[str, Any]]:
    """Return the events in the dead-letter queue."""
    found = []
    async with await aio_pika.connect(world.amqp_url) as connection:
        queue = await (await connection.channel()).get_queue(f"kit.{world.account}.dead")
        while (message := await queue.get(fail=False)) is not None:
            found.append({"reason": message.headers["x-reason"], "body": message.body.decode()})
    return found


async def test_a_backlog_takes_a_call_for_a_hundred_entries(
    oauth: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given 3,000 events of 600 people, a few bulk calls do what an API key needs thousands for."""
    events = make_events(3000, 600, seed=41)
    async with Worker(oauth, tmp_path / "log"):
        pass  # the queue is declared and bound
    await publish(channel, oauth.exchange, events)
    async with Worker(oauth, tmp_path / "log") as worker:
        await all_settled(worker, len(events))
    assert wrong_people(sandbox, events) == []
    assert await dead(oauth) == []
    assert sandbox.journal.count() <= 0.08 * len(events)


async def test_an_idle_account_makes_single_calls(
    oauth: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given one event, bulk calls would be more."""
    (event,) = tagging_events(1, 1, seed=1)
    async with Worker(oauth, tmp_path / "log") as worker:
        await publish(channel, oauth.exchange, [event])
        await all_settled(worker, 1)
    assert wrong_people(sandbox, [event]) == []
    assert not [call for call in sandbox.calls(KEY) if "/bulk/" in call.path]


async def test_of_random_failures_nobody_else_is_refused(
    oauth: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given entries that fail at random, and people whom Kit refuses, exactly those people are dead letters.

    What fails in company, and goes through by itself, is applied.
    """
    events = tagging_events(2000, 300, seed=43)
    emails = sorted({event["data"]["user"]["email"] for event in events})
    refused = set(random.Random(5).sample(emails, 12))  # noqa: S311  # repeatable
    account = sandbox.account(KEY)
    ids = {account.add_subscriber(email) for email in refused}
    sandbox.faults.add(
        Rule(
            Fault(FaultKind.STATUS, status=422),
            path="/v4/tags/*/subscribers/*",
            when=lambda call: int(call.path.rpartition("/")[2]) in ids,
        )
    )
    sandbox.faults.add(
        Rule(
            Fault(FaultKind.ENTRIES, error="Kit says no"),
            path="/v4/bulk/tags/*",
            entry=lambda entry: entry.item.get("subscriber_id") in ids,
        )
    )
    by_chance = sandbox.fail(FaultKind.ENTRIES, probability=0.05)
    landed = sandbox.fail(FaultKind.ENTRIES, probability=0.02, applied=True)
    async with Worker(oauth, tmp_path / "log") as worker:
        await publish(channel, oauth.exchange, events)
        await all_settled(worker, len(events))
    assert by_chance.struck > 20
    assert landed.struck > 5
    letters = await dead(oauth)
    assert {letter["reason"] for letter in letters} == {"partly_applied"}  # but for tags, all is applied
    assert {email for email in emails for letter in letters if f'"{email}"' in letter["body"]} == refused
    others = [event for event in events if event["data"]["user"]["email"] not in refused]
    assert wrong_people(sandbox, others) == []


async def test_kills_in_the_middle_of_bulk_calls(
    oauth: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given a worker that is killed while Kit holds bulk calls, everybody ends right."""
    sandbox.latency = 0.1
    events = make_events(3000, 500, seed=47)
    worker = Worker(oauth, tmp_path / "log")
    await worker.start()
    await publish(channel, oauth.exchange, events)
    for calls in (8, 20, 32, 44):
        await until(lambda calls=calls: sandbox.journal.count() >= calls)  # type: ignore[misc]
        await worker.stop(signal.SIGKILL)
        await worker.start()
    await all_settled(worker, len(events))
    assert await worker.stop() == 0
    assert wrong_people(sandbox, events) == []
    assert await dead(oauth) == []
