"""A key that is replaced on the page, with two workers on one PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aio_pika.abc import AbstractChannel

from scripts.machine import free_port
from tests.integration.expected import make_events, wrong_people
from tests.integration.harness import KEY, Worker, World, publish, until
from tests.integration.shell import Shell, page
from worker.ledger.sealing import new_key
from worker.sandbox import Sandbox

pytestmark = pytest.mark.timeout(120)

SUNNY = "Sunny Kitchen"
NEW_KEY = "kit_9876543210fedcbaNEWKEY"
IN_FORCE_WITHIN = 5.0
FROM_HERE = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(keys={KEY: SUNNY}, limit=False).running() as running:
        yield running


@pytest.fixture
def world(
    amqp_url: str,
    events_exchange: str,
    account_name: str,
    tmp_path: Path,
    sandbox: Sandbox,
    postgresql_url: str,
) -> World:
    world = World(amqp_url, events_exchange, account_name, tmp_path / "config", sandbox.url)
    world.environ |= {"LEDGER_KEY": new_key(), "LEDGER_URL": postgresql_url, "KIT_API_KEY": ""}
    path = world.config / "accounts" / f"{account_name}.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("kit: {api_key: stored}\n", encoding="utf-8")
    return world


async def enter(session: aiohttp.ClientSession, address: str, key: str) -> float:
    """Enter a key on the page; when that was done."""
    async with session.post(f"{address}/key", data={"key": key}, headers=FROM_HERE) as answer:
        assert f"It opens &#39;{SUNNY}&#39; in Kit" in await answer.text()
    return time.monotonic()


async def text_of(session: aiohttp.ClientSession, address: str) -> str:
    async with session.get(address) as answer:
        return await answer.text()


async def told(session: aiohttp.ClientSession, worker: Worker) -> list[str]:
    """What a worker says of itself over HTTP."""
    root = f"http://127.0.0.1:{worker.environ['HTTP_PORT']}"
    return [await text_of(session, f"{root}/{path}") for path in ("readyz", "metrics")]


async def subscribed(workers: tuple[Worker, ...], times: int) -> None:
    """Wait until each worker has subscribed so often."""
    await until(lambda: all(each.events_logged().count("subscribed") >= times for each in workers))


def applied(worker: Worker) -> set[str]:
    """The events that a worker has brought to a good end."""
    ends = {"event_applied", "event_superseded"}
    return {line["event_id"] for line in worker.log_lines() if line["event"] in ends}


async def settled(workers: tuple[Worker, ...], count: int) -> None:
    """Wait until so many events have come to a good end, whichever worker had them."""
    await until(lambda: len(set().union(*map(applied, workers))) >= count)


async def test_a_key_that_is_replaced_is_in_force_on_both_workers_within_seconds(
    world: World, sandbox: Sandbox, tmp_path: Path, channel: AbstractChannel
) -> None:
    """Given a key that Kit has ended, the next one is used by the worker at work and the one standing by."""
    events = make_events(60, 10, seed=5)
    one, two = (
        Worker(world, tmp_path / f"{name}.log", WORKER_ID=name, HTTP_PORT=str(free_port()))
        for name in ("one", "two")
    )
    cookies = aiohttp.CookieJar(unsafe=True)
    async with (
        one, two, page(Shell(world, tmp_path)) as (_, root),
        aiohttp.ClientSession(cookie_jar=cookies) as session,
    ):  # fmt: skip
        address = f"{root}/accounts/{world.account}"
        await publish(channel, world.exchange, events[:20])
        entered = await enter(session, address, KEY)
        await subscribed((one, two), 1)
        assert time.monotonic() - entered < IN_FORCE_WITHIN
        await settled((one, two), 20)

        sandbox.accounts.replace_key(KEY, NEW_KEY)
        entered = await enter(session, address, NEW_KEY)
        await subscribed((one, two), 2)
        assert time.monotonic() - entered < IN_FORCE_WITHIN
        refused = sandbox.count(status=401)
        await publish(channel, world.exchange, events[20:40])
        await settled((one, two), 40)
        at_work, standing_by = (one, two) if len(applied(one)) > len(applied(two)) else (two, one)
        await at_work.stop()
        await publish(channel, world.exchange, events[40:])
        await settled((one, two), 60)
        assert applied(standing_by)
        shown = [await text_of(session, address), *await told(session, standing_by)]
    assert wrong_people(sandbox, events, NEW_KEY) == []
    assert sandbox.count(status=401) == refused
    everything = "".join([*shown, one.log_text(), two.log_text()])
    assert not any(key in everything for key in (KEY, NEW_KEY))
