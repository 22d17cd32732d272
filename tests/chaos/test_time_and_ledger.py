"""What time and the ledger may do: the order of events, and what is known, hold across processes."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

import asyncpg
import pytest
from yarl import URL

from tests.chaos import ledger_faults
from tests.chaos.faults import Inject
from tests.chaos.harness import Arena
from tests.integration.harness import until

pytestmark = pytest.mark.timeout(180)

MOMENT: Final = "2026-07-01T12:00:00Z"


def events_of(people: int, kind: str, prefix: str, time: str = MOMENT) -> list[dict[str, Any]]:
    """Return one event for each person, all of one moment."""
    return [
        {
            "id": f"{prefix}{number}", "type": kind, "time": time,
            "data": {
                "user": {"email": f"person{number}@example.com", "id": f"u-{number}"},
                "subscription": {"plan": "Annual"},
            },
        }
        for number in range(people)
    ]  # fmt: skip


async def test_tie_between_processes(arena: Arena) -> None:
    """Given two events of each person in one second, the later one stands, though an older process has it."""
    config = arena.folder / "config-early"
    (config / "accounts").mkdir(parents=True)
    shutil.copy(arena.account_file(arena.beside), config / "accounts")
    early = arena.add_worker("early", CONFIG_DIR=str(config))
    await early.launch()
    await until(lambda: "subscribed" in early.events_logged())
    async with arena.running(events=events_of(50, "subscription.started", "a"), workers=("late",)):
        await arena.settled(50)
        shutil.copy(arena.account_file(arena.main), config / "accounts")
        await until(lambda: any(
            line["event"] == "subscribed" and line["account"] == arena.main.name for line in early.log_lines()
        ))  # fmt: skip
        assert await arena.workers[-1].stop() == 0
        arena.publish(arena.main, events_of(50, "subscription.canceled", "b"))
        await arena.settled(100)
    assert arena.outcomes().total("superseded") == 0


# -- a ledger that is put back in time --------------------------------------------------------------------

PutBack: TypeAlias = Callable[[], Awaitable[None]]


async def copy_of_file(arena: Arena) -> PutBack:
    """Copy a SQLite ledger, as a backup does; return what puts the copy in its place."""
    file = ledger_faults.ledger_file(arena)
    copy = file.with_name("copy")
    with sqlite3.connect(file) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    source.close()
    target.close()

    async def put_back() -> None:
        copy.rename(file)

    return put_back


async def copy_of_rows(arena: Arena) -> PutBack:
    """Copy what a PostgreSQL ledger holds; return what puts it back, as an import or a late stand-by does."""
    url = str(URL(arena.world.environ["LEDGER_URL"]).with_scheme("postgresql"))
    tables = ("accounts", "subscribers", "people", "history")

    async def execute(*statements: str) -> None:
        server = await asyncpg.connect(url)
        async with server.transaction():
            for statement in statements:
                await server.execute(statement)
        await server.close()

    await execute(*(f"SELECT * INTO copy_{name} FROM {name}" for name in tables))  # noqa: S608  # our own

    async def put_back() -> None:
        await execute(*(f"DELETE FROM {name}" for name in tables))  # noqa: S608  # likewise
        await execute(*(f"INSERT INTO {name} TABLE copy_{name}" for name in tables))

    return put_back


def at(minute: int, kind: str) -> list[dict[str, Any]]:
    """Return an event of each of 50 people, so many minutes past noon."""
    return events_of(50, kind, f"{minute}-", f"2026-07-01T12:{minute:02}:00Z")


async def goes_on(arena: Arena, minute: int, kind: str) -> None:
    """Publish 50 more events, and wait until they are settled."""
    before = len(arena.outcomes().of)
    arena.publish(arena.main, at(minute, kind))
    await arena.settled(before + 50)


@pytest.mark.parametrize(
    ("on", "copied"),
    [
        pytest.param(ledger_faults.own_disk, copy_of_file, id="file"),
        pytest.param(ledger_faults.on_postgres, copy_of_rows, id="rows"),
    ],
)
async def test_ledger_put_back_while_it_works(
    arena: Arena, on: Inject, copied: Callable[[Arena], Awaitable[PutBack]]
) -> None:
    """Given a copy put back under a running worker, what Kit was told since is not taken for untold."""
    async with on(arena), arena.running(events=at(1, "subscription.started"), beside=False):
        await arena.settled(50)
        put_back = await copied(arena)
        await goes_on(arena, 2, "subscription.canceled")
        await put_back()
        await goes_on(arena, 3, "subscription.started")
        assert "ledger_went_back" in arena.worker.events_logged()


async def test_ledger_put_back_between_two_runs(arena: Arena) -> None:
    """Given the copy of a worker that had stopped, put back within a minute, nothing of it is relied on."""
    async with arena.running(events=at(1, "subscription.started"), beside=False):
        await arena.settled(50)
        assert await arena.worker.stop() == 0
        put_back = await copy_of_file(arena)
        await arena.start_again(arena.worker)
        await goes_on(arena, 2, "subscription.canceled")
        assert await arena.worker.stop() == 0
        await put_back()
        await arena.start_again(arena.worker)
        await goes_on(arena, 3, "subscription.started")


async def test_ledger_read_only_from_the_start(arena: Arena) -> None:
    """Given a worker that finds its ledger read-only, it goes on by itself once sessions may write again."""
    async with ledger_faults.on_postgres(arena), arena.running(events=at(1, "subscription.started")):
        await arena.settled(50)
        assert await arena.worker.stop() == 0
        await ledger_faults.take_no_writes(arena, on=True)
        await arena.worker.launch()
        arena.publish(arena.main, at(2, "subscription.canceled"))
        await arena.red_saying("read-only transaction")
        await ledger_faults.take_no_writes(arena, on=False)
        await arena.green()
        await arena.settled(100)


# -- clocks -----------------------------------------------------------------------------------------------

SHIFTED_CLOCK: Final = str(Path(__file__).parents[1] / "shifted_clock")


@pytest.mark.parametrize("off", [-600, 600])
async def test_clock_of_the_machine(arena: Arena, off: int) -> None:
    """Given a clock that is ten minutes off, current events wait, and not one is a dead letter."""
    shift = arena.folder / "shift"
    shift.write_text(str(off), encoding="utf-8")
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    events = events_of(50, "subscription.started", "a", now)
    arena.world.environ |= {"PYTHONPATH": SHIFTED_CLOCK, "CLOCK_SHIFT": str(shift)}
    async with arena.running(events=events, beside=False):
        await arena.red_saying("this machine's clock is wrong")
        assert "clock_wrong" in arena.worker.events_logged()
        assert not arena.outcomes().of
        shift.write_text("0", encoding="utf-8")
        await arena.settled(50)
    assert arena.outcomes().total("applied") == 50
