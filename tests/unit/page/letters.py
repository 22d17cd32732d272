"""Dead letters in the index of a page that is served to tests; no RabbitMQ holds them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import structs

from worker.clock import Clock
from worker.ledger.database import Database
from worker.ledger.letter_index import IndexedLetter, LetterIndex
from worker.ledger.letters import LetterPlace
from worker.ledger.store import Ledger
from worker.subscribers.known import LetterEntry

GROUP = {"reason": "invalid_event", "place": "dead", "newest": "3", "count": "3"}
"""A group of dead letters, as a form names it."""

DETAIL = "data.user.email: missing"


def entry(number: int, reason: str = "invalid_event", **other: str) -> LetterEntry:
    """Return what the index says of a letter."""
    plain = LetterEntry(
        id=f"letter-{number}", reason=reason, detail=DETAIL, event_type="user.signed_up",
        event_id=f"e{number}", event_time="2026-07-01T10:00:00Z",
        failed_at=f"2026-07-01T10:00:{number % 60:02}Z", attempts=1,
    )  # fmt: skip
    return structs.replace(plain, **other)


def named(letter: IndexedLetter) -> dict[str, str]:
    """Return what the forms about a letter say of it."""
    return {"letter": str(letter.number), "id": letter.entry.id}


@asynccontextmanager
async def ledger_in(folder: Path) -> AsyncIterator[Ledger]:
    """Hold the ledger of a page that is served from a folder, as another process does."""
    database = Database(f"sqlite+aiosqlite:///{folder / 'ledger.db'}")
    async with Ledger(database, worker="a worker", clock=Clock()) as ledger:
        yield ledger


async def indexed(
    folder: Path,
    entries: Sequence[LetterEntry],
    *,
    account: str = "sunny",
    place: LetterPlace = LetterPlace.DEAD,
) -> list[IndexedLetter]:
    """Put letters into the index; returns them in their order."""
    async with ledger_in(folder) as ledger:
        index = LetterIndex(ledger)
        await index.met(account, entries, place)
        reasons = dict.fromkeys(each.reason for each in entries)
        found = [
            each
            for reason in reasons
            for each in await index.page(account, place, reason, limit=len(entries))
        ]
    return sorted(found, key=lambda letter: letter.number)
