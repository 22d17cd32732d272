from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from worker.clock import Clock
from worker.ledger.database import Database
from worker.ledger.store import Ledger


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}")
    async with Ledger(database, worker="w-1", clock=Clock()) as ledger:
        await ledger.ready()
        yield ledger
