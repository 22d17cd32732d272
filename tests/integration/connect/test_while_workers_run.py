"""Workers whose accounts are connected, disconnected, or connected elsewhere meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aio_pika.abc import AbstractChannel

from scripts.machine import free_port
from tests.integration.connect.browser import OAUTH, RAINY, RAINY_KEY, SUNNY, clean, connect, write
from tests.integration.expected import make_events, wrong_people
from tests.integration.harness import KEY, Worker, World, all_settled, depth, publish, readyz, until
from tests.integration.shell import Shell
from worker.ledger.sealing import new_key
from worker.sandbox import Fault, FaultKind, Rule, Sandbox

pytestmark = pytest.mark.timeout(120)


async def state_of(world: World, worker: Worker) -> tuple[int, dict[str, Any]]:
    """What `/readyz` says, and what it says of the account."""
    status, body = await readyz(int(worker.environ["HTTP_PORT"]))
    return status, body["accounts"][world.account]


@pytest.fixture
def new_worker(world: World, tmp_path: Path) -> Callable[[], Worker]:
    return lambda: Worker(world, tmp_path / "log", HTTP_PORT=str(free_port()))


async def test_a_worker_that_waits_goes_on_within_seconds_of_its_account_being_connected(
    world: World,
    kit_worker: Shell,
    sandbox: Sandbox,
    new_worker: Callable[[], Worker],
    channel: AbstractChannel,
) -> None:
    """Given a worker started first, it says what to do, keeps events, and applies them once connected."""
    events = make_events(20, 8, seed=3)
    async with new_worker() as worker:
        status, account = await state_of(world, worker)
        assert (status, account["state"]) == (503, "credential_refused")
        assert account["last_error"] == f"not connected to Kit: run kit-worker connect {world.account}"
        await publish(channel, world.exchange, events)
        assert (await kit_worker("check")).code == 3
        assert sandbox.calls(KEY) == []

        connected = await connect(kit_worker, world.account)
        started = time.monotonic()
        await all_settled(worker, len(events))
        assert time.monotonic() - started < 10
        checked = await kit_worker("check")
        assert (await state_of(world, worker))[0] == 200
        log = worker.log_text()
    assert connected.code == 0, connected.err
    assert connected.out.endswith(
        f"{world.account} is connected to {SUNNY}; its workers notice within seconds.\n"
    )
    assert (checked.code, "Sunny Kitchen, plan creator" in checked.out) == (0, True)
    assert wrong_people(sandbox, events) == []
    assert worker.events_logged().count("credential_refused") == 1
    secrets = [token for pair in sandbox.oauth.pairs() for token in (pair.access_token, pair.refresh_token)]
    assert clean(connected, *secrets)
    assert not any(secret in log for secret in (*secrets, "the-secret"))


async def test_disconnected_it_stops_with_a_sentence_and_keeps_events(
    world: World,
    kit_worker: Shell,
    sandbox: Sandbox,
    new_worker: Callable[[], Worker],
    channel: AbstractChannel,
) -> None:
    """Given an account at work, it stops within seconds, whether Kit hears of the end or not."""
    events = make_events(60, 8, seed=5)
    async with new_worker() as worker:
        await connect(kit_worker, world.account)
        await publish(channel, world.exchange, events[:20])
        await all_settled(worker, 20)
        sandbox.faults.add(Rule(Fault(FaultKind.STATUS, status=503), path="/v4/oauth/revoke"))
        done = await kit_worker("disconnect", world.account)
        sandbox.faults.clear()
        await until(lambda: worker.events_logged().count("credential_refused") == 2, 10)
        calls = len(sandbox.calls(KEY))
        assert (done.code, done.out) == (0, f"{world.account} is no longer connected.\n")
        assert "its access at Kit was not ended (POST /v4/oauth/revoke: Kit answered 503" in done.err
        status, account = await state_of(world, worker)
        assert (status, account["state"]) == (503, "credential_refused")
        assert "not connected to Kit: run kit-worker connect" in account["last_error"]
        await publish(channel, world.exchange, events[20:40])
        again = await kit_worker("disconnect", world.account)
        assert (again.code, again.out) == (0, f"{world.account} was not connected.\n")
        assert await depth(world.amqp_url, f"kit.{world.account}") == 20
        assert len(sandbox.calls(KEY)) == calls

        await connect(kit_worker, world.account)
        await all_settled(worker, 40)
        slow = sandbox.faults.add(
            Rule(Fault(FaultKind.SLOW, delay=1.5, applied=True), path="/v4/oauth/revoke")
        )
        ending = asyncio.create_task(kit_worker("disconnect", world.account))
        await until(lambda: slow.struck > 0)
        await publish(channel, world.exchange, events[40:])  # while Kit refuses the token already
        await ending
        assert {pair.ended for pair in sandbox.oauth.pairs()} == {True}
        await until(lambda: worker.events_logged().count("credential_refused") == 3, 10)
        assert await worker.stop() == 0
        log = worker.events_logged()
        assert log.count("credential_refused") == 3
        assert "connection_lost" not in log
        assert "Traceback" not in worker.log_text()
    assert wrong_people(sandbox, events[:40]) == []


async def test_connected_to_another_kit_account_it_begins_anew_there(
    world: World,
    kit_worker: Shell,
    sandbox: Sandbox,
    new_worker: Callable[[], Worker],
    channel: AbstractChannel,
) -> None:
    """Given another Kit account, whose tags have other ids, all that comes is applied there, and whole."""
    events = make_events(60, 8, seed=7)
    async with new_worker() as worker:
        await connect(kit_worker, world.account)
        await publish(channel, world.exchange, events[:30])
        await all_settled(worker, 30)
        before = len(sandbox.calls(KEY))
        sandbox.oauth.creator = RAINY
        assert f"connected to {RAINY}" in (await connect(kit_worker, world.account, "--replace")).out
        await until(lambda: "connection_changed" in worker.events_logged(), 10)
        await publish(channel, world.exchange, events[30:])
        await all_settled(worker, 60)
        log = worker.events_logged()
    assert [call.path for call in sandbox.calls(KEY)[before:]] == ["/v4/oauth/revoke"]
    assert "event_dead_lettered" not in log
    people = {event["data"]["user"]["email"] for event in events[30:]}
    assert {call.status for call in sandbox.calls(RAINY_KEY)} <= {200, 201, 204}
    assert people <= sandbox.account(RAINY_KEY).subscribers().keys()
    states = {pair.connection.account.name: pair.ended for pair in sandbox.oauth.pairs()}
    assert states == {SUNNY: True, RAINY: False}  # nobody keeps an access that nobody uses


async def test_from_a_key_to_an_app_without_a_restart(
    world: World,
    kit_worker: Shell,
    sandbox: Sandbox,
    new_worker: Callable[[], Worker],
    channel: AbstractChannel,
) -> None:
    events = make_events(40, 8, seed=9)
    write(world, "kit: {api_key_env: KIT_API_KEY}\n")
    async with new_worker() as worker:
        await publish(channel, world.exchange, events[:20])
        await all_settled(worker, 20)
        write(world, OAUTH)
        await until(lambda: "credential_refused" in worker.events_logged(), 10)
        await publish(channel, world.exchange, events[20:])
        await connect(kit_worker, world.account)
        await all_settled(worker, 40)
    assert wrong_people(sandbox, events) == []


async def test_a_token_that_ends_in_mid_work_is_renewed_by_the_way(
    world: World,
    kit_worker: Shell,
    sandbox: Sandbox,
    new_worker: Callable[[], Worker],
    channel: AbstractChannel,
) -> None:
    """Given tokens that live for two seconds, events go on and on, and each refresh token is used once."""
    sandbox.oauth.token_life = 2.0
    sandbox.oauth.refresh_ends_access = True
    events = make_events(300, 60, seed=11)
    async with new_worker() as worker:
        await connect(kit_worker, world.account)
        for at in range(0, 300, 15):
            await publish(channel, world.exchange, events[at : at + 15])
            await asyncio.sleep(0.5)
        await all_settled(worker, 300)
        log = worker.events_logged()
    assert wrong_people(sandbox, events) == []
    assert "event_dead_lettered" not in log
    assert log.count("token_renewed") == len(sandbox.oauth.refreshes) >= 4
    assert sandbox.oauth.used_twice() == []


async def test_tokens_that_are_of_no_use_any_more_are_told(
    world: World, kit_worker: Shell, sandbox: Sandbox, new_worker: Callable[[], Worker]
) -> None:
    """Given a creator who removed the app in Kit, or an old copy of the ledger, one knows what to do."""
    async with new_worker() as worker:
        await connect(kit_worker, world.account)
        await until(lambda: "subscribed" in worker.events_logged())
        sandbox.oauth.disconnect(SUNNY)
        checked = await kit_worker("check")
        assert checked.code == 3
        assert "must be connected to Kit again: Kit says that its refresh token was used" in checked.out
        await until(lambda: worker.events_logged().count("credential_refused") == 2, 10)
        _, account = await state_of(world, worker)
        assert f"run kit-worker connect {world.account}" in account["last_error"]
        await connect(kit_worker, world.account)
        await until(lambda: worker.events_logged().count("subscribed") == 2, 10)
    assert len(sandbox.oauth.refreshes) == 1


async def test_another_key_or_another_kit_is_told_and_harms_nothing(
    world: World, kit_worker: Shell, sandbox: Sandbox, new_worker: Callable[[], Worker]
) -> None:
    async with new_worker() as worker:
        await connect(kit_worker, world.account)
        await worker.stop()
    for setting, value, said in (
        ("LEDGER_KEY", new_key(), "were encrypted with another LEDGER_KEY: set that one again"),
        ("LEDGER_KEY", "", "LEDGER_KEY is not set, with which its tokens are encrypted"),
        ("KIT_BASE_URL", "http://127.0.0.1:9", "set that back, or run kit-worker connect"),
    ):
        checked = await kit_worker("check", **{setting: value})
        assert (checked.code, said in checked.out) == (3, True), checked.out
    rotated = f"{new_key()},{world.environ['LEDGER_KEY']}"
    checked = await kit_worker("check", LEDGER_KEY=rotated)
    assert f"{SUNNY}, plan creator" in checked.out
    assert sandbox.oauth.refreshes == []
