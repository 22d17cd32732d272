"""The page without RabbitMQ, so that nothing that is done to dead letters ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.ops.letters.standing_queues import queues
from tests.unit.page.serve import TOKEN, Client, served
from worker.page.views import dead_letter_actions

__all__ = ["queues"]


@pytest.fixture
async def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    monkeypatch.setattr(dead_letter_actions, "WAITED", 0.0)
    async with served(tmp_path) as client:
        await client.sign_in(TOKEN)
        yield client
