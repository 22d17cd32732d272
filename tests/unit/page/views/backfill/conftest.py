"""The page with an account that has nobody yet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.page.serve import TOKEN, Client, served
from tests.unit.page.views.test_people_look import FILE
from worker.page import backfilling, behind


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy this machine is, a small file's plan is made, and handed over, at once."""
    for module in (backfilling, behind):
        monkeypatch.setattr(module, "WITHIN", 30.0)
    monkeypatch.setattr(backfilling, "EVERY", 0.05)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with served(tmp_path, texts={"sunny": FILE}) as client:
        await client.sign_in(TOKEN)
        yield client
