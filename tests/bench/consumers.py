"""The three consumers: their queue as they expect it, and how each is started."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.bench.model import EVERYTHING, FIELDS, Mapped
from tests.bench.processes import ROOT, Program, program
from tests.integration.harness import MANY
from worker.broker.topology import dead_letter_queue, work_queue, work_queue_arguments

PLAIN: Final = "plain"
STREAM: Final = "FastStream"
WORKER: Final = "kit-worker"
RIVALS: Final = {PLAIN: "tests.bench.plain", STREAM: "tests.bench.streamed"}
"""The program of each."""

UNBRAKED: Final = 1_000_000
"""A rate limit that never holds kit-worker back, as the stand-in has none."""
KITS_OWN: Final = 0
"""A rate limit that is Kit's own."""
FASTER: Final = Path(__file__).with_name("faster")
"""What a kit-worker imports first whose minute of Kit's limit is to be shorter than 60 s."""
SHUTDOWN_GRACE: Final = "5"
"""Seconds; what waits for Kit's limit when a run is over is handed back, and nobody looks at it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where all programs run.

    Attributes:
        exchange: The platform's.
        folder: Where programs run and logs go.
        postgres_url: Of an empty database; None: ledgers are SQLite files.
    """

    amqp_url: str
    kit_url: str
    exchange: str
    folder: Path
    postgres_url: str | None = None


@dataclass(frozen=True, slots=True)
class Consumer:
    """One consumer of one fresh queue for one fresh Kit account.

    Attributes:
        name: `PLAIN`, `STREAM` or `WORKER`.
        queues: What to delete in the end; the first one is the queue that it consumes.
        arguments: Of its queue.
        key: The API key or access token of its Kit account.
        mapped: What it sends to Kit.
    """

    name: str
    queues: tuple[str, ...]
    arguments: Mapping[str, Any]
    key: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    mapped: Mapped = EVERYTHING

    @property
    def queue(self) -> str:
        """The queue that it consumes."""
        return self.queues[0]

    def running(self) -> AbstractAsyncContextManager[Program]:
        """Start it, and stop it when the block ends."""
        return program(self.argv, self.environment, folder=self.folder, name=self.name)


@dataclass(frozen=True, slots=True)
class Crew:
    """Accounts of kit-worker that any number of workers share, and their ledger.

    Attributes:
        keys: By account, its API key or access token.
    """

    keys: Mapping[str, str]
    environment: Mapping[str, str]
    folder: Path

    @property
    def queues(self) -> tuple[str, ...]:
        """All queues that they declare."""
        return tuple(
            name for account in self.keys for name in (work_queue(account), dead_letter_queue(account))
        )

    def worker(self, name: str) -> AbstractAsyncContextManager[Program]:
        """Start a worker, and stop it when the block ends; its name is in the User-Agent of its calls."""
        argv = (_command(), "run")
        return program(argv, {**self.environment, "WORKER_ID": name}, folder=self.folder, name=name)


def rival(name: str, place: Place, *, oauth: bool = False) -> Consumer:
    """Return a plain or a FastStream consumer of a quorum queue, as kit-worker's is."""
    queue, key = f"bench.rival.{secrets.token_hex(4)}", new_key()
    environment = {
        "AMQP_URL": place.amqp_url,
        "QUEUE": queue,
        "KIT_BASE_URL": place.kit_url,
        "KIT_TOKEN" if oauth else "KIT_API_KEY": key,
    }
    argv = (sys.executable, "-m", RIVALS[name])
    return Consumer(name, (queue,), {"x-queue-type": "quorum"}, key, argv, environment, place.folder)


def kit_worker(
    place: Place,
    *,
    rate_limit: int = UNBRAKED,
    bulk: bool = False,
    mapped: Mapped = EVERYTHING,
    faster: int = 1,
) -> Consumer:
    """Return `kit-worker run` with one account whose file leaves everything at its default, or maps less.

    Args:
        place: Where.
        rate_limit: `KITS_OWN`, or calls in 60 s.
        bulk: Whether the account is known by an access token, and so written by bulk calls.
        mapped: What goes to Kit.
        faster: So many times shorter than 60 s is the time in which the limit's calls are allowed.
    """
    name = f"bench-{secrets.token_hex(4)}"
    members = _crew(place, [name], rate_limit=rate_limit, bulk=int(bulk), mapped=mapped)
    queues = (work_queue(name), dead_letter_queue(name))
    arguments = work_queue_arguments(name)
    argv = (_command(), "run")
    scaled = {"FASTER": str(faster), "PYTHONPATH": f"{FASTER}{os.pathsep}{ROOT}"} if faster > 1 else {}
    environment = {**members.environment, **scaled}
    return Consumer(WORKER, queues, arguments, members.keys[name], argv, environment, place.folder, mapped)


def crew(
    place: Place, count: int, *, rate_limit: int = KITS_OWN, bulk: int = 0, shared: bool = False
) -> Crew:
    """Return so many accounts, each with an app of its own name.

    Args:
        place: Where.
        count: How many.
        rate_limit: As for `kit_worker`.
        bulk: So many of them, the first ones, are known by access tokens.
        shared: Whether several workers will share the ledger: in PostgreSQL then, if there is one.
    """
    mark = secrets.token_hex(3)
    names = [f"bench-{mark}-{number:04}" for number in range(count)]
    made = _crew(place, names, rate_limit=rate_limit, bulk=bulk, apps=True)
    if shared and place.postgres_url:
        return Crew(made.keys, {**made.environment, "LEDGER_URL": place.postgres_url}, made.folder)
    return made


def _crew(  # what an account is, all named
    place: Place,
    names: list[str],
    *,
    rate_limit: int,
    bulk: int,
    apps: bool = False,
    mapped: Mapped = EVERYTHING,
) -> Crew:
    config = place.folder / names[0]
    (config / "accounts").mkdir(parents=True)
    keys = {name: new_key() for name in names}
    variables = {name: f"KIT_{name.upper().replace('-', '_')}" for name in names}
    for number, name in enumerate(names):
        known_by = "access_token_env" if number < bulk else "api_key_env"
        lines = [f"kit: {{{known_by}: {variables[name]}}}", *_fields(mapped), MANY]
        text = "\n".join([*lines, f"app: {name}"] if apps else lines)
        (config / "accounts" / f"{name}.yaml").write_text(f"{text}\n")
    environment = {
        "AMQP_URL": place.amqp_url,
        "EVENTS_EXCHANGE": place.exchange,
        "KIT_BASE_URL": place.kit_url,
        "KIT_RATE_LIMIT": str(rate_limit),
        "CONFIG_DIR": str(config),
        "LEDGER_URL": f"sqlite+aiosqlite:///{config}/ledger.db",
        "SHUTDOWN_GRACE": SHUTDOWN_GRACE,
        "HTTP_PORT": "0",
        "WORKER_ID": "bench",
        **{variables[name]: key for name, key in keys.items()},
    }
    return Crew(keys, environment, place.folder)


def _fields(mapped: Mapped) -> list[str]:
    unmapped = [name for name in FIELDS if name not in mapped.fields]
    if not mapped.first_name:
        unmapped.append("mk_first_name")
    return ["fields:", *(f"  {name}: null" for name in unmapped)] if unmapped else []


def _command() -> str:
    return os.fspath(Path(sys.executable).with_name("kit-worker"))


def new_key() -> str:
    """Return a made-up API key, or access token."""
    return f"kit_{secrets.token_hex(16)}"
