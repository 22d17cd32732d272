"""The page over a large ledger: each view finds what it shows by an index; on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from tests.integration.ledger.conftest import new_database
from tests.unit.page.filled import filled, looks, times

LINES = 100_000
IN_TIME = 100.0
"""Milliseconds; `make bench ARGS='--rows views'` measures the same over a million lines."""


async def too_slow(folder: Path, ledger_url: str = "") -> dict[str, float]:
    """Return the views that never answered in time, with their best time."""
    async with filled(folder, LINES, ledger_url=ledger_url) as client:
        best = {path: min(await times(look, 6)) for path, look in (await looks(client)).items()}
    return {path: taken for path, taken in best.items() if taken >= IN_TIME}


async def test_each_view_answers_in_time_over_sqlite(tmp_path: Path) -> None:
    """Given 1,000 accounts on three workers, with a day's counts, no view takes 100 ms."""
    assert await too_slow(tmp_path) == {}


@pytest.mark.timeout(180)
async def test_each_view_answers_in_time_over_postgresql(tmp_path: Path, postgres_url: URL) -> None:
    async with new_database(postgres_url) as url:
        assert await too_slow(tmp_path, url) == {}
