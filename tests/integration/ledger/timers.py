"""Which timers a ledger has, and which of them it hands out."""

from __future__ import annotations

from tests.integration.ledger.harness import ACCOUNT, contents
from worker.ledger.store import Ledger
from worker.ledger.timers import Timers


async def ids(ledger: Ledger) -> list[str]:
    """Return the timers that are there."""
    return [row[1] for row in (await contents(ledger))["due"]]


async def claimed(ledger: Ledger, *, lost: bool = False) -> list[str]:
    """Claim what has run out, and return its ids."""
    return [each.id for each in await Timers(ledger).claim(ACCOUNT, lost=lost)]
