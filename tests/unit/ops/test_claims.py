"""Who has which app and which credential, kept in the ledger."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from worker.accounts.reading import AccountFiles
from worker.errors import LedgerUnavailable
from worker.ledger.registry import Registry
from worker.ops.claims import Claims


class FakeRegistry:
    """A ledger that is away for as many calls as it is told."""

    def __init__(self, away_for: int = 0) -> None:
        self.away_for = away_for
        self.held: dict[str, str] = {"mark": "old"}
        self.writes = 0
        self.written = asyncio.Event()

    def _answer(self) -> None:
        self.away_for -= 1
        if self.away_for >= 0:
            raise LedgerUnavailable("the ledger is away")

    async def claims(self) -> dict[str, str]:
        self._answer()
        return self.held

    async def keep_claims(self, held: dict[str, str]) -> None:
        self._answer()
        self.writes += 1
        self.held = dict(held)
        self.written.set()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.ops.claims.POLL", 0.0)


def claims(registry: FakeRegistry, held: dict[str, str]) -> tuple[Claims, Any]:
    files = SimpleNamespace(held=held)
    return Claims(cast("AccountFiles", files), cast("Registry", registry)), files


async def test_who_had_what_is_waited_for_until_the_ledger_answers() -> None:
    kept, _ = claims(FakeRegistry(away_for=3), {})

    assert await kept.recall() == {"mark": "old"}


async def test_what_changed_is_written_once_also_where_the_ledger_was_away() -> None:
    registry = FakeRegistry(away_for=2)
    kept, files = claims(registry, {"mark": "new"})
    keeping = asyncio.create_task(kept.keep())
    await registry.written.wait()
    assert registry.held == {"mark": "new"}

    registry.written.clear()
    files.held = {"mark": "newer"}
    await registry.written.wait()
    for _ in range(5):
        await asyncio.sleep(0)

    keeping.cancel()
    assert (registry.held, registry.writes) == ({"mark": "newer"}, 2)
