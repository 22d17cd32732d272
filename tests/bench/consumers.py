"""The two consumers: their queue as they expect it, and how each is started."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.bench.processes import Program, program
from worker.topology import dead_letter_queue, work_queue, work_queue_arguments

PLAIN: Final = "plain"
WORKER: Final = "kit-worker"

UNBRAKED: Final = 1_000_000
"""A rate limit that never holds kit-worker back, as the stand-in has none."""
SHUTDOWN_GRACE: Final = "5"
"""Seconds; what waits for Kit's limit when a run is over is handed back, and nobody looks at it."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """One consumer of one fresh queue for one fresh Kit account.

    Attributes:
        name: `PLAIN` or `WORKER`.
        queues: What to delete in the end; the first one is the queue that it consumes.
        arguments: Of its queue.
        key: The API key of its Kit account.
    """

    name: str
    queues: tuple[str, ...]
    arguments: Mapping[str, Any]
    key: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]

    @property
    def queue(self) -> str:
        """The queue that it consumes."""
        return self.queues[0]

    def running(self, folder: Path) -> AbstractAsyncContextManager[Program]:
        """Start it, and stop it when the block ends."""
        return program(self.argv, self.environment, folder=folder, name=self.name)


def plain(amqp_url: str, kit_url: str) -> Consumer:
    """Return a plain consumer of a quorum queue, as kit-worker's is."""
    queue, key = f"bench.plain.{secrets.token_hex(4)}", _new_key()
    environment = {"AMQP_URL": amqp_url, "QUEUE": queue, "KIT_BASE_URL": kit_url, "KIT_API_KEY": key}
    argv = (sys.executable, "-m", "tests.bench.plain")
    return Consumer(PLAIN, (queue,), {"x-queue-type": "quorum"}, key, argv, environment)


def kit_worker(
    amqp_url: str, kit_url: str, exchange: str, folder: Path, *, rate_limit: int = UNBRAKED
) -> Consumer:
    """Return `kit-worker run` with one account whose file leaves everything at its default.

    The file goes into the folder. A rate limit of 0 is Kit's own.
    """
    account, key = f"bench-{secrets.token_hex(4)}", _new_key()
    config = folder / account
    (config / "accounts").mkdir(parents=True)
    (config / "accounts" / f"{account}.yaml").write_text("kit: {api_key_env: KIT_BENCH_KEY}\n")
    environment = {
        "AMQP_URL": amqp_url,
        "EVENTS_EXCHANGE": exchange,
        "KIT_BASE_URL": kit_url,
        "KIT_BENCH_KEY": key,
        "KIT_RATE_LIMIT": str(rate_limit),
        "CONFIG_DIR": str(config),
        "LEDGER_URL": f"sqlite+aiosqlite:///{config}/ledger.db",
        "SHUTDOWN_GRACE": SHUTDOWN_GRACE,
        "HTTP_PORT": str(_free_port()),
        "WORKER_ID": "bench",
    }
    queues = (work_queue(account), dead_letter_queue(account))
    command = os.fspath(Path(sys.executable).with_name("kit-worker"))
    return Consumer(WORKER, queues, work_queue_arguments(account), key, (command, "run"), environment)


def _new_key() -> str:
    return f"kit_{secrets.token_hex(16)}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
