"""What `status` shows where RabbitMQ cannot be asked."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.unit.commands.conftest import Command
from worker.clock import Clock
from worker.ledger.database import Database
from worker.ledger.store import Ledger


async def made(url: str) -> None:
    async with Ledger(Database(url), worker="w-1", clock=Clock()) as ledger:
        await ledger.ready()


def test_without_rabbitmq_all_but_the_archives_is_shown(
    kit_worker: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}"
    monkeypatch.setenv("LEDGER_URL", url)
    asyncio.run(made(url))

    text, as_json = kit_worker("status"), kit_worker("status", "--json")

    assert "sunny" in text.out
    assert "What is in the archives is not known: amqp://guest:***@127.0.0.1:1/: cannot be" in text.out
    assert "very-secret" not in text.out
    assert "archived" not in json.loads(as_json.out)
    assert (text.code, as_json.code) == (0, 0)
