"""What the tests of the ledger share: things to keep in it, and ways to look at it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

import pytest
from msgspec import structs
from sqlalchemy import text

from worker.errors import LedgerUnavailable
from worker.events.event import OrderKey
from worker.ledger.forgetting import forget
from worker.ledger.history import addresses, find_history, prune_history
from worker.ledger.journal import Action, Journal
from worker.ledger.record_json import StoredRecord, dump_record
from worker.ledger.registry import Registry
from worker.ledger.schema import tables
from worker.ledger.store import Ledger
from worker.ledger.takeover import Tenure
from worker.ledger.tokens import TokenStore
from worker.ledger.versions import Versions
from worker.subscribers.due_effect import DueEffect
from worker.subscribers.known import Batch, HistoryEntry, Known, Person
from worker.subscribers.parts import Part, TagWish, tag_key
from worker.subscribers.record import Record
from worker.subscribers.record_parts import KnownPart, Moved

ACCOUNT: Final = "sunny"
ADA, BOB, EVE = "ada@example.com", "bob@example.com", "eve@example.com"
NOON: Final = datetime(2026, 7, 1, 12, tzinfo=UTC)
SECONDS: Final = 25.0
"""Within which every call has to end, whatever the ledger does: its own limit is 10 s, and 2 s to hang up."""

NewLedger: TypeAlias = Callable[..., Ledger]
Contents: TypeAlias = dict[str, list[tuple[Any, ...]]]


# -- things to keep ---------------------------------------------------------------------------------------


def order(minute: int) -> OrderKey:
    """Return the order key of an event, so many minutes past noon."""
    return OrderKey("", NOON + timedelta(minutes=minute), minute)


def record(email: str, *tags: str, kit_id: int | None = 7, moved_to: str | None = None) -> Record:
    """Return a record of somebody who was given these tags, or who has moved."""
    known = {
        tag_key(tag): KnownPart(Part(TagWish(tag, present=True), order(1)), NOON.timestamp()) for tag in tags
    }
    moved = Moved(moved_to, order(2)) if moved_to is not None else None
    return Record(email, kit_id, tags=known, moved=moved)


def entry(email: str, event_id: str | None = "e1", **other: Any) -> HistoryEntry:  # noqa: ANN401  # any of its fields
    """Return a line for the history."""
    plain = HistoryEntry(email, event_id, "user.signed_up", NOON, at=NOON.timestamp(), outcome="applied")
    return structs.replace(plain, **other)


LATER: Final = NOON.timestamp() + 60


def effect(name: str = "d-1", email: str = ADA, **other: Any) -> DueEffect:  # noqa: ANN401  # any of its fields
    """Return what takes effect a minute after noon."""
    plain = DueEffect(
        id=name, at=LATER, email=email, user_id=None, event_type="subscription.canceled", event_id="e-1",
        event_time=NOON, what="tag 'Cancelled'", message=b"\x00 the event",
    )  # fmt: skip
    return replace(plain, **other)


def texts(records: Iterable[Record]) -> dict[str, tuple[int | None, StoredRecord]]:
    """Return records as what can be compared, by address."""
    return {record.email: (record.kit_id, dump_record(record)) for record in records}


async def load(ledger: Ledger, tenure: Tenure, *emails: str, users: Iterable[str] = ()) -> Known:
    """Load what is known of these."""
    return await ledger.load(tenure, emails, list(users))


async def fill(ledger: Ledger, batch: Batch, *, account: str = ACCOUNT) -> Tenure:
    """Take an account and save a batch."""
    tenure = await ledger.take(account)
    await ledger.save(tenure, batch)
    return tenure


def one_of_all() -> Batch:
    """Return a batch with something for every table."""
    return Batch([record(ADA, "VIP")], [Person("u-1", ADA)], [entry(ADA)], created_tags=1, due=[effect()])


# -- looking ----------------------------------------------------------------------------------------------


async def execute(ledger: Ledger, statement: str, **values: Any) -> None:  # noqa: ANN401  # any column's type
    """Change the database behind the ledger's back."""
    async with ledger.database.write() as connection:
        await connection.execute(text(statement), values)


async def contents(ledger: Ledger) -> Contents:
    """Return all rows of all tables."""
    found: Contents = {}
    async with ledger.database.read() as connection:
        for table in tables.sorted_tables:
            rows = await connection.execute(table.select().order_by(*table.primary_key))
            found[table.name] = [tuple(row) for row in rows]
    return found


# -- trouble ----------------------------------------------------------------------------------------------


def all_calls(ledger: Ledger, tenure: Tenure) -> Mapping[str, Callable[[], Awaitable[object]]]:
    """Return everything that can be asked of a ledger."""
    registry, tokens = Registry(ledger, "w-1"), TokenStore(ledger, None)
    return {
        "ready": ledger.ready,
        "take": lambda: ledger.take("other"),
        "load": lambda: load(ledger, tenure, ADA, users=["u-1"]),
        "save": lambda: ledger.save(tenure, Batch(entries=[entry(ADA, "late")])),
        "release": lambda: ledger.release(tenure),
        "find_history": lambda: find_history(ledger.database, account=ACCOUNT),
        "addresses": lambda: addresses(ledger.database, ADA),
        "prune_history": lambda: prune_history(ledger.database, 0.0),
        "forget": lambda: forget(ledger, EVE, [ACCOUNT]),
        "purge": ledger.database.purge,
        "beat": lambda: registry.beat({}),
        "consumes": lambda: registry.consumes(ACCOUNT),
        "paused": registry.paused,
        "pause": lambda: registry.pause(ACCOUNT),
        "resume": lambda: registry.resume(ACCOUNT),
        "overview": registry.overview,
        "leave": registry.leave,
        "journal_append": lambda: Journal(ledger).append(Action(ACCOUNT, "operator", "pause")),
        "journal_page": lambda: Journal(ledger).page(ACCOUNT),
        "journal_drop": lambda: Journal(ledger).drop(ACCOUNT),
        "versions_keep": lambda: Versions(ledger).keep(ACCOUNT, "operator", "kit:", replaced="kit: {}"),
        "versions_page": lambda: Versions(ledger).page(ACCOUNT),
        "versions_text": lambda: Versions(ledger).text(ACCOUNT, 1),
        "versions_drop": lambda: Versions(ledger).drop(ACCOUNT),
        "load_tokens": lambda: tokens.load(ACCOUNT),
        "connected": tokens.connected,
        "disconnect": lambda: tokens.disconnect(ACCOUNT),
    }


async def refusal(call: Awaitable[object], seconds: float = SECONDS) -> str:
    """Return what `LedgerUnavailable` says, which must come in time; fail where the call works."""
    async with asyncio.timeout(seconds):
        with pytest.raises(LedgerUnavailable) as caught:
            await call
    return str(caught.value)


async def works(ledger: Ledger) -> None:
    """Fail unless the ledger can be written and read, in time."""
    async with asyncio.timeout(SECONDS):
        await ledger.ready()
        tenure = await fill(ledger, Batch([record(BOB, "Here")]), account="afterwards")
        assert (await load(ledger, tenure, BOB)).records[BOB].tags.keys() == {"here"}


def state_of(record: Record) -> dict[str, Any]:
    """Return a record's state as the ledger keeps it."""
    state: dict[str, Any] = json.loads(dump_record(record).state)
    return state
