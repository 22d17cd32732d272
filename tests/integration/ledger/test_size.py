"""A ledger of millions of rows: what is asked of it is found by an index, and nobody is kept waiting."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from tests.integration.ledger.harness import (
    ACCOUNT,
    ADA,
    BOB,
    EVE,
    NOON,
    NewLedger,
    contents,
    entry,
    fill,
    one_of_all,
    record,
)
from worker.ledger.forgetting import forget
from worker.ledger.history import addresses, find_history, history_page, prune_history
from worker.ledger.person import causes, known_person
from worker.ledger.seen import seen_lately
from worker.ledger.store import Ledger
from worker.subscribers.known import Batch, Person

LARGE = ("subscribers", "people", "history")
FREE_TEXT = "lower(history."
"""Whoever is forgotten may be named in any text of the history: `forget` alone reads all of it, once."""


async def _engine(ledger: Ledger) -> Engine:
    async with ledger.database.read() as connection:
        return connection.engine.sync_engine


@asynccontextmanager
async def noting(ledger: Ledger) -> AsyncIterator[list[tuple[str, Sequence[Any]]]]:
    """Note what is asked of the database meanwhile."""
    asked: list[tuple[str, Sequence[Any]]] = []
    engine = await _engine(ledger)

    def note(_: object, __: object, statement: str, values: Sequence[Any], *___: object) -> None:
        if statement.startswith(("WITH", "SELECT", "UPDATE", "DELETE")):
            asked.append((statement, values))

    event.listen(engine, "before_cursor_execute", note)
    yield asked
    event.remove(engine, "before_cursor_execute", note)


def scans(path: Path, asked: list[tuple[str, Sequence[Any]]]) -> list[str]:
    """Return which statements go through all rows of a large table, or all those of an account."""
    with closing(sqlite3.connect(path)) as connection:
        steps = [
            (step, statement)
            for statement, values in asked
            for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {statement}", tuple(values))
        ]
    whole = (*(f"SCAN {table}" for table in LARGE), *(f"SEARCH {table} USING" for table in LARGE))
    return [
        f"{step}: {statement}"
        for step, statement in steps
        if step.startswith(whole) and (step.startswith("SCAN") or step.endswith(" (account=?)"))
        if "history_by_account" not in step  # which ends with the limit
        if FREE_TEXT not in statement
    ]


QUERIES: dict[str, Callable[[Ledger], Awaitable[object]]] = {
    "forget": lambda ledger: forget(ledger, ADA, [ACCOUNT]),
    "forget where the old address is somebody else's": lambda ledger: forget(ledger, EVE, [ACCOUNT]),
    "addresses": lambda ledger: addresses(ledger.database, ADA),
    "history of a person": lambda ledger: find_history(ledger.database, emails=[ADA, BOB]),
    "history of an event": lambda ledger: find_history(ledger.database, event_id="e1"),
    "history of an account": lambda ledger: find_history(ledger.database, account=ACCOUNT),
    "a page of a person's history": lambda ledger: history_page(
        ledger.database, account=ACCOUNT, emails=[ADA, BOB], before=9
    ),
    "what is known of a person": lambda ledger: known_person(ledger.database, ACCOUNT, BOB),
    "by which events a person has something": lambda ledger: causes(
        ledger.database, ACCOUNT, [ADA, BOB], ["2026-07-01T12:00:00Z"]
    ),
    "prune": lambda ledger: prune_history(ledger.database, 1.0),
    "save": lambda ledger: fill(ledger, Batch([record(ADA)], moves=[(ADA, BOB)])),
}


@pytest.mark.parametrize("name", QUERIES)
async def test_nothing_goes_through_all_rows(sqlite_url: str, open_ledger: NewLedger, name: str) -> None:
    """Given any question of a command or a worker, an index answers it."""
    ledger = open_ledger(sqlite_url)
    shared = [Person("u-e", EVE, 5.0), Person("u-b", BOB)]
    await fill(ledger, Batch([record(BOB, moved_to=EVE), record(EVE)], shared, [entry(BOB)]))
    async with noting(ledger) as asked:
        await QUERIES[name](ledger)
    assert asked
    # How many people an account has is counted once a tenure, in the index alone.
    asked = [each for each in asked if "count(*)" not in each[0]]
    assert scans(Path(sqlite_url.partition(":///")[2]), asked) == []


async def test_the_lines_of_an_account_are_not_sorted(sqlite_url: str, open_ledger: NewLedger) -> None:
    """Given an account with many lines, the newest come from an index in their order."""
    ledger = open_ledger(sqlite_url)
    await fill(ledger, one_of_all())
    async with noting(ledger) as asked:
        await find_history(ledger.database, account=ACCOUNT, limit=2)
    ((statement, values),) = asked
    with closing(sqlite3.connect(sqlite_url.partition(":///")[2])) as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", tuple(values)).fetchall()
    assert [step for *_, step in plan] == ["SEARCH history USING INDEX history_by_account (account=?)"]


async def test_which_events_came_is_told_by_an_index_alone(sqlite_url: str, open_ledger: NewLedger) -> None:
    """Given many lines of few types, no line itself is read, and older ones are passed over."""
    ledger = open_ledger(sqlite_url)
    await fill(ledger, one_of_all())
    async with noting(ledger) as asked:
        await seen_lately(ledger.database, ACCOUNT, NOON.timestamp())
    with closing(sqlite3.connect(sqlite_url.partition(":///")[2])) as connection:
        plans = [
            connection.execute(f"EXPLAIN QUERY PLAN {statement}", tuple(values)).fetchall()
            for statement, values in asked
        ]
    steps = [step for plan in plans for *_, step in plan if " history " in step]
    by_type = "SEARCH history USING COVERING INDEX history_by_type (account=?"
    assert steps == [
        f"{by_type})",  # the first type alone: the index begins with it
        f"{by_type} AND event_type>?)",
        f"{by_type} AND event_type=?)",
        f"{by_type} AND event_type=? AND at>?)",
    ]


async def test_where_somebody_went_has_a_column(ledger: Ledger) -> None:
    """Given records, the column says the same as they do, also once it was forgotten where somebody went."""

    async def column() -> dict[str, str | None]:
        return {row[1]: row[5] for row in (await contents(ledger))["subscribers"]}

    tenure = await fill(ledger, Batch([record(ADA, moved_to=BOB), record(BOB, moved_to=EVE), record(EVE)]))
    assert await column() == {ADA: BOB, BOB: EVE, EVE: None}
    await ledger.save(tenure, Batch([record(BOB, "VIP")], [Person("u-a", EVE), Person("u-n", ADA)]))
    assert await column() == {ADA: BOB, BOB: None, EVE: None}
    await forget(ledger, BOB, [])
    assert await column() == {ADA: None, EVE: None}


async def test_pruning_lets_others_write(new_ledger: NewLedger) -> None:
    """Given very many old lines, they go in portions, and others can write in between."""
    pruner, other = new_ledger("w-1"), new_ledger("w-2")
    await fill(pruner, Batch(entries=[entry(ADA, str(number)) for number in range(5)]))
    before = NOON.timestamp() + 1
    pruning = asyncio.create_task(prune_history(pruner.database, before, portion=2, rest=60.0))
    async with asyncio.timeout(10):
        while len((await contents(other))["history"]) != 3:
            await asyncio.sleep(0.01)
        await fill(other, Batch([record(BOB)]))
    pruning.cancel()
    await asyncio.gather(pruning, return_exceptions=True)

    assert await prune_history(pruner.database, before, portion=2, rest=0.0) == 3
    assert (await contents(other))["history"] == []
