from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.ops.trying.bench import KEY, Bench
from worker.sandbox import Sandbox


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Sandbox(keys={KEY: "Sunny Kitchen"}, limit=False).running() as sandbox:
        bench = Bench(tmp_path, sandbox)
        async with bench.ledger:
            yield bench
