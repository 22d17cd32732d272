"""Runs an account in this process, with times shortened."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.integration.session.in_process import Running, account_called, eventually, ledger_at
from worker.broker.broker import Broker
from worker.broker.few_channels import FewChannels
from worker.broker.reconnecting import MAX_SILENCE, PING_EVERY
from worker.broker.topology import Topology
from worker.clock import Clock
from worker.consumer.shared import Shared
from worker.consumer.supervisor import Supervisor
from worker.kit.access import KitAccess
from worker.ledger.bindings import Bindings
from worker.ledger.database import Database
from worker.ledger.registry import Registry
from worker.ledger.store import Ledger
from worker.metrics import Metrics
from worker.retry import PATIENCE, Patience
from worker.sandbox import Sandbox
from worker.settings import Settings


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A Kit without limits."""
    async with Sandbox(limit=False, latency=0.01).running() as sandbox:
        yield sandbox


@pytest.fixture
def running(events_exchange: str, account_name: str, sandbox: Sandbox, tmp_path: Path) -> Running:
    """Run the account in this process, over a broker URL, until the context ends."""

    @asynccontextmanager
    async def run(
        url: str,
        *,
        limit: int = 10**6,
        prefetch: int = 500,
        ping_every: float = PING_EVERY,
        max_silence: float = MAX_SILENCE,
        patience: Patience = PATIENCE,
    ) -> AsyncIterator[Supervisor]:
        broker = Broker(url, "here", Clock(), ping_every=ping_every, max_silence=max_silence)
        topology = Topology(FewChannels(broker.asking), events_exchange)
        ledger = Ledger(Database(ledger_at(tmp_path)), worker="here", clock=Clock())
        settings = Settings(kit_base_url=sandbox.url, kit_rate_limit=limit, kit_timeout=5.0)
        shared = Shared(
            broker=broker,
            topology=topology,
            ledger=ledger,
            registry=Registry(ledger, "here"),
            metrics=Metrics(),
            kit=KitAccess(settings, ledger),
            clock=Clock(),
            worker_id="here",
            bindings=Bindings(ledger),
            known_ttl=0.0,
            patience=patience,
        )
        worker = Supervisor(account_called(account_name), shared, prefetch, grace=lambda: 5.0)
        connected = asyncio.create_task(broker.run())
        working = asyncio.create_task(worker.run())
        await eventually(lambda: worker.status.state in {"running", "waiting"})
        yield worker
        worker.stop()
        await working
        connected.cancel()
        await asyncio.gather(connected, return_exceptions=True)
        await ledger.database.close()

    return run
