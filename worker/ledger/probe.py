"""Whether the ledger can be written: one look answers all who ask meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from worker.errors import LedgerUnavailable


class Probe:
    """Looks once for many.

    Every account asks before it begins, and all begin together. A look writes one row, which is the same for
    all: a thousand looks would wait for each other's transactions, each with one of the few connections.

    Args:
        look: Writes a row; raises `LedgerUnavailable` where it cannot.
    """

    def __init__(self, look: Callable[[], Awaitable[None]]) -> None:
        self._look = look
        self._looking = asyncio.Lock()
        self._begun = 0
        self._answered = 0
        self._problem = ""

    async def ready(self) -> None:
        """Return if a row was written by a look that began after this was asked.

        Raises:
            LedgerUnavailable: It was not.
        """
        asked = self._begun
        async with self._looking:
            if self._answered <= asked:
                await self._ask()
            if self._problem:
                raise LedgerUnavailable(self._problem)

    async def _ask(self) -> None:
        self._begun += 1
        try:
            await self._look()
        except LedgerUnavailable as error:
            self._problem = str(error)
        else:
            self._problem = ""
        self._answered = self._begun
