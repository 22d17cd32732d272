"""What the ledger of a page's tests knows of people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.unit.examples import EMAIL, change
from worker.clock import Clock
from worker.events.event import FIRST
from worker.ledger.database import Database
from worker.ledger.store import Ledger
from worker.subscribers.known import Batch, HistoryEntry, Person
from worker.subscribers.learning import finish
from worker.subscribers.record import Record

USER = "u-ada"


def ada(*tags: str, number: int = 1, at: float = 1.0, **fields: str | None) -> Record:
    """What is known of Ada, to whom event `number` gave these tags and fields."""
    record = Record(EMAIL, 7, users={USER: FIRST})
    asked = change(number, add=tags, fields=fields)
    record.note(asked, at, {})
    finish(record, asked)
    return record


async def know(
    folder: Path, *records: Record, account: str = "sunny", entries: Sequence[HistoryEntry] = ()
) -> None:
    """Have the ledger of the page in a folder know these people, and what became of their events."""
    people = [Person(user, each.email) for each in records for user in each.users]
    database = Database(f"sqlite+aiosqlite:///{folder / 'ledger.db'}")
    async with Ledger(database, worker="w-1", clock=Clock()) as ledger:
        tenure = await ledger.take(account, apps=(account,))
        await ledger.save(tenure, Batch(list(records), people, list(entries)))
