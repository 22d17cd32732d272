"""The page with two accounts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.page.attacked import attacked
from tests.unit.page.serve import Client


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with attacked(tmp_path) as client:
        yield client
