"""What admins and operators do to a running worker, and what it tells them."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aio_pika
import aiohttp
import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.expected import make_events, wrong_people
from tests.integration.harness import (
    KEY,
    Worker,
    World,
    all_settled,
    depth,
    handed_back,
    publish,
    readyz,
    until,
)
from worker.sandbox import Fault, FaultKind, Rule, Sandbox

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A Kit without limits that knows two keys."""
    keys = {KEY: "Sunny Kitchen", "kit_another0123456789": "Rainy Garden"}
    async with Sandbox(keys=keys, limit=False).running() as sandbox:
        yield sandbox


def started(email: str, number: int = 1, **user: object) -> dict[str, object]:
    """Return a subscription.started event."""
    return {
        "id": f"{email}-{number}",
        "type": "subscription.started",
        "time": f"2026-07-01T00:00:{number:02}Z",
        "data": {"user": {"email": email, **user}, "subscription": {"plan": "Annual"}},
    }


async def test_refused_credential_keeps_events_until_it_is_mended(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path, http_port: int
) -> None:
    """Given a wrong key, the account says so and its events wait; the right key applies them."""
    secret = tmp_path / "secret"
    secret.write_text("kit_wrong0123456789\n")
    path = world.config / "accounts" / f"{world.account}.yaml"
    path.write_text(f"kit: {{api_key_file: {secret}}}\n")
    async with Worker(world, tmp_path / "log", HTTP_PORT=str(http_port)) as worker:
        await publish(channel, world.exchange, [started("a@example.com")])
        await until(lambda: "credential_refused" in worker.events_logged())
        status, body = await readyz(http_port)
        assert status == 503
        assert body["accounts"][world.account]["state"] == "credential_refused"
        await handed_back(world.amqp_url, f"kit.{world.account}", 1)
        secret.write_text(KEY)  # the file with the key is watched as well
        await until(lambda: "event_applied" in worker.events_logged())
        assert (await readyz(http_port))[0] == 200
    assert sandbox.account(KEY).subscriber("a@example.com").tags == {"Active Member"}


async def test_401_in_mid_work_and_back(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given a key that Kit refuses for a while, nothing is lost, and a save tries again at once."""
    events = make_events(200, 50, seed=21)
    async with Worker(world, tmp_path / "log") as worker:
        await publish(channel, world.exchange, events[:100])
        await all_settled(worker, 100)
        rule = sandbox.faults.add(Rule(Fault(FaultKind.UNAUTHORIZED)))
        await publish(channel, world.exchange, events[100:])
        await until(lambda: "credential_refused" in worker.events_logged())
        sandbox.faults.clear()
        struck = rule.struck
        world.write_account("# saved again\n")
        await all_settled(worker, len(events))
    assert struck >= 1
    assert wrong_people(sandbox, events) == []
    assert await depth(world.amqp_url, f"kit.{world.account}.dead") == 0


async def test_saved_mapping_is_in_force_without_a_restart(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path, http_port: int
) -> None:
    """Given a saved file, new events follow it; given an invalid one, the old stays and is said to be so."""
    async with Worker(world, tmp_path / "log", HTTP_PORT=str(http_port)) as worker:
        events = "events: {subscription.started: {add_tags: [Member]}, order.paid: {add_tags: [Buyer]}}\n"
        world.write_account(events)
        await until(lambda: "config_reloaded" in worker.events_logged())
        order = {**started("b@example.com"), "type": "order.paid"}
        await publish(channel, world.exchange, [started("a@example.com"), order])
        await all_settled(worker, 2)
        world.write_account("events: {subscription.strated: {add_tags: [Oops]}}\n")
        await until(lambda: worker.events_logged().count("config_reloaded") == 2)
        _, body = await readyz(http_port)
        assert "did you mean subscription.started?" in body["accounts"][world.account]["config_errors"][0]
        assert body["accounts"][world.account]["state"] in {"running", "waiting"}
        await publish(channel, world.exchange, [started("c@example.com")])
        await all_settled(worker, 3)
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{http_port}/metrics") as answer,
        ):
            metrics = await answer.text()
    assert 'kit_worker_config_reloads_total{result="invalid"} 1.0' in metrics
    account = sandbox.account(KEY)
    assert account.subscriber("a@example.com").tags == {"Member"}
    assert account.subscriber("b@example.com").tags == {"Buyer"}
    assert account.subscriber("c@example.com").tags == {"Member"}


async def test_what_waits_is_folded_anew_under_a_corrected_rule(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given events that wait in an outage, a corrected rule applies to them: no harm is done."""
    world.write_account("events: {subscription.started: {add_tags: [Wrong]}}\n")
    async with Worker(world, tmp_path / "log") as worker:
        sandbox.faults.add(Rule(Fault(FaultKind.STATUS, status=503)))
        await publish(channel, world.exchange, [started("a@example.com")])
        await until(lambda: "hold_started" in worker.events_logged())
        world.write_account("events: {subscription.started: {add_tags: [Right]}}\n")
        await until(lambda: "config_reloaded" in worker.events_logged())
        sandbox.faults.clear()
        await all_settled(worker, 1)
    assert sandbox.account(KEY).subscriber("a@example.com").tags == {"Right"}
    assert "Wrong" not in sandbox.account(KEY).tags()


async def test_accounts_come_and_go_with_their_files(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path, new_account_name: object
) -> None:
    """Given a file added, its account starts; removed, it stops, and its queue keeps events."""
    assert callable(new_account_name)
    other = new_account_name()
    path = world.config / "accounts" / f"{other}.yaml"
    world.environ["KIT_OTHER_KEY"] = "kit_another0123456789"
    async with Worker(world, tmp_path / "log") as worker:
        path.write_text("app: garden\nkit: {api_key_env: KIT_OTHER_KEY}\n")
        await until(lambda: worker.events_logged().count("subscribed") == 2)
        exchange = await channel.get_exchange(world.exchange)
        body = b'{"id": "1", "data": {"user": {"email": "a@example.com"}}}'
        await exchange.publish(aio_pika.Message(body), "user.signed_up.garden")
        await all_settled(worker, 1)
        path.unlink()
        await until(lambda: "session_ended" in worker.events_logged())
        assert "account_removed" in worker.events_logged()
        await exchange.publish(aio_pika.Message(body), "user.signed_up.garden")
        assert await depth(world.amqp_url, f"kit.{other}") == 1
    assert sandbox.account("kit_another0123456789").subscriber("a@example.com").state == "active"
    assert sandbox.account(KEY).find("a@example.com") is None


async def test_an_outage_is_a_hold_and_ends_by_itself(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path, http_port: int
) -> None:
    """Given a Kit that is down, the account is held, calls seldom, and goes on when Kit is back."""
    events = make_events(50, 20, seed=22)
    async with Worker(world, tmp_path / "log", HTTP_PORT=str(http_port)) as worker:
        sandbox.faults.add(Rule(Fault(FaultKind.STATUS, status=500)))
        await publish(channel, world.exchange, events)
        await until(lambda: "hold_started" in worker.events_logged())
        status, body = await readyz(http_port)
        assert (status, body["accounts"][world.account]["state"]) == (503, "held")
        assert "500" in body["accounts"][world.account]["last_error"]
        calls = sandbox.journal.count()
        await asyncio.sleep(3)
        assert sandbox.journal.count() - calls <= 4
        sandbox.faults.clear()
        await all_settled(worker, len(events))
        assert (await readyz(http_port))[0] == 200
        assert "hold_ended" in worker.events_logged()
    assert wrong_people(sandbox, events) == []


@pytest.mark.timeout(240)
async def test_kits_limit_is_used_up_and_never_exceeded(
    world: World, channel: AbstractChannel, tmp_path: Path
) -> None:
    """Given Kit's own limit, 120 calls in any 60 s, it is used up, and no call is refused.

    The account's worker is made anew meanwhile, since its file names one more app, and the limit goes on.
    """
    async with Sandbox(keys={KEY: "Sunny Kitchen"}, latency=0.03).running() as sandbox:
        world.kit_url = sandbox.url
        world.write_account("app: sunny\n")
        async with Worker(world, tmp_path / "log", KIT_RATE_LIMIT="0") as worker:
            await publish(channel, world.exchange, make_events(600, 600, seed=23), app="sunny")
            await until(lambda: sandbox.journal.count() >= 90, 30)
            world.write_account("app: [sunny, garden]\n")
            await until(lambda: worker.events_logged().count("subscribed") >= 2, 30)
            began = sandbox.calls(KEY)[0].arrived
            await until(lambda: sandbox.monotonic() - began > 80, 150)
            assert worker.process.returncode is None
        assert sandbox.journal.count(status=429) == 0
        arrived = [call.arrived - began for call in sandbox.calls(KEY)]
        # The second 60 s of the limit begin at 60 s and are soon used up; this minute has them whole.
        assert sum(20 <= at < 80 for at in arrived) >= 0.97 * 120


@pytest.mark.timeout(240)
async def test_after_a_kill_kit_refuses_a_few_calls_and_nothing_is_lost(
    world: World, channel: AbstractChannel, tmp_path: Path
) -> None:
    """Given a kill -9 near Kit's limit, the next process knows nothing of it, and waits once Kit says so.

    Another program has used half of the limit.
    """
    events = make_events(40, 40, seed=23)
    async with Sandbox(keys={KEY: "Sunny Kitchen"}, latency=0.03).running() as sandbox:
        world.kit_url = sandbox.url
        async with aiohttp.ClientSession(headers={"X-Kit-Api-Key": KEY}) as another:
            for _ in range(60):
                (await another.get(f"{sandbox.url}/v4/account")).raise_for_status()
        async with Worker(world, tmp_path / "log", KIT_RATE_LIMIT="0") as worker:
            await publish(channel, world.exchange, events)
            await until(lambda: sandbox.journal.count() >= 90, 30)
            await worker.stop(signal.SIGKILL)
        async with Worker(world, tmp_path / "log", KIT_RATE_LIMIT="0") as worker:
            await until(lambda: wrong_people(sandbox, events) == [], 180)
            assert "event_dead_lettered" not in worker.events_logged()
        assert 0 < sandbox.journal.count(status=429) <= 40


async def test_exit_codes(world: World, tmp_path: Path) -> None:
    """Given no valid account file, the worker says every problem and exits 2."""
    world.write_account("evnts: {}\nfileds: {}\n")
    worker = Worker(world, tmp_path / "log")
    with pytest.raises(AssertionError):
        await worker.start()
    assert worker.process.returncode == 2
    assert "evnts" in worker.log_text()
    assert "fileds" in worker.log_text()
