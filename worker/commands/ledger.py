"""How commands reach the ledger: the workers' own, which they never make."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from worker.clock import Clock
from worker.commands.exits import UsageError
from worker.ledger.database import Database
from worker.ledger.store import Ledger
from worker.settings import Settings


@asynccontextmanager
async def opened_ledger(settings: Settings) -> AsyncIterator[Ledger]:
    """Hold the ledger that the settings name.

    Raises:
        UsageError: There is none. A command that made one would only hide that it is the wrong place.
        LedgerUnavailable: It could not be used.
    """
    database = Database(settings.ledger_url.get_secret_value())
    if not await database.version():
        raise UsageError(
            f"there is no ledger at {database.name}: set LEDGER_URL as the workers have it (a relative path "
            "of a file begins in the folder where the worker was started); the first worker makes one"
        )
    async with Ledger(database, worker="kit-worker", clock=Clock()) as ledger:
        yield ledger
