"""The demo's worker, and its page: processes of their own, as an operator starts, watches and stops them."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar

from worker.errors import KitWorkerError
from worker.outside.texts import redacted

PATIENCE: Final = 30.0
"""Seconds for any one step, on a slow machine."""
LOOK_EVERY: Final = 0.02
GRACE: Final = 5.0
"""Seconds in which the worker is to stop."""
LAST_LINES: Final = 5

T = TypeVar("T")


class DemoFailedError(KitWorkerError):
    """Something did not come out as it should; the text says what, in several lines."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.args = (redacted(text),)


class WorkerProcess:
    """The running worker.

    Args:
        process: The process.
        log: The file that it writes its log into, shown where something fails.
        patience: Seconds in which it is to do any one thing.
    """

    def __init__(self, process: Process, log: Path, patience: float = PATIENCE) -> None:
        self._process = process
        self._log = log
        self._patience = patience

    async def until(self, look: Callable[[], Awaitable[T | None]], otherwise: str) -> T:
        """Return what `look` finds, which is asked again and again while it finds None.

        Raises:
            DemoFailedError: It finds nothing in time, or the worker ended; `otherwise` says what is missing.
        """
        try:
            async with asyncio.timeout(self._patience):
                while (found := await look()) is None:
                    if (code := self._process.returncode) is not None:
                        raise self._failure(f"the worker ended by itself (exit code {code})")
                    await asyncio.sleep(LOOK_EVERY)
        except TimeoutError:
            raise self._failure(f"{otherwise} within {self._patience:.0f} s") from None
        return found

    async def ended(self) -> int:
        """Wait until the process has ended, and return its exit code."""
        return await self._process.wait()

    def _failure(self, text: str) -> DemoFailedError:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
        return DemoFailedError("; its log ends with:\n".join([text, *(["\n".join(lines)] if lines else [])]))


@asynccontextmanager
async def worker_process(
    environ: Mapping[str, str], folder: Path, command: str = "run"
) -> AsyncIterator[WorkerProcess]:
    """Run `kit-worker run`, or `page`, in a folder with no `.env`, and stop it as an operator would."""
    log = folder / f"{command}.log"
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "worker", command,
            env=environ,
            cwd=folder,
            stderr=file,
            start_new_session=True,  # Ctrl-C is for the demo, which then stops the worker in good order
        )  # fmt: skip
    try:
        yield WorkerProcess(process, log)
    finally:
        await _stop(process)


async def _stop(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(GRACE + 5):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
