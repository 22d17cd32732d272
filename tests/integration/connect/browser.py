"""The command `connect`, the browser of who says yes, and the accounts of both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from scripts.machine import free_port
from tests.integration.harness import MANY, World
from tests.integration.shell import Ended, Shell

SUNNY, RAINY = "Sunny Kitchen", "Rainy Garden"
RAINY_KEY = "kit_abcdef0123456789RAINYKEY"
OAUTH = "kit: {oauth: {client_id_env: KIT_CLIENT_ID, client_secret_env: KIT_CLIENT_SECRET}}\n"


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
