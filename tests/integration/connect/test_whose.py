"""One Kit account is one file's, and no creator replaces another unasked."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.connect.browser import (
    OAUTH,
    RAINY,
    SUNNY,
    browse,
    clean,
    connect,
    connecting,
    ended,
    write,
)
from tests.integration.harness import World
from tests.integration.shell import Shell
from worker.sandbox import Fault, FaultKind, Rule, Sandbox

pytestmark = pytest.mark.timeout(120)


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
