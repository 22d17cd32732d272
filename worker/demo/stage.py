"""What the demo plays on: a sandbox here, a worker in a process of its own, names nobody else has."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from worker.broker.connection import Connection
from worker.broker.queues import connected, delete_exchange, delete_queue
from worker.broker.topology import dead_letter_queue, work_queue
from worker.demo.story import account_file
from worker.errors import KitWorkerError
from worker.sandbox import Sandbox

API_KEY: Final = "demo-key"  # opens only the sandbox
KIT_ACCOUNT: Final = "Sunny Kitchen"
LATENCY: Final = 0.05
PATIENCE: Final = 30.0
"""Seconds for any one step, on a slow machine."""
GRACE: Final = 5.0


class DemoFailedError(KitWorkerError):
    """Something did not come out as it should; the text says what."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an event ended, as the worker's log has it.

    Attributes:
        kind: `applied`, `ignored` or `dead_lettered`.
    """

    kind: str
    reason: str = ""
    detail: str = ""


class WorkerLog:
    """What the worker process says, line by line."""

    def __init__(self) -> None:
        self.last_lines: deque[str] = deque(maxlen=5)
        self._subscribed = False
        self._outcomes: dict[str, deque[Outcome]] = {}
        self._ended: int | None = None
        self._news = asyncio.Condition()

    async def read(self, process: Process) -> None:
        """Read until the process ends."""
        if process.stderr is None:
            raise AssertionError("the process was started with a pipe")
        while line := await process.stderr.readline():
            text = line.decode("utf-8", "replace").rstrip()
            self.last_lines.append(text)
            with suppress(ValueError):
                await self._note(json.loads(text))
        code = await process.wait()
        async with self._news:
            self._ended = code
            self._news.notify_all()

    async def _note(self, record: dict[str, Any]) -> None:
        event = str(record.get("event", ""))
        async with self._news:
            self._subscribed = self._subscribed or event == "subscribed"
            if event in {"event_applied", "event_ignored", "event_dead_lettered"}:
                outcome = Outcome(
                    event.removeprefix("event_"), str(record.get("reason", "")), str(record.get("detail", ""))
                )
                self._outcomes.setdefault(str(record.get("event_id")), deque()).append(outcome)
            self._news.notify_all()

    async def subscribed(self) -> None:
        """Wait until the worker consumes its queue; raises as `outcome` does."""
        await self._until(lambda: self._subscribed, "the worker did not subscribe to its queue")

    async def outcome(self, event_id: str) -> Outcome:
        """Wait until the worker is done with an event.

        Raises:
            DemoFailedError: It is not in time, or the worker ended.
        """
        await self._until(
            lambda: bool(self._outcomes.get(event_id)), f"nothing became of the event {event_id}"
        )
        return self._outcomes[event_id].popleft()

    async def ended(self) -> int:
        """Wait until the process has ended, and return its exit code."""
        async with self._news:
            await self._news.wait_for(lambda: self._ended is not None)
        return self._ended or 0

    async def _until(self, holds: Callable[[], bool], otherwise: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE), self._news:
                await self._news.wait_for(lambda: holds() or self._ended is not None)
        except TimeoutError:
            raise DemoFailedError(self._failure(f"{otherwise} within {PATIENCE:.0f} s")) from None
        if not holds():
            raise DemoFailedError(self._failure(f"the worker ended by itself (exit code {self._ended})"))

    def _failure(self, text: str) -> str:
        return "; its log ends with:\n".join(
            [text, *(["\n".join(self.last_lines)] if self.last_lines else [])]
        )


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything in place.

    Attributes:
        account: The account's name, which also names its queues.
        exchange: The events' exchange.
        config_dir: Where the account's file lies.
        health_url: Where the worker's health and metrics are.
        connection: To publish on.
    """

    account: str
    exchange: str
    config_dir: Path
    health_url: str
    sandbox: Sandbox
    log: WorkerLog
    connection: Connection


@asynccontextmanager
async def stage(amqp_url: str) -> AsyncIterator[Stage]:
    """Set everything up, with names that disturb nobody on a shared broker, and clean it away afterwards.

    Raises:
        BrokerUnavailable: There is no broker.
        DemoFailedError: The worker does not start.
    """
    suffix = secrets.token_hex(3)
    account, exchange = f"demo-{suffix}", f"demo.events.{suffix}"
    sandbox = Sandbox(keys={API_KEY: KIT_ACCOUNT}, latency=LATENCY)
    async with connected(amqp_url, "demo") as connection:
        with TemporaryDirectory(prefix="kit-worker-demo-") as folder:
            config_dir = Path(folder)
            _write_account(config_dir, account)
            try:
                async with sandbox.running():
                    environ = _environment(amqp_url, exchange, config_dir, sandbox.url)
                    async with _worker(environ, config_dir) as log:
                        await log.subscribed()
                        health_url = f"http://127.0.0.1:{environ['HTTP_PORT']}"
                        yield Stage(account, exchange, config_dir, health_url, sandbox, log, connection)
            finally:
                await _clean_away(amqp_url, account, exchange)


def _write_account(config_dir: Path, account: str) -> None:
    folder = config_dir / "accounts"
    folder.mkdir()
    (folder / f"{account}.yaml").write_text(account_file(), encoding="utf-8")


def ledger_url(folder: Path) -> str:
    """Return the setting for a ledger of the demo's own, which goes with its folder."""
    return f"sqlite+aiosqlite:///{folder / 'ledger.db'}"


def _environment(amqp_url: str, exchange: str, config_dir: Path, kit_url: str) -> dict[str, str]:
    """Return the worker's environment; nothing of the shell's own settings gets in."""
    ours = {name: value for name in ("PATH", "HOME", "LANG") if (value := os.environ.get(name))}
    return {
        **ours,
        "AMQP_URL": amqp_url,
        "EVENTS_EXCHANGE": exchange,
        "CONFIG_DIR": str(config_dir),
        "LEDGER_URL": ledger_url(config_dir),
        "KIT_BASE_URL": kit_url,
        "KIT_API_KEY": API_KEY,
        "HTTP_PORT": str(_free_port()),
        "LOG_FORMAT": "json",
        "SHUTDOWN_GRACE": str(GRACE),
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@asynccontextmanager
async def _worker(environ: dict[str, str], folder: Path) -> AsyncIterator[WorkerLog]:
    """Run `kit-worker run`, and stop it as an operator would."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "worker", "run",
        env=environ,
        cwd=folder,  # away from any .env
        stderr=PIPE,
        limit=1024 * 1024,
        start_new_session=True,  # Ctrl-C is for us, who then stop it in good order
    )  # fmt: skip
    log = WorkerLog()
    reading = asyncio.create_task(log.read(process))
    try:
        yield log
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(GRACE + 5):
                await asyncio.shield(reading)
        except TimeoutError:
            process.kill()
            await reading


async def _clean_away(amqp_url: str, account: str, exchange: str) -> None:
    async with connected(amqp_url, "demo") as connection:
        for queue in (work_queue(account), dead_letter_queue(account)):
            await delete_queue(connection, queue)
        await delete_exchange(connection, exchange)
