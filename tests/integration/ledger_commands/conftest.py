from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.harness import World
from tests.integration.ledger_commands.events import MAPPING
from worker.sandbox import Sandbox


@pytest.fixture
def world(amqp_url: str, events_exchange: str, account_name: str, tmp_path: Path, sandbox: Sandbox) -> World:
    world = World(amqp_url, events_exchange, account_name, tmp_path / "config", sandbox.url)
    world.write_account(MAPPING)
    return world
