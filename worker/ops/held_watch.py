"""Looks every 15 s how many new taggings are held in each account, for the metric and `/readyz`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Final

from worker.errors import LedgerUnavailable
from worker.ledger.held import held_counts
from worker.ledger.store import Ledger
from worker.metrics import Metrics

EVERY: Final = 15.0


class HeldWatch:
    """Looks at all accounts of one worker.

    Args:
        ledger: Which knows.
        metrics: That tell.
        accounts: Returns the names of the accounts as they are now.
    """

    def __init__(self, ledger: Ledger, metrics: Metrics, accounts: Callable[[], Collection[str]]) -> None:
        self._ledger = ledger
        self._metrics = metrics
        self._accounts = accounts
        self._known: dict[str, int] = {}

    def of(self, account: str) -> int:
        """Return how many the last look found."""
        return self._known.get(account, 0)

    async def run(self) -> None:
        """Look until cancelled; while the ledger is away, as presence says, what was found last is told."""
        while True:
            with suppress(LedgerUnavailable):
                self._tell(await held_counts(self._ledger))
            await asyncio.sleep(EVERY)

    def _tell(self, found: dict[str, int]) -> None:
        self._known = found
        self._metrics.taggings_held.clear()
        for name in self._accounts():
            self._metrics.taggings_held.labels(name).set(self.of(name))
