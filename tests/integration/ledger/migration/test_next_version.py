"""From no ledger, or the version before, to the present one; a newer one is left alone; on both databases."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import Connection, text
from structlog.testing import capture_logs

from tests.integration.ledger.harness import (
    ACCOUNT,
    ADA,
    NewLedger,
    contents,
    execute,
    fill,
    load,
    one_of_all,
    refusal,
    works,
)
from worker.ledger.database import Database
from worker.ledger.migrations import MIGRATIONS, Step, newest
from worker.ledger.store import Ledger

VERSION = newest(MIGRATIONS)


def add_column(connection: Connection) -> None:
    """Be the next version: subscribers have a note, which tells what was known before."""
    connection.execute(text("ALTER TABLE subscribers ADD COLUMN note TEXT NOT NULL DEFAULT ''"))
    connection.execute(text("UPDATE subscribers SET note = 'was ' || email"))


def fail_half_way(connection: Connection) -> None:
    """Be a next version that does not come to its end."""
    add_column(connection)
    connection.execute(text("DELETE FROM history"))
    connection.execute(text("SELECT * FROM there_is_no_such_table"))


async def notes(ledger: Ledger) -> list[str]:
    """Return what the next version added."""
    async with ledger.database.read() as connection:
        return list((await connection.execute(text("SELECT note FROM subscribers"))).scalars())


async def test_an_empty_database_becomes_a_ledger(ledger: Ledger) -> None:
    """Given nothing, the first use makes the present version and says so, for that may be a surprise."""
    assert await ledger.database.version() == 0
    with capture_logs() as logs:
        await ledger.ready()
    assert await ledger.database.version() == VERSION
    (line,) = logs
    assert (line["event"], line["log_level"], line["ledger"]) == (
        "ledger_created", "warning", ledger.database.name,
    )  # fmt: skip
    assert ":kit@" not in line["ledger"]
    await works(ledger)


async def test_to_open_it_again_changes_nothing(new_ledger: NewLedger) -> None:
    """Given a ledger with rows, another program that opens it finds them all, and makes nothing."""
    await fill(new_ledger(), one_of_all())
    before = await contents(new_ledger())
    with capture_logs() as logs:
        again = new_ledger()
        await again.database.version()
        assert await contents(again) == before
    assert logs == []


async def test_a_look_at_the_version_makes_nothing(ledger: Ledger) -> None:
    """Given nothing, asking for the version leaves it so."""
    existed = ledger.database.exists
    for _ in range(2):
        assert await ledger.database.version() == 0
    assert ledger.database.exists == existed == (not ledger.database.is_sqlite)


@pytest.mark.parametrize("attempt", range(4))
async def test_several_that_open_at_once_make_one(new_ledger: NewLedger, attempt: int) -> None:
    """Given eight programs that start at once, none of them fails, and one of them makes the ledger."""
    ledgers = [new_ledger(f"w-{attempt}-{number}") for number in range(8)]
    with capture_logs() as logs:
        ends = await asyncio.gather(*(each.ready() for each in ledgers), return_exceptions=True)
    assert ends == [None] * 8
    assert [line["event"] for line in logs] == ["ledger_created"]
    assert len({each.database.secret for each in ledgers}) == 1
    rows = await contents(ledgers[0])
    assert sorted(key for key, _ in rows["meta"]) == ["secret", "version"]


async def test_a_newer_ledger_is_refused(new_ledger: NewLedger) -> None:
    """Given a ledger of a newer program, this one says so, touches nothing, and works once that is over."""
    tenure = await fill(new_ledger(), one_of_all())
    await execute(new_ledger(), "UPDATE meta SET value = '99' WHERE key = 'version'")
    newer = new_ledger()
    said = [
        await refusal(newer.ready()),
        await refusal(newer.take(ACCOUNT)),
        await refusal(newer.database.version()),
    ]
    for text_ in said:
        assert text_ == (
            f"the ledger {newer.database.name} is newer than this program (version 99; this program knows "
            f"{VERSION}); install the newer program"
        )
    await execute_as_is(
        newer.database, "UPDATE meta SET value = :value WHERE key = 'version'", value=f"{VERSION}"
    )
    await works(newer)
    assert (await newer.take(ACCOUNT)).epoch == tenure.epoch + 1  # the take above was none


async def execute_as_is(database: Database, statement: str, **values: str) -> None:
    """Change a database that the ledger refuses."""
    engine = await database._make()
    async with engine.execution_options(writes=True).begin() as connection:
        await connection.execute(text(statement), values)
    await engine.dispose()


async def test_an_older_ledger_becomes_the_present_one(new_ledger: NewLedger) -> None:
    """Given a ledger of the version before, the next program brings it forward, and all rows are kept."""
    old = new_ledger()
    tenure = await fill(old, one_of_all())
    before = await contents(old)
    new = new_ledger(migrations=(*MIGRATIONS, add_column))
    with capture_logs() as logs:
        await new.ready()

    assert logs == []  # it was there
    assert await new.database.version() == VERSION + 1
    assert await notes(new) == [f"was {ADA}"]
    after = await contents(new)
    assert {name: rows for name, rows in after.items() if name not in {"meta", "accounts"}} == {
        name: rows for name, rows in before.items() if name not in {"meta", "accounts"}
    }
    assert (await load(new, tenure, ADA)).records.keys() == {ADA}  # epochs go on
    assert new.database.secret == old.database.secret


async def test_several_bring_it_forward_once(new_ledger: NewLedger) -> None:
    """Given eight programs that find an older ledger at once, each step is made once, and none fails."""
    await fill(new_ledger(), one_of_all())
    steps: list[str] = []

    def step(name: str, work: Step) -> Step:
        def counted(connection: Connection) -> None:
            steps.append(name)
            work(connection)

        return counted

    later = (step("first", add_column), step("second", lambda _: None))
    ledgers = [new_ledger(migrations=(*MIGRATIONS, *later)) for _ in range(8)]
    assert await asyncio.gather(*(each.ready() for each in ledgers), return_exceptions=True) == [None] * 8
    assert steps == ["first", "second"]
    assert await notes(ledgers[0]) == [f"was {ADA}"]


async def test_a_step_that_fails_leaves_the_older_one_whole(new_ledger: NewLedger) -> None:
    """Given a step that fails half-way, nothing of it is there, and a mended one goes from the start."""
    old = new_ledger()
    tenure = await fill(old, one_of_all())
    before = await contents(old)
    failing = new_ledger(migrations=(*MIGRATIONS, fail_half_way))
    assert "there_is_no_such_table" in await refusal(failing.ready())

    assert await contents(old) == before
    await old.save(tenure, one_of_all())  # the older program goes on
    assert await notes(new_ledger(migrations=(*MIGRATIONS, add_column))) == [f"was {ADA}"]


@pytest.mark.parametrize("version", ["two", "1.0"])
async def test_a_damaged_version_is_named(new_ledger: NewLedger, version: str) -> None:
    """Given a version that is none, the ledger is refused and left as it is."""
    await fill(new_ledger(), one_of_all())
    await execute(new_ledger(), "UPDATE meta SET value = :version WHERE key = 'version'", version=version)
    await refusal(new_ledger().ready())
