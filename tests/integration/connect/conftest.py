from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.connect.browser import OAUTH, RAINY, RAINY_KEY, SUNNY, write
from tests.integration.harness import KEY, World
from tests.integration.shell import Shell
from worker.clock import Clock
from worker.ledger.database import Database
from worker.ledger.sealing import new_key
from worker.ledger.store import Ledger
from worker.sandbox import Sandbox


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    box = Sandbox(keys={KEY: SUNNY, RAINY_KEY: RAINY}, limit=False)
    box.oauth.client("the-client", "the-secret")
    box.oauth.creator = SUNNY
    async with box.running() as running:
        yield running


@pytest.fixture
def world(amqp_url: str, events_exchange: str, account_name: str, tmp_path: Path, sandbox: Sandbox) -> World:
    world = World(amqp_url, events_exchange, account_name, tmp_path / "config", sandbox.url)
    world.environ |= {
        "KIT_CLIENT_ID": "the-client",
        "KIT_CLIENT_SECRET": "the-secret",
        "KIT_TIMEOUT": "3",
        "LEDGER_KEY": new_key(),
    }
    write(world, OAUTH)
    return world


@pytest.fixture
def kit_worker(world: World, tmp_path: Path) -> Shell:
    return Shell(world, tmp_path)


@pytest.fixture
async def ledger(tmp_path: Path) -> None:
    """A ledger, as the first worker makes it."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/data/ledger.db")
    async with Ledger(database, worker="test", clock=Clock()) as made:
        await made.ready()
