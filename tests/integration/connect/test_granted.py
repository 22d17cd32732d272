"""Accounts that are connected by OAuth: the command, and a Kit that grants, or does not."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from tests.integration.connect.browser import SUNNY, browse, clean, connect, connecting, ended, write
from tests.integration.harness import World, until
from tests.integration.shell import Shell
from worker.clock import Clock
from worker.ledger.database import Database
from worker.ledger.store import Ledger
from worker.sandbox import Fault, FaultKind, Rule, Sandbox

pytestmark = pytest.mark.timeout(120)

PKCE = "kit: {oauth: {client_id_env: KIT_CLIENT_ID}}\n"


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
async def test_kit_is_told_which_installation_and_account_asks(
    world: World, kit_worker: Shell, sandbox: Sandbox
) -> None:
    for _ in range(2):
        assert (await connect(kit_worker, world.account)).code == 0
    tenants = {pair.connection.tenant for pair in sandbox.oauth.pairs()}
    assert len(tenants) == 1
    assert re.fullmatch(f"kit-worker-[0-9a-f]{{12}}-{world.account}", tenants.pop())
