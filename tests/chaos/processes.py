"""A worker with a name and a port, whose `/readyz` can be asked at any time."""

from __future__ import annotations

import asyncio
import resource
from pathlib import Path
from typing import Any, Final

import aiohttp

from scripts.machine import hold_port
from tests.integration.harness import Worker, World

WORKING: Final = frozenset({"running", "waiting"})
PATIENCE: Final = aiohttp.ClientTimeout(total=4.0)


class ChaosWorker(Worker):
    """A worker process, started again and again under one name, port and log.

    Attributes:
        name: Its WORKER_ID.
        port: Of its `/readyz`; kept for it between its lives, until `close`.
        log: All that it wrote, over all its lives.
    """

    def __init__(self, world: World, folder: Path, name: str, **environ: str) -> None:
        self.name = name
        self._held = hold_port()
        self.port = self._held.getsockname()[1]
        self.log = folder / f"worker-{name}.log"
        super().__init__(world, self.log, WORKER_ID=name, HTTP_PORT=str(self.port), **environ)

    def close(self) -> None:
        """Leave its port to others."""
        self._held.close()

    @property
    def alive(self) -> bool:
        """Whether there is a process."""
        return self._process is not None and self._process.returncode is None

    def limit_files(self, count: int) -> int:
        """Let the process have so many files open at most; returns how many it might before."""
        _, hard = resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE)
        soft, _ = resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, (count, hard))
        return soft

    async def ready(self) -> tuple[int, dict[str, Any]]:
        """Return `/readyz`, its status and its JSON; 0 and nothing where it does not answer."""
        try:
            async with (
                aiohttp.ClientSession(timeout=PATIENCE) as session,
                session.get(f"http://127.0.0.1:{self.port}/readyz") as response,
            ):
                return response.status, await response.json()
        except (aiohttp.ClientError, TimeoutError):
            return 0, {}

    async def works(self, account: str) -> bool:
        """Tell whether it says of itself, and of this account, that it works."""
        status, body = await self.ready()
        return status == 200 and body["accounts"].get(account, {}).get("state") in WORKING

    async def until_works(self, account: str, *, works: bool = True, seconds: float = 30.0) -> dict[str, Any]:
        """Wait until it says that it works, or that it does not; returns what it said."""
        try:
            async with asyncio.timeout(seconds):
                while await self.works(account) is not works:
                    await asyncio.sleep(0.1)
        except TimeoutError:
            status, body = await self.ready()
            said = body.get("accounts", {}).get(account)
            log = "".join(self.log_text().splitlines(keepends=True)[-40:])
            what = f"{account} {'works' if works else 'rests'}"
            raise AssertionError(
                f"{self.name} did not say within {seconds:.0f} s that {what}: {status}, {said}\n{log}"
            ) from None
        return (await self.ready())[1]
