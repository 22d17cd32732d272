"""Accounts that are connected by OAuth: the commands, a Kit that grants, and real workers meanwhile."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aio_pika.abc import AbstractChannel

from scripts.machine import free_port
from tests.integration.expected import make_events, wrong_people
from tests.integration.harness import KEY, MANY, Worker, World, all_settled, depth, publish, readyz, until
from tests.integration.shell import Ended, Shell
from worker.clock import Clock
from worker.ledger.database import Database
from worker.ledger.sealing import new_key
from worker.ledger.store import Ledger
from worker.sandbox import Fault, FaultKind, Rule, Sandbox

pytestmark = pytest.mark.timeout(120)

SUNNY, RAINY = "Sunny Kitchen", "Rainy Garden"
RAINY_KEY = "kit_abcdef0123456789RAINYKEY"
OAUTH = "kit: {oauth: {client_id_env: KIT_CLIENT_ID, client_secret_env: KIT_CLIENT_SECRET}}\n"
PKCE = "kit: {oauth: {client_id_env: KIT_CLIENT_ID}}\n"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    box = Sandbox(keys={KEY: SUNNY, RAINY_KEY: RAINY}, limit=False)
    box.oauth.client("the-client", "the-secret")
    box.oauth.creator = SUNNY
    async with box.running() as running:
        yield running


@pytest.fixture
def world(amqp_url: str, events_exchange: str, account_name: str, tmp_path: Path, sandbox: Sandbox) -> World:
    world = World(amqp_url, events_exchange, account_name, tmp_path / "config", sandbox.url)
    world.environ |= {
        "KIT_CLIENT_ID": "the-client",
        "KIT_CLIENT_SECRET": "the-secret",
        "KIT_TIMEOUT": "3",
        "LEDGER_KEY": new_key(),
    }
    write(world, OAUTH)
    return world


@pytest.fixture
def kit_worker(world: World, tmp_path: Path) -> Shell:
    return Shell(world, tmp_path)


@pytest.fixture
async def ledger(tmp_path: Path) -> None:
    """A ledger, as the first worker makes it."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/data/ledger.db")
    async with Ledger(database, worker="test", clock=Clock()) as made:
        await made.ready()


def write(world: World, text: str, account: str = "") -> None:
    """Save an account's file."""
    path = world.config / "accounts" / f"{account or world.account}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n{MANY}", encoding="utf-8")


async def address_of(process: asyncio.subprocess.Process) -> str:
    """The address that the command prints."""
    assert process.stdout is not None
    assert process.stderr is not None
    while line := (await process.stdout.readline()).decode().strip():
        if line.startswith("http"):
            return line
        await process.stdout.readline()
    raise AssertionError((await process.stderr.read()).decode())


@asynccontextmanager
async def connecting(
    kit_worker: Shell, *words: str, **environ: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A command that waits for the browser, and the address that it printed."""
    uri = f"http://localhost:{free_port()}/callback"
    process = await kit_worker.start("connect", *words, "--redirect-uri", uri, **environ)
    try:
        yield process, await address_of(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def browse(address: str, *, follow: bool = True) -> tuple[int, str, str]:
    """Go where the browser goes: the status, the text, and where a redirect leads that is not followed."""
    async with aiohttp.ClientSession() as session, session.get(address, allow_redirects=follow) as response:
        return response.status, await response.text(), response.headers.get("Location", "")


async def ended(process: asyncio.subprocess.Process) -> Ended:
    out, err = await process.communicate()
    return Ended(process.returncode or 0, out.decode(), err.decode())


async def connect(kit_worker: Shell, account: str, *options: str, **environ: str) -> Ended:
    """Connect as somebody with a browser does."""
    async with connecting(kit_worker, account, *options, **environ) as (process, address):
        await browse(address)
        return await ended(process)


def clean(what: Ended, *secrets: str) -> bool:
    """Whether there is no traceback in what was printed, and nothing secret."""
    text = what.out + what.err
    return "Traceback" not in text and not any(secret in text for secret in ("the-secret", *secrets))


async def state_of(world: World, worker: Worker) -> tuple[int, dict[str, Any]]:
    """What `/readyz` says, and what it says of the account."""
    status, body = await readyz(int(worker.environ["HTTP_PORT"]))
    return status, body["accounts"][world.account]


@pytest.fixture
def new_worker(world: World, tmp_path: Path) -> Callable[[], Worker]:
    return lambda: Worker(world, tmp_path / "log", HTTP_PORT=str(free_port()))


# -- connecting -------------------------------------------------------------------------------------------


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


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("pasted", ["address", "query", "code"])
async def test_without_a_browser_here(world: World, kit_worker: Shell, sandbox: Sandbox, pasted: str) -> None:
    """Given a browser on another machine, what it ended at is pasted into a second run."""
    uri = "https://example.com/callback"
    first = await kit_worker("connect", world.account, "--redirect-uri", uri)
    assert (first.code, f"--code 'THAT ADDRESS' --redirect-uri {uri}" in first.err) == (0, True)
    (address,) = re.findall(r"^http\S+$", first.out, re.MULTILINE)
    _, _, end = await browse(address, follow=False)
    text = {"address": end, "query": end.partition("?")[2], "code": re.findall(r"code=([^&]+)", end)[0]}
    second = await kit_worker("connect", world.account, "--redirect-uri", uri, "--code", text[pasted])
    assert (second.code, f"connected to {SUNNY}" in second.out) == (0, True), second.err
    third = await kit_worker("connect", world.account, "--redirect-uri", uri, "--code", text[pasted])
    assert (third.code, "Kit does not take this code: it works once" in third.err) == (2, True)
    assert clean(third, text["code"])
    assert [each.state for each in sandbox.oauth.connected()] == ["good"]


@pytest.mark.usefixtures("ledger")
async def test_an_app_without_a_secret(world: World, kit_worker: Shell, sandbox: Sandbox) -> None:
    """Given PKCE, what the second run needs of the first comes back with the address, not with the code."""
    sandbox.oauth.client("public")
    write(world, PKCE)
    public = {"KIT_CLIENT_ID": "public"}
    assert (await connect(kit_worker, world.account, **public)).code == 0
    async with connecting(kit_worker, world.account, **public) as (process, address):
        _, _, end = await browse(address, follow=False)
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 130
    uri = end.partition("?")[0]
    bare = await kit_worker("connect", world.account, "--code", "code-1", **public)
    assert (bare.code, "paste the whole address" in bare.err) == (2, True)
    whole = await kit_worker("connect", world.account, "--code", end, "--redirect-uri", uri, **public)
    assert whole.code == 0, whole.err


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("http://localhost:8976/callback?code=c&state=made.up", "this is no answer to a question about"),
        ("http://[::1/?code=c", "this is no answer to a question about"),
        ("", "nothing was pasted"),
        ("code-of-nothing", "Kit does not take this code"),
    ],
)
async def test_a_wrong_answer_is_told(world: World, kit_worker: Shell, code: str, said: str) -> None:
    done = await kit_worker("connect", world.account, "--code", code)
    assert (done.code, said in done.err, done.out) == (2, True, "")
    assert clean(done)


@pytest.mark.usefixtures("ledger")
async def test_a_creator_who_says_no(world: World, kit_worker: Shell) -> None:
    async with connecting(kit_worker, world.account) as (process, address):
        assert (await browse(f"{address}&refuse=1"))[0] == 403
        done = await ended(process)
    assert (done.code, "Kit says: The creator refused" in done.err) == (2, True)
    assert clean(done)


@pytest.mark.usefixtures("ledger")
async def test_somebody_elses_answer_is_turned_down_and_ours_still_waited_for(
    world: World, kit_worker: Shell
) -> None:
    async with connecting(kit_worker, world.account) as (process, address):
        uri = re.findall(r"localhost%3A(\d+)", address)[0]
        status, _, _ = await browse(f"http://localhost:{uri}/callback?code=c&state=made.up")
        assert (status, process.returncode) == (400, None)
        await browse(address)
        assert (await ended(process)).code == 0


@pytest.mark.usefixtures("ledger")
async def test_ctrl_c_while_it_waits(world: World, kit_worker: Shell, sandbox: Sandbox) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        async with connecting(kit_worker, world.account) as (process, _):
            process.send_signal(number)
            done = await ended(process)
            assert (done.code, clean(done)) == (130, True)
    hang = sandbox.faults.add(Rule(Fault(FaultKind.HANG), path="/v4/oauth/token"))
    async with connecting(kit_worker, world.account) as (process, address):
        await browse(address)
        await until(lambda: hang.struck > 0)
        process.send_signal(signal.SIGINT)
        done = await ended(process)
        assert (done.code, clean(done)) == (130, True)
    assert sandbox.oauth.connected() == []


@pytest.mark.usefixtures("ledger")
async def test_a_kit_that_fails_is_told(world: World, kit_worker: Shell, sandbox: Sandbox) -> None:
    sandbox.faults.add(Rule(Fault(FaultKind.STATUS, status=503), path="/v4/oauth/token"))
    done = await connect(kit_worker, world.account)
    assert (done.code, "POST /v4/oauth/token: Kit answered 503" in done.err) == (4, True)
    assert clean(done)


@pytest.mark.usefixtures("ledger")
async def test_an_app_that_kit_does_not_know(world: World, kit_worker: Shell) -> None:
    done = await connect(kit_worker, world.account, KIT_CLIENT_SECRET="not-the-one")
    assert (done.code, "check its client id and client secret" in done.err) == (3, True)
    assert "not-the-one" not in done.err


async def test_what_must_be_there_before_anybody_is_asked(
    world: World, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given anything that would fail afterwards, it is told before a creator has said yes in vain."""
    no_ledger = await kit_worker("connect", world.account)
    assert (no_ledger.code, "there is no ledger at data/ledger.db" in no_ledger.err) == (2, True)
    assert not (tmp_path / "data").exists()

    database = Database(f"sqlite+aiosqlite:///{tmp_path}/data/ledger.db")
    async with Ledger(database, worker="test", clock=Clock()) as made:
        await made.ready()
    no_key = await kit_worker("connect", world.account, LEDGER_KEY="")
    assert no_key.code == 2
    (key,) = re.findall(r"^LEDGER_KEY=(\S{44})$", no_key.err, re.MULTILINE)
    assert (await connect(kit_worker, world.account, LEDGER_KEY=key)).code == 0
    other = await kit_worker("connect", world.account, LEDGER_KEY="")
    said = f"the tokens of {world.account} are encrypted: set it as the workers have it"
    assert (other.code, said in other.err, "LEDGER_KEY=" in other.err) == (2, True, False)
    wrong = await kit_worker("connect", world.account, LEDGER_KEY="secret-but-short")
    assert (wrong.code, "LEDGER_KEY: must be a Fernet key" in wrong.err) == (2, True)
    assert "secret-but-short" not in wrong.err

    no_secret = await kit_worker("connect", world.account, KIT_CLIENT_ID="")
    assert (no_secret.code, "a secret of" in no_secret.err) == (2, True)
    nobody = await kit_worker("connect", "nobody")
    assert (nobody.code, "there is no account nobody" in nobody.err) == (2, True)
    nowhere = await kit_worker("connect", world.account, "--redirect-uri", "localhost:1")
    assert (nowhere.code, "--redirect-uri must be an address" in nowhere.err) == (2, True)
    write(world, "kit: {api_key_env: KIT_API_KEY}\n")
    no_app = await kit_worker("connect", world.account)
    assert (no_app.code, "names no app: write kit: {oauth: " in no_app.err) == (2, True)


@pytest.mark.usefixtures("ledger")
async def test_one_kit_account_is_one_file(
    world: World, kit_worker: Shell, sandbox: Sandbox, new_account_name: Callable[[], str]
) -> None:
    """Given the wrong creator at the browser, the account that has it already goes on undisturbed."""
    second = new_account_name()
    write(world, f"app: second\n{OAUTH}", second)
    assert (await connect(kit_worker, world.account)).code == 0
    done = await connect(kit_worker, second)
    assert done.code == 2
    assert f"{SUNNY} is the Kit account of {world.account} already" in done.err
    checked = await kit_worker("check", world.account)
    assert f"{SUNNY}, plan creator" in checked.out
    assert {pair.ended for pair in sandbox.oauth.pairs()} == {False}

    # Its file was renamed: the tokens are the old name's, and go with it.
    (world.config / "accounts" / f"{world.account}.yaml").unlink()
    assert f"kit-worker disconnect {world.account}" in done.err
    gone = await kit_worker("disconnect", world.account)
    assert (gone.code, gone.out) == (0, f"{world.account} is no longer connected.\n")
    assert "its access at Kit was not ended (no valid file of" in gone.err
    assert (await connect(kit_worker, second)).code == 0


@pytest.mark.usefixtures("ledger")
async def test_another_creator_replaces_nobody_unasked(
    world: World, kit_worker: Shell, sandbox: Sandbox
) -> None:
    """Given the wrong creator at the browser and no terminal, the account stays where it is."""
    assert (await connect(kit_worker, world.account)).code == 0
    sandbox.oauth.creator = RAINY
    refused = await connect(kit_worker, world.account)
    assert (refused.code, refused.out.strip()) == (2, "")  # nothing more than the address
    assert f"{world.account} is connected to another Kit account (number " in refused.err
    assert f"said yes just now is {RAINY} (number " in refused.err
    assert "run the command again with --replace" in refused.err
    assert f"{SUNNY}, plan creator" in (await kit_worker("check", world.account)).out
    assert {pair.ended for pair in sandbox.oauth.pairs()} == {False}
    assert clean(refused)

    sandbox.oauth.creator = SUNNY
    assert (await connect(kit_worker, world.account)).code == 0  # the same one again is no question
    sandbox.oauth.creator = RAINY
    replaced = await connect(kit_worker, world.account, "--replace")
    assert (replaced.code, f"is connected to {RAINY}" in replaced.out) == (0, True)


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize(("answer", "code", "has"), [("n", 2, SUNNY), ("y", 0, RAINY)])
async def test_at_a_terminal_it_is_asked(
    world: World, kit_worker: Shell, sandbox: Sandbox, tmp_path: Path, answer: str, code: int, has: str
) -> None:
    assert (await connect(kit_worker, world.account)).code == 0
    sandbox.oauth.creator = RAINY
    keyboard, terminal = os.openpty()
    try:
        os.write(keyboard, f"{answer}\n".encode())
        async with connecting(Shell(world, tmp_path, stdin=terminal), world.account) as (process, address):
            await browse(address)
            done = await ended(process)
    finally:
        os.close(keyboard)
        os.close(terminal)
    assert (done.code, f"{RAINY} (number " in done.err, "Replace it?" in done.err) == (code, True, True)
    assert f"{has}, plan creator" in (await kit_worker("check", world.account)).out


@pytest.mark.usefixtures("ledger")
async def test_ctrl_c_at_the_question_changes_nothing(
    world: World, kit_worker: Shell, sandbox: Sandbox, tmp_path: Path
) -> None:
    assert (await connect(kit_worker, world.account)).code == 0
    sandbox.oauth.creator = RAINY
    keyboard, terminal = os.openpty()
    try:
        async with connecting(Shell(world, tmp_path, stdin=terminal), world.account) as (process, address):
            assert process.stderr is not None
            await browse(address)
            await asyncio.wait_for(process.stderr.readuntil(b"Replace it?"), 20)
            process.send_signal(signal.SIGINT)
            done = await asyncio.wait_for(ended(process), 10)
    finally:
        os.close(keyboard)
        os.close(terminal)
    assert (done.code, clean(done)) == (130, True)
    assert f"{SUNNY}, plan creator" in (await kit_worker("check", world.account)).out


@pytest.mark.usefixtures("ledger")
async def test_two_commands_at_once_let_one_account_in(
    world: World, kit_worker: Shell, sandbox: Sandbox, new_account_name: Callable[[], str]
) -> None:
    """Given one creator who says yes for two accounts in the same moment, one of them is connected."""
    second = new_account_name()
    write(world, f"app: second\n{OAUTH}", second)
    slow = sandbox.faults.add(Rule(Fault(FaultKind.SLOW, delay=0.5, applied=True), path="/v4/account"))
    async with (
        connecting(kit_worker, world.account) as (one, here),
        connecting(kit_worker, second) as (two, there),
    ):
        await asyncio.gather(browse(here), browse(there))
        ends = await asyncio.gather(ended(one), ended(two))
    assert slow.struck == 2
    assert sorted(end.code for end in ends) == [0, 2]
    (refused,) = [end for end in ends if end.code == 2]
    assert f"{SUNNY} is the Kit account of " in refused.err


@pytest.mark.usefixtures("ledger")
async def test_kit_is_told_which_installation_and_account_asks(
    world: World, kit_worker: Shell, sandbox: Sandbox
) -> None:
    for _ in range(2):
        assert (await connect(kit_worker, world.account)).code == 0
    tenants = {pair.connection.tenant for pair in sandbox.oauth.pairs()}
    assert len(tenants) == 1
    assert re.fullmatch(f"kit-worker-[0-9a-f]{{12}}-{world.account}", tenants.pop())


# -- while workers run ------------------------------------------------------------------------------------


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
