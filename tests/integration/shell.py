"""The commands, as processes."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.integration.harness import World


@dataclass(frozen=True, slots=True)
class Ended:
    """What a process printed, and its exit code."""

    code: int
    out: str
    err: str


class Shell:
    """Runs `kit-worker` with a world's settings; `stdin` may be a terminal's descriptor."""

    def __init__(self, world: World, folder: Path, *, stdin: int = asyncio.subprocess.PIPE) -> None:
        self._world = world
        self._folder = folder
        self._stdin = stdin

    async def start(self, *words: str, **environ: str) -> asyncio.subprocess.Process:
        """Start a command."""
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "worker", *words,
            env={**self._world.environment(), **environ},
            cwd=self._folder,
            stdin=self._stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip

    async def __call__(self, *words: str, stdin: str = "", **environ: str) -> Ended:
        """Run a command to its end."""
        process = await self.start(*words, **environ)
        out, err = await process.communicate(stdin.encode())
        return Ended(process.returncode or 0, out.decode(), err.decode())


@asynccontextmanager
async def page(kit_worker: Shell, **environ: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run `kit-worker page`; yields the process, and its address."""
    process = await kit_worker.start("page", PAGE_PORT="0", **environ)
    assert process.stderr
    try:
        async with asyncio.timeout(30):
            said = ""
            while '"page_started"' not in said:
                said = (await process.stderr.readline()).decode()
                assert said, "it ended"
        yield process, json.loads(said)["address"].rstrip("/")
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
