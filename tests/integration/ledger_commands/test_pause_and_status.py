"""`pause`, `resume` and `status`, beside workers; and a ledger that is not there."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.harness import KEY, Worker, World, depth, publish, until
from tests.integration.ledger_commands.events import ended, event
from tests.integration.shell import Shell
from worker.broker.topology import archive_queue, dead_letter_queue_arguments
from worker.clock import Clock
from worker.ledger.database import Database
from worker.ledger.store import Ledger
from worker.sandbox import Sandbox

pytestmark = pytest.mark.timeout(120)


async def test_a_paused_account_rests_and_goes_on(
    world: World, channel: AbstractChannel, kit_worker: Shell, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given `pause`, the worker hands the queue back within 5 s, says so everywhere, and `resume` ends it."""
    loop = asyncio.get_running_loop()
    async with Worker(world, tmp_path / "log") as worker:
        paused = await kit_worker("pause", world.account)
        began = loop.time()
        await until(lambda: "account_paused" in worker.events_logged())
        assert loop.time() - began < 5 + 2
        twice = await kit_worker("pause", world.account)
        await publish(channel, world.exchange, [event(1, "user.signed_up")])
        status = await kit_worker("status")
        as_json = json.loads((await kit_worker("status", "--json")).out)
        assert await depth(world.amqp_url, f"kit.{world.account}") == 1
        resumed = await kit_worker("resume", world.account)
        await until(lambda: "event_applied" in worker.events_logged())
    assert paused.out.startswith(f"{world.account} is paused; kit-worker resume {world.account} lets")
    assert twice.out == f"{world.account} was paused already.\n"
    assert "paused since" in status.out
    assert list(as_json["paused"]) == [world.account]
    assert resumed.out == f"{world.account} goes on.\n"
    assert sandbox.account(KEY).find("ada@example.com") is not None


async def test_a_paused_account_goes_on_by_itself_at_the_end(
    world: World, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given a pause with a reason and an end, status tells both, and the worker goes on then."""
    async with Worker(world, tmp_path / "log") as worker:
        end = (datetime.now(UTC) + timedelta(seconds=20)).isoformat()
        await kit_worker("pause", world.account, "--reason", "moving tags", "--until", end)
        await until(lambda: "account_paused" in worker.events_logged())
        during = await kit_worker("status")
        await until(lambda: "account_resumed" in worker.events_logged())
        after = await kit_worker("status")
    assert "(moving tags)" in during.out
    assert "paused since" not in after.out


async def test_status_shows_workers_and_accounts(world: World, kit_worker: Shell, tmp_path: Path) -> None:
    """Given a worker, status names it with its accounts; after it has left, it is not named any more."""
    async with Worker(world, tmp_path / "log", WORKER_ID="one") as worker:
        await until(lambda: "subscribed" in worker.events_logged())
        text = await kit_worker("status")
        as_json = json.loads((await kit_worker("status", "--json")).out)
        await worker.stop()
    after = await kit_worker("status")
    (seen,) = as_json["workers"]
    assert (seen["worker"], seen["live"]) == ("one", True)
    assert list(seen["accounts"]) == [world.account]
    assert "at work" in text.out
    assert f"{world.account}  one" in text.out
    assert after.out.startswith("No worker is known to this ledger")
    assert "no worker at work has this account" in after.out


async def test_status_shows_who_has_what_and_what_needs_a_person(
    world: World, channel: AbstractChannel, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given a dead letter, an event applied and a broken file, one look tells all of it, and the version."""
    broken = world.config / "accounts" / "broken.yaml"
    broken.write_text("kit: {api_key_env: KIT_API_KEY}\nevnts: {}\n", encoding="utf-8")
    async with Worker(world, tmp_path / "log", WORKER_ID="one") as worker:
        bad = event(2, "user.signed_up", "nobody")
        await publish(channel, world.exchange, [event(1, "user.signed_up"), bad])
        await until(lambda: ended(worker) == 2)
        as_json = await status_with_dead_letters(kit_worker, world.account)
        text = await kit_worker("status")
    (seen,) = as_json["workers"]
    assert as_json["version"] == seen["version"] == version("kit-worker")
    assert as_json["holders"] == {world.account: "one"}
    assert seen["accounts"][world.account]["queue_depth"] == 0
    assert "did you mean events?" in as_json["problems"][0]
    (row,) = (line for line in text.out.splitlines() if line.startswith(world.account))
    assert row.split() == [world.account, "one", "running", "0", "0", "1", "has", "it"]
    assert f"one     {version('kit-worker')}    at work" in text.out
    assert "WRONG  " in text.out.splitlines()[-1]
    assert "null" not in json.dumps(as_json)
    # Whoever looks makes no archive: there is none before somebody puts a letter aside.
    assert as_json["archived"] == {}
    assert "archive" not in text.out


async def test_status_shows_how_many_letters_an_archive_holds(
    world: World, channel: AbstractChannel, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given an archive, what is in it is told, also where no worker is at work."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/data/ledger.db")
    async with Ledger(database, worker="w-1", clock=Clock()) as ledger:
        await ledger.ready()
    queue = archive_queue(world.account)
    await channel.declare_queue(queue, durable=True, arguments=dead_letter_queue_arguments())
    for _ in range(3):
        await channel.default_exchange.publish(aio_pika.Message(b"{}"), queue)

    text, as_json = await asyncio.gather(kit_worker("status"), kit_worker("status", "--json"))

    assert "3 dead letters in its archive" in text.out
    assert json.loads(as_json.out)["archived"] == {world.account: 3}
    await channel.queue_delete(queue)


async def status_with_dead_letters(kit_worker: Shell, account: str) -> dict[str, Any]:
    """Wait until a worker has told of a dead letter: it looks every 15 s, and tells every 6 s."""
    async with asyncio.timeout(40):
        while True:
            as_json: dict[str, Any] = json.loads((await kit_worker("status", "--json")).out)
            told = as_json["workers"][0]["accounts"].get(account, {})  # at its start it tells of none
            if told.get("dead_letter_depth"):
                return as_json


@pytest.mark.parametrize(
    "words",
    [
        ["history", "--email", "ada@example.com"],
        ["forget", "ada@example.com", "--yes"],
        ["pause", "default"],
        ["status"],
    ],
)
async def test_no_command_makes_a_ledger(kit_worker: Shell, tmp_path: Path, words: list[str]) -> None:
    """Given a folder without a ledger, the commands say that it is the wrong place, and leave it so."""
    ended = await kit_worker(*words)
    assert ended.code == 2
    assert "there is no ledger at data/ledger.db: set LEDGER_URL as the workers have it" in ended.err
    assert not (tmp_path / "data").exists()


async def test_no_command_makes_a_ledger_of_an_empty_file(kit_worker: Shell, tmp_path: Path) -> None:
    """Given a file that somebody has touched and no worker has used, it is said, and stays empty."""
    path = tmp_path / "data" / "ledger.db"
    path.parent.mkdir()
    path.touch()
    ended = await kit_worker("status")
    assert (ended.code, path.stat().st_size) == (2, 0)
    assert "there is no ledger at data/ledger.db: set LEDGER_URL as the workers have it" in ended.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["history"], "say what is looked for"),
        (["history", "--email", "ada"], "ada is not an email address"),
        (["history", "--email", "ada@example.com", "--user", "u-1"], "an address, or --user"),
        (["history", "--account", "a", "--limit", "9" * 30], "--limit"),
        (["forget", "ada"], "ada is not an email address"),
    ],
)
async def test_what_cannot_be_meant_is_refused(kit_worker: Shell, words: list[str], said: str) -> None:
    ended = await kit_worker(*words)
    assert (ended.code, said in ended.err) == (2, True)


async def test_an_account_that_nobody_has_cannot_be_paused(
    world: World, kit_worker: Shell, tmp_path: Path
) -> None:
    async with Worker(world, tmp_path / "log"):
        ended = await kit_worker("pause", "sunnny")
    assert (ended.code, "there is no account sunnny" in ended.err) == (2, True)


async def test_a_ledger_that_does_not_answer_ends_a_command_with_4(kit_worker: Shell) -> None:
    """Given a PostgreSQL that is not there, the command says so without the password."""
    url = "postgresql+asyncpg://kit:secret-word@127.0.0.1:1/kit"
    looked, checked = await asyncio.gather(
        kit_worker("status", LEDGER_URL=url), kit_worker("check", LEDGER_URL=url)
    )
    assert (looked.code, checked.code) == (4, 4)
    assert "cannot be used" in looked.err
    assert "Traceback" not in looked.err
    assert "ledger" in checked.out
    assert "secret-word" not in looked.err + checked.out + checked.err
