"""Who has which app and which credential, kept in the ledger, so that they keep it over restarts."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

import structlog

from worker.accounts.claims import Held
from worker.accounts.reading import AccountFiles
from worker.errors import LedgerUnavailable
from worker.ledger.registry import Registry

log = structlog.get_logger()

POLL: Final = 2.0


class Claims:
    """What the accounts have, in the ledger.

    Args:
        files: Tell who has what.
        registry: Where it is kept.
    """

    def __init__(self, files: AccountFiles, registry: Registry) -> None:
        self._files = files
        self._registry = registry
        self._kept: Held = {}

    async def recall(self) -> Held:
        """Return who had what, once the ledger answers; without it no account can work anyhow."""
        is_told = False
        while True:
            try:
                return await self._registry.claims()
            except LedgerUnavailable as error:
                if not is_told:
                    log.warning("claims_unknown", problem=str(error))
                is_told = True
            await asyncio.sleep(POLL)

    async def keep(self) -> None:
        """Write down who has what whenever that changes, until cancelled."""
        while True:
            if (held := self._files.held) != self._kept:
                # While the ledger is away, the accounts hold and `presence_lost` says so.
                with suppress(LedgerUnavailable):
                    await self._registry.keep_claims(held)
                    self._kept = held
            await asyncio.sleep(POLL)
