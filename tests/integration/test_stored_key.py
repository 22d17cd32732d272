"""Accounts whose API key is kept in the ledger: the commands, the page, and real workers meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.harness import KEY, Worker, World, all_settled, handed_back, publish, until
from tests.integration.shell import Ended, Shell
from worker.clock import Clock
from worker.ledger.connecting import Opened, take_kit_account
from worker.ledger.database import Database
from worker.ledger.sealing import new_key
from worker.ledger.store import Ledger
from worker.sandbox import Sandbox

pytestmark = pytest.mark.timeout(120)

SUNNY, RAINY = "Sunny Kitchen", "Rainy Garden"
RAINY_KEY = "kit_abcdef0123456789RAINYKEY"
STORED = "kit: {api_key: stored}\n"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(keys={KEY: SUNNY, RAINY_KEY: RAINY}, limit=False).running() as running:
        yield running


@pytest.fixture
def world(amqp_url: str, events_exchange: str, account_name: str, tmp_path: Path, sandbox: Sandbox) -> World:
    world = World(amqp_url, events_exchange, account_name, tmp_path / "config", sandbox.url)
    ledger = f"sqlite+aiosqlite:///{tmp_path}/ledger.db"
    world.environ |= {"KIT_TIMEOUT": "3", "LEDGER_KEY": new_key(), "LEDGER_URL": ledger, "KIT_API_KEY": ""}
    write(world, STORED)
    return world


@pytest.fixture
def kit_worker(world: World, tmp_path: Path) -> Shell:
    return Shell(world, tmp_path)


@pytest.fixture
async def ledger(world: World) -> Database:
    """A ledger, as the first worker makes it."""
    database = Database(world.environ["LEDGER_URL"])
    async with Ledger(database, worker="test", clock=Clock()) as made:
        await made.ready()
    return database


def write(world: World, text: str, account: str = "") -> None:
    """Save an account's file."""
    path = world.config / "accounts" / f"{account or world.account}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def clean(what: Ended) -> bool:
    """Whether there is no traceback in what was printed, and no key."""
    text = what.out + what.err
    return "Traceback" not in text and not any(key in text for key in (KEY, RAINY_KEY))


async def enter(kit_worker: Shell, world: World, key: str, *options: str) -> Ended:
    """Give a key to the command."""
    done = await kit_worker("connect", world.account, "--api-key-stdin", *options, stdin=f"{key}\n")
    assert clean(done)
    return done


@pytest.mark.usefixtures("ledger")
async def test_a_key_is_kept_replaced_and_forgotten(world: World, kit_worker: Shell) -> None:
    assert "no API key has been entered yet" in (await kit_worker("check")).out
    kept = await enter(kit_worker, world, KEY)
    assert (kept.code, f"The API key of {SUNNY} is kept for {world.account}" in kept.out) == (0, True), kept
    assert f"{SUNNY}, plan creator" in (await kit_worker("check")).out

    other = await enter(kit_worker, world, RAINY_KEY)
    assert (other.code, "run the command again with --replace" in other.err) == (2, True)
    assert f"{SUNNY}, plan creator" in (await kit_worker("check")).out
    assert (await enter(kit_worker, world, RAINY_KEY, "--replace")).code == 0
    assert f"{RAINY}, plan creator" in (await kit_worker("check")).out

    gone = await kit_worker("disconnect", world.account)
    assert (gone.code, gone.out) == (0, f"{world.account} is no longer connected.\n")
    assert "stays good until it is deleted in Kit" in gone.err
    checked = await kit_worker("check")
    assert (checked.code, "no API key has been entered yet" in checked.out) == (3, True)


@pytest.mark.usefixtures("ledger")
async def test_what_kit_does_not_take_is_not_kept(world: World, kit_worker: Shell, sandbox: Sandbox) -> None:
    """Given a wrong key, or a Kit that cannot be asked, the key before goes on."""
    assert (await enter(kit_worker, world, KEY)).code == 0
    wrong = await enter(kit_worker, world, "kit_wrong0123456789")
    assert (wrong.code, "Kit refuses the API key (401)" in wrong.err) == (3, True)
    sandbox.fail("status", path="/v4/account", times=1, status=503)
    away = await enter(kit_worker, world, KEY)
    assert (away.code, "GET /v4/account" in away.err) == (4, True)
    for entered, said in (("", "no key was entered"), ("two words", "this cannot be an API key")):
        none = await enter(kit_worker, world, entered)
        assert (none.code, said in none.err) == (2, True)
    assert f"{SUNNY}, plan creator" in (await kit_worker("check")).out


@pytest.mark.usefixtures("ledger")
async def test_what_must_be_there_first_is_told(world: World, kit_worker: Shell) -> None:
    asked = await kit_worker("connect", world.account)
    assert (asked.code, "--api-key-stdin, with the key on standard input" in asked.err) == (2, True)
    without = await kit_worker("connect", world.account, "--api-key-stdin", stdin=KEY, LEDGER_KEY="")
    assert (without.code, "LEDGER_KEY is not set, with which keys are encrypted" in without.err) == (2, True)
    write(world, "kit: {api_key_env: KIT_A}\n")
    other = await kit_worker("connect", world.account, "--api-key-stdin", stdin=KEY, KIT_A=KEY)
    assert (other.code, "names another way into Kit: write kit: {api_key: stored}" in other.err) == (2, True)


async def test_without_a_ledger_none_is_made(world: World, kit_worker: Shell, tmp_path: Path) -> None:
    done = await enter(kit_worker, world, KEY)
    assert (done.code, "there is no ledger at" in done.err) == (2, True)
    assert "no API key has been entered yet" in (await kit_worker("check")).out
    assert not (tmp_path / "ledger.db").exists()


@pytest.mark.usefixtures("ledger")
async def test_one_kit_account_is_one_file(
    world: World, kit_worker: Shell, new_account_name: Callable[[], str]
) -> None:
    second = new_account_name()
    write(world, f"app: second\n{STORED}", second)
    assert (await enter(kit_worker, world, KEY)).code == 0
    done = await kit_worker("connect", second, "--api-key-stdin", stdin=KEY)
    assert (done.code, clean(done)) == (2, True)
    assert f"{SUNNY} is the Kit account of {world.account} already" in done.err


@pytest.mark.usefixtures("ledger")
async def test_a_removed_account_leaves_no_key(world: World, kit_worker: Shell, ledger: Database) -> None:
    assert (await enter(kit_worker, world, KEY)).code == 0
    write(world, STORED, "another")
    (world.config / "accounts" / f"{world.account}.yaml").unlink()
    removed = await kit_worker("remove", world.account)
    assert (removed.code, "1 API key, or connection to Kit, is dropped." in removed.out) == (0, True), removed
    assert "stays good until it is deleted in Kit" in removed.err
    await ledger.close()


@pytest.mark.usefixtures("ledger")
async def test_a_key_by_variable_opens_nothing_that_is_another_accounts(
    world: World, kit_worker: Shell, sandbox: Sandbox, channel: AbstractChannel,
    new_account_name: Callable[[], str], tmp_path: Path,
) -> None:  # fmt: skip
    """Given a key that was entered for one account, and another file that names it by a variable.

    The second account is told, keeps its event in its queue, and goes on once the first one lets go.
    """
    second = new_account_name()
    write(world, "app: second\nkit: {api_key_env: KIT_B}\n", second)
    assert (await enter(kit_worker, world, KEY)).code == 0
    told = (
        f"its Kit account is another account's already, that of {world.account}; one Kit account is one file"
    )
    async with Worker(world, tmp_path / "log", KIT_B=KEY) as worker:

        def said(event: str) -> list[str]:
            lines = [line for line in worker.log_lines() if line.get("account") == second]
            return [str(line.get("problem")) for line in lines if line["event"] == event]

        await until(lambda: bool(said("subscribed")))
        await publish(channel, world.exchange, [person("eve")], app="second")
        await until(lambda: bool(said("credential_refused")))
        assert said("credential_refused")[0].startswith(told)
        await publish(channel, world.exchange, [person("ada")])
        await all_settled(worker, 1)
        assert sandbox.account(KEY).find("eve@example.com") is None
        await handed_back(world.amqp_url, f"kit.{second}", 1)
        checked = await kit_worker("check", second, KIT_B=KEY)
        assert (checked.code, told in checked.out, clean(checked)) == (3, True, True), checked
        assert len(said("subscribed")) == 1  # it is not consumed again and again meanwhile

        assert (await kit_worker("disconnect", world.account)).code == 0
        await all_settled(worker, 2)
    assert sandbox.account(KEY).find("eve@example.com") is not None


async def test_what_an_account_has_whose_file_is_gone_is_freed_by_disconnecting_it(
    kit_worker: Shell, ledger: Database
) -> None:
    """Given an account by variable that has no file any more, what it had is free, and it is unknown."""
    assert (await kit_worker("disconnect", "gone")).code == 2
    await take_kit_account(ledger, Opened("gone", "the mark of a place", 7, "https://api.kit.com"))
    freed = await kit_worker("disconnect", "gone")
    assert (freed.code, freed.out) == (0, "gone is no longer connected.\n")
    assert (await kit_worker("disconnect", "gone")).code == 2
    await ledger.close()


def person(name: str) -> dict[str, Any]:
    return {"id": name, "type": "user.signed_up", "data": {"user": {"email": f"{name}@example.com"}}}
