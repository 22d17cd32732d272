"""A plan of `apply` on a page without workers: what is due, and its ends as workers would write them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy import select

from worker.clock import Clock
from worker.ledger.database import Database
from worker.ledger.schema import due
from worker.ledger.store import Ledger
from worker.subscribers.known import Batch, HistoryEntry


def opened(folder: Path) -> Ledger:
    """Return the ledger of the page in a folder, as a worker has it."""
    return Ledger(Database(f"sqlite+aiosqlite:///{folder / 'ledger.db'}"), worker="one", clock=Clock())


async def workers_do_it(folder: Path, outcome: str = "applied", some: int = 1000) -> int:
    """Let what is due in `sunny` end, each having put on the tag VIP; return how many messages that was."""
    async with opened(folder) as ledger:
        async with ledger.database.read() as connection:
            rows = (await connection.execute(select(due).order_by(due.c.id).limit(some))).all()
        call = {"call": "POST", "what": "tag 'VIP'", "status": 201, "rules": [0]}
        now = ledger.clock.now()
        entries = [
            HistoryEntry(row.email, row.event_id, row.event_type, now, now.timestamp(), outcome, "", (call,))
            for row in rows
        ]
        batch = Batch(entries=entries, past=[row.id for row in rows])
        await ledger.save(await ledger.take("sunny"), batch)
    return len(rows)


async def until_due(folder: Path, count: int) -> None:
    """Wait until just so many timers are set."""
    async with asyncio.timeout(30), opened(folder) as ledger:
        while True:
            async with ledger.database.read() as connection:
                if len((await connection.execute(select(due.c.id))).all()) == count:
                    return
            await asyncio.sleep(0.02)
