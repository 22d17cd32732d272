"""A ledger that is away while nothing comes: the account says so by itself, and goes on by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.expected import make_events, wrong_people
from tests.integration.harness import KEY, Worker, World, all_settled, publish, readyz, until
from tests.integration.ledger.conftest import PostgresControl
from worker.sandbox import Sandbox

NOTICED_WITHIN = 25.0
"""Seconds: a look every few, its own time-out of 10, and a busy machine."""

LATER = "events: {subscription.canceled: {at: mk_subscription_ends_at, add_tags: [Cancelled]}}"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A Kit without limits."""
    async with Sandbox(keys={KEY: "Sunny Kitchen"}, limit=False).running() as running:
        yield running


async def until_state(port: int, account: str, state: str) -> str:
    """Wait until `/readyz` shows an account so; return the reason that it gives."""
    async with asyncio.timeout(NOTICED_WITHIN):
        while True:
            _, said = await readyz(port)
            if said["accounts"][account]["state"] == state:
                return str(said["accounts"][account]["last_error"])
            await asyncio.sleep(0.2)


@pytest.mark.timeout(180)
async def test_a_ledger_that_is_away_while_nothing_comes_is_seen(  # the services that it takes
    world: World,
    channel: AbstractChannel,
    sandbox: Sandbox,
    tmp_path: Path,
    postgresql_url: str,
    postgres_ctl: PostgresControl,
    http_port: int,
) -> None:
    """Given an idle worker whose PostgreSQL is stopped, it is held and not ready; started, all goes on."""
    world.environ |= {"LEDGER_URL": postgresql_url, "HTTP_PORT": str(http_port)}
    events = make_events(3, 2, seed=1)
    async with Worker(world, tmp_path / "log") as worker:
        await publish(channel, world.exchange, events[:1])
        await all_settled(worker, 1)
        await until_state(http_port, world.account, "running")
        await asyncio.to_thread(postgres_ctl, "stop")
        why = await until_state(http_port, world.account, "held")
        status, _ = await readyz(http_port)
        await asyncio.to_thread(postgres_ctl, "start")
        await until_state(http_port, world.account, "running")
        await publish(channel, world.exchange, events[1:])
        await all_settled(worker, 3)
    assert why.startswith("the ledger postgresql+asyncpg://")
    assert status == 503
    assert wrong_people(sandbox, events) == []


@pytest.mark.timeout(180)
async def test_what_falls_due_while_the_ledger_is_away_comes_when_it_is_back(  # the services that it takes
    world: World,
    channel: AbstractChannel,
    sandbox: Sandbox,
    tmp_path: Path,
    postgresql_url: str,
    postgres_ctl: PostgresControl,
) -> None:
    """Given a PostgreSQL that is stopped over the moment, the effect comes within seconds of its return."""
    world.environ |= {"LEDGER_URL": postgresql_url}
    world.write_account(LATER)
    event = make_events(1, 1, seed=1)[0]
    ends_at = datetime.now(UTC) + timedelta(seconds=10)
    event |= {"type": "subscription.canceled", "id": "ends"}
    event["data"]["subscription"] = {"ends_at": ends_at.isoformat()}
    email = event["data"]["user"]["email"]
    async with Worker(world, tmp_path / "log") as worker:
        await publish(channel, world.exchange, [event])
        await until(lambda: "event_scheduled" in worker.events_logged())
        await asyncio.to_thread(postgres_ctl, "stop")
        assert datetime.now(UTC) < ends_at, "this machine is too slow for this test"
        await until(lambda: datetime.now(UTC) > ends_at + timedelta(seconds=3))
        assert sandbox.account(KEY).find(email) is None
        await asyncio.to_thread(postgres_ctl, "start")
        back = datetime.now(UTC)
        await until(lambda: (person := sandbox.account(KEY).find(email)) is not None and bool(person.tags))
        assert (datetime.now(UTC) - back).total_seconds() < NOTICED_WITHIN
        await until(lambda: "event_applied" in worker.events_logged())
    assert sandbox.account(KEY).subscriber(email).tags == {"Cancelled"}
    assert worker.events_logged().count("event_applied") == 1
