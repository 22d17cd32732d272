"""Real worker processes, and ways to publish to them and to wait for the end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import aio_pika
import aiohttp
from aio_pika.abc import AbstractChannel
from aiormq import spec

KEY = "kit_0123456789abcdefTESTKEY"
MANY = "options: {max_new_taggings_per_hour: 1000000}\n"
"""Of an account's file: what a test publishes, it publishes at once, and is to be applied."""

GOOD = {"id": "good", "type": "user.signed_up", "data": {"user": {"email": "ada@example.com"}}}
BAD = {"id": "bad", "type": "user.signed_up", "data": {"user": {"email": "ada at example.com"}}}


@dataclass
class World:
    """What the processes of one test share."""

    amqp_url: str
    exchange: str
    account: str
    config: Path
    kit_url: str
    environ: dict[str, str] = field(default_factory=dict)
    key: str = KEY

    def write_account(self, text: str = "", *, known_by: str = "api_key_env") -> None:
        """Save the account's file; by default everything is as it ships, with an API key."""
        accounts = self.config / "accounts"
        accounts.mkdir(parents=True, exist_ok=True)
        path = accounts / f"{self.account}.yaml"
        more = "" if "options:" in text else f"\n{MANY}"
        path.write_text(f"kit: {{{known_by}: KIT_API_KEY}}\n{text}{more}", encoding="utf-8")

    def environment(self) -> dict[str, str]:
        """Return the environment of a worker."""
        return {
            "PATH": os.environ["PATH"],
            "AMQP_URL": self.amqp_url,
            "EVENTS_EXCHANGE": self.exchange,
            "CONFIG_DIR": str(self.config),
            "KIT_BASE_URL": self.kit_url,
            "KIT_API_KEY": self.key,
            "KIT_RATE_LIMIT": "1000000",
            "HTTP_PORT": "0",
            "LOG_FORMAT": "json",
            **self.environ,
        }


class Worker:
    """A `kit-worker run` process."""

    def __init__(self, world: World, log: Path, **environ: str) -> None:
        self._world = world
        self._log = log
        self.environ = environ
        self._process: asyncio.subprocess.Process | None = None
        self._read = 0
        self._lines: list[dict[str, Any]] = []

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            if self._process is not None and self._process.returncode is None:
                await self.stop(signal.SIGKILL)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.process.returncode is None:
            await self.stop(signal.SIGKILL)

    @property
    def process(self) -> asyncio.subprocess.Process:
        """The process; it must have been started."""
        assert self._process is not None
        return self._process

    async def start(self) -> None:
        """Start it, and return once it is subscribed to the world's account, or says why it is not."""
        seen = len(self.log_lines())
        await self.launch()
        begun = {"subscribed", "credential_refused", "hold_started", "session_failed"}

        def has_begun() -> bool:
            return any(
                line["event"] in begun and line["account"] == self._world.account
                for line in self.log_lines()[seen:]
            )

        await until(lambda: has_begun() or self.process.returncode is not None)
        assert self.process.returncode is None, self.log_text()

    async def launch(self) -> None:
        """Start it, without waiting for anything."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "worker",
                "run",
                env={**self._world.environment(), **self.environ},
                cwd=self._log.parent,
                stdout=log,
                stderr=log,
            )

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return await self.process.wait()

    def log_text(self) -> str:
        """Everything it has written."""
        return self._log.read_text(encoding="utf-8") if self._log.exists() else ""

    def log_lines(self) -> list[dict[str, Any]]:
        """Its log records so far; what was read before is not read again."""
        if self._log.exists():
            with self._log.open("rb") as log:
                log.seek(self._read)
                whole, newline, _ = log.read().rpartition(b"\n")
            self._read += len(whole) + len(newline)
            self._lines += [json.loads(line) for line in whole.splitlines() if line.startswith(b"{")]
        return self._lines

    def events_logged(self, after: int = 0) -> list[str]:
        """The event names it has logged since."""
        return [line["event"] for line in self.log_lines()[after:]]


async def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until something outside this process has come true; fail after so many seconds."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError("it did not happen in time")
        await asyncio.sleep(0.05)


async def publish(
    channel: AbstractChannel, exchange: str, events: Iterable[Mapping[str, Any]], *, app: str = ""
) -> None:
    """Publish events as the platform does, of an app perhaps; return when each of them is in a queue."""
    target = await channel.get_exchange(exchange)
    messages = [
        (
            aio_pika.Message(json.dumps(event).encode(), delivery_mode=2, content_type="application/json"),
            event,
        )
        for event in events
    ]
    for at in range(0, len(messages), 100):
        batch = messages[at : at + 100]
        keys = (f"{event['type']}.{app}" if app else event["type"] for _, event in batch)
        sent = (target.publish(message, key) for (message, _), key in zip(batch, keys, strict=True))
        answers = await asyncio.gather(*sent)
        assert all(isinstance(answer, spec.Basic.Ack) for answer in answers), "some went to no queue"


async def depth(amqp_url: str, queue: str) -> int:
    """Return how many messages wait in a queue."""
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        declared = await channel.declare_queue(queue, passive=True)
        return declared.declaration_result.message_count or 0


async def handed_back(amqp_url: str, queue: str, count: int, seconds: float = 10.0) -> None:
    """Wait until so many messages wait in a queue; to put back what a channel held takes a moment."""
    async with asyncio.timeout(seconds):
        while await depth(amqp_url, queue) != count:
            await asyncio.sleep(0.1)


async def all_settled(worker: Worker, count: int, seconds: float = 60.0) -> None:
    """Wait until so many events are settled by a log, whichever processes wrote it."""
    ends = ("applied", "scheduled", "superseded", "duplicate", "ignored", "dead_lettered")
    names = {f"event_{end}" for end in ends}

    def settled() -> bool:
        return len({line["event_id"] for line in worker.log_lines() if line["event"] in names}) >= count

    await until(settled, seconds)


async def readyz(port: int) -> tuple[int, dict[str, Any]]:
    """Return `/readyz`: its status and its JSON."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/readyz") as response,
    ):
        return response.status, await response.json()
