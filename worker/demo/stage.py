"""What the demo plays on: a sandbox, a worker in a process of its own, and names nobody else has."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from aiohttp import ClientError, ClientSession

from worker.broker.connection import Connection
from worker.broker.queues import connected, delete_exchange, delete_queue
from worker.broker.topology import dead_letter_queue, work_queue
from worker.demo.process import GRACE, WorkerProcess, worker_process
from worker.demo.story import YOUR_FILE, account_file
from worker.ledger.database import Database
from worker.ledger.sealing import new_key
from worker.sandbox import Sandbox

API_KEY: Final = "demo-key"  # opens only the sandbox
KIT_ACCOUNT: Final = "Sunny Kitchen"
YOUR_KEY: Final = "your-demo-key"  # likewise
YOUR_APP: Final = "yours"
LATENCY: Final = 0.05


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything in place.

    Attributes:
        account: The account's name, which also names its queues.
        exchange: The events' exchange.
        config_dir: Where the account's file lies.
        health_url: Where the worker's health and metrics are.
        page_url: Where the page is, once it is served.
        yours: An account whose key is to be entered on the page; it has a file once that is served.
        environ: Of the worker, and of the page.
        ledger: The worker's ledger, to look up what each event did.
        connection: To the broker, to publish and to look at dead letters.
    """

    account: str
    exchange: str
    config_dir: Path
    health_url: str
    page_url: str
    yours: str
    environ: Mapping[str, str]
    sandbox: Sandbox
    worker: WorkerProcess
    ledger: Database
    connection: Connection


@asynccontextmanager
async def stage(amqp_url: str) -> AsyncIterator[Stage]:
    """Set everything up, with names that disturb nobody on a shared broker, and clean it away afterwards.

    Raises:
        BrokerUnavailable: There is no broker.
        DemoFailedError: The worker does not start.
    """
    suffix = secrets.token_hex(3)
    account, yours, exchange = f"demo-{suffix}", f"yours-{suffix}", f"demo.events.{suffix}"
    sandbox = Sandbox(keys={API_KEY: KIT_ACCOUNT, YOUR_KEY: "Your Kitchen"}, latency=LATENCY)
    async with connected(amqp_url, "demo") as connection:
        with TemporaryDirectory(prefix="kit-worker-demo-") as folder:
            config_dir = Path(folder)
            _write_account(config_dir, account, account_file())
            try:
                async with sandbox.running():
                    environ = _environment(amqp_url, exchange, config_dir, sandbox.url)
                    health_url, page_url = (
                        f"http://127.0.0.1:{environ[name]}" for name in ("HTTP_PORT", "PAGE_PORT")
                    )
                    async with worker_process(environ, config_dir) as worker, _ledger(config_dir) as ledger:
                        await _subscribed(worker, health_url)
                        yield Stage(
                            account=account,
                            exchange=exchange,
                            config_dir=config_dir,
                            health_url=health_url,
                            page_url=page_url,
                            yours=yours,
                            environ=environ,
                            sandbox=sandbox,
                            worker=worker,
                            ledger=ledger,
                            connection=connection,
                        )
            finally:
                await _clean_away(amqp_url, (account, yours), exchange)


def _write_account(config_dir: Path, account: str, text: str) -> None:
    folder = config_dir / "accounts"
    folder.mkdir(exist_ok=True)
    (folder / f"{account}.yaml").write_text(text, encoding="utf-8")


def ledger_url(folder: Path) -> str:
    """Return the setting for a ledger of the demo's own, which goes with its folder."""
    return f"sqlite+aiosqlite:///{folder / 'ledger.db'}"


@asynccontextmanager
async def _ledger(folder: Path) -> AsyncIterator[Database]:
    ledger = Database(ledger_url(folder))
    try:
        yield ledger
    finally:
        await ledger.close()


async def _subscribed(worker: WorkerProcess, health_url: str) -> None:
    """Wait until the worker is ready, which it is once it consumes the account's queue.

    Raises:
        DemoFailedError: It is not in time.
    """
    await _answering(worker, f"{health_url}/readyz", "the worker did not subscribe to its queue")


@asynccontextmanager
async def page_of(on: Stage) -> AsyncIterator[None]:
    """Serve the page beside the worker, with an account more, whose key is to be entered there.

    Raises:
        DemoFailedError: It does not start.
    """
    _write_account(on.config_dir, on.yours, YOUR_FILE.format(app=YOUR_APP))
    async with worker_process(on.environ, on.config_dir, "page") as page:
        await _answering(page, on.page_url, "the page was not served")
        yield


async def _answering(process: WorkerProcess, address: str, otherwise: str) -> None:
    async with ClientSession() as session:

        async def answers() -> bool | None:
            try:
                async with session.get(address) as answer:
                    return answer.ok or None
            except ClientError:
                return None  # it does not listen yet

        await process.until(answers, otherwise)


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
        "LEDGER_KEY": new_key(),
        "HTTP_PORT": str(_free_port()),
        "PAGE_PORT": str(_free_port()),
        "LOG_FORMAT": "json",
        "SHUTDOWN_GRACE": str(GRACE),
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


async def _clean_away(amqp_url: str, accounts: tuple[str, ...], exchange: str) -> None:
    async with connected(amqp_url, "demo") as connection:
        for account in accounts:
            await delete_queue(connection, work_queue(account))
            await delete_queue(connection, dead_letter_queue(account))
        await delete_exchange(connection, exchange)
