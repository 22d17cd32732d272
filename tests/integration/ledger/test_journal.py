"""The journal: what people did, the newest first, on both databases; never an address, never a secret."""

from __future__ import annotations

import re

import pytest

from tests.clocks import StandingClock
from tests.integration.ledger.harness import (
    ACCOUNT,
    ADA,
    NOON,
    NewLedger,
    contents,
    execute,
    fill,
    one_of_all,
)
from worker.ledger.forgetting import forget
from worker.ledger.journal import FREE_TEXTS, Action, Journal, JournalLine
from worker.ledger.migrations import MIGRATIONS, _what_people_did
from worker.ledger.store import Ledger
from worker.outside.texts import SECRETS

REPLAY = Action(ACCOUNT, "operator", "replay", "kit_plan_full", 37, "37 are back in the queue.")


async def test_what_was_done_is_there_with_its_time(ledger: Ledger, clock: StandingClock) -> None:
    journal = Journal(ledger)
    clock.turn_to(NOON.timestamp() + 5)

    await journal.append(REPLAY)

    (line,) = await journal.page()
    assert line == JournalLine(line.id, NOON.timestamp() + 5, REPLAY)


async def test_pages_follow_each_other_without_a_gap(ledger: Ledger) -> None:
    """Given lines of two accounts in turn, each account has its own, the newest first, and all have all."""
    journal = Journal(ledger)
    for number in range(10):
        await journal.append(Action((ACCOUNT, "rainy")[number % 2], "operator", "pause", count=number))

    first = await journal.page(ACCOUNT, limit=3)
    second = await journal.page(ACCOUNT, before=first[-1].id, limit=3)

    assert [line.action.count for line in [*first, *second]] == [8, 6, 4, 2, 0]
    assert [line.action.count for line in await journal.page(limit=4)] == [9, 8, 7, 6]
    assert await journal.page(ACCOUNT, before=second[-1].id) == []
    assert await journal.page("") == []


@pytest.mark.parametrize("column", FREE_TEXTS)
@pytest.mark.parametrize("told", [f"of {ADA}", "of ada%40example.com", "kit_0123456789abcdef", "hush-hush"])
async def test_no_line_holds_an_address_or_a_secret(ledger: Ledger, column: str, told: str) -> None:
    """Given one in any text that somebody may have written, the line is there without it."""
    SECRETS.add("hush-hush")
    line = {"account": ACCOUNT, "who": "operator", "action": "forget", column: told}

    await Journal(ledger).append(Action(**line))  # type: ignore[arg-type]  # each is a text

    (kept,) = await Journal(ledger).page(ACCOUNT)
    assert getattr(kept.action, column) in {"of a…@example.com", "kit_***", "***"}


async def test_a_name_that_holds_a_secret_stays_whole(ledger: Ledger) -> None:
    """Given a secret that is a word of the account's name, its admin still finds the line."""
    SECRETS.add("kitchen")

    await Journal(ledger).append(Action("sunny-kitchen", "operator", "pause", result="sunny-kitchen rests."))

    (kept,) = await Journal(ledger).page("sunny-kitchen")
    assert kept.action.result == "sunny-*** rests."


async def test_a_masked_address_may_stand_there_and_forget_leaves_it(ledger: Ledger) -> None:
    await fill(ledger, one_of_all())
    line = Action(ACCOUNT, "admin of sunny", "send again", "a…@example.com", 1, "1 call; see https://kit.com")
    await Journal(ledger).append(line)

    await forget(ledger, ADA, [ACCOUNT])

    assert [each.action for each in await Journal(ledger).page(ACCOUNT)] == [line]


async def test_what_is_dropped_is_one_accounts(ledger: Ledger) -> None:
    journal = Journal(ledger)
    for account in (ACCOUNT, ACCOUNT, "rainy", ""):
        await journal.append(Action(account, "operator", "pause"))

    assert await journal.drop(ACCOUNT) == 2

    assert [line.action.account for line in await journal.page()] == ["", "rainy"]


async def test_a_page_of_an_account_is_read_by_its_index(ledger: Ledger) -> None:
    """Given lines of thousands of accounts, a page of one is found, and comes in its order, by the index."""
    await ledger.ready()
    query = "SELECT id FROM journal WHERE account = 'a' AND id < 9 ORDER BY id DESC LIMIT 5"
    async with ledger.database.write() as connection:
        if ledger.database.is_sqlite:
            rows = (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}")).all()
        else:
            await connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # for so few rows it pays
            rows = (await connection.exec_driver_sql(f"EXPLAIN {query}")).all()

    plan = str(rows)
    assert "journal_by_account" in plan
    assert not re.search("TEMP B-TREE|Sort", plan)


async def test_an_older_ledger_gets_the_tables(new_ledger: NewLedger) -> None:
    """Given a ledger of the version before, then both tables are there after the first use."""
    old = new_ledger(migrations=MIGRATIONS[: MIGRATIONS.index(_what_people_did)])
    await fill(old, one_of_all())
    for table in ("journal", "versions"):
        await execute(old, f"DROP TABLE {table}")

    new = new_ledger()
    await Journal(new).append(REPLAY)

    assert (await contents(new))["versions"] == []
    assert [line.action for line in await Journal(new).page()] == [REPLAY]


async def test_what_was_last_done_about_something_is_found(ledger: Ledger) -> None:
    journal = Journal(ledger)
    assert await journal.latest(ACCOUNT, "run-1") is None
    for account, what, action in (
        (ACCOUNT, "run-1", "backfill"), (ACCOUNT, "run-1", "stop"), (ACCOUNT, "run-2", "backfill"),
        ("rainy", "run-1", "undo"),
    ):  # fmt: skip
        await journal.append(Action(account, "operator", action, what))
    line = await journal.latest(ACCOUNT, "run-1")
    assert line is not None
    assert line.action == Action(ACCOUNT, "operator", "stop", "run-1")
    found = await journal.of(ACCOUNT, ("backfill", "undo"), 5)
    assert [each.action.what for each in found] == ["run-2", "run-1"]
    assert len(await journal.of(ACCOUNT, ("backfill", "stop"), 1)) == 1


async def test_it_tells_to_how_many_things_something_was_done_before(ledger: Ledger) -> None:
    """Given runs that begin, some of them again, each has its place, and who is yet to begin is the last."""
    journal = Journal(ledger)
    for account, what in ((ACCOUNT, "a"), ("rainy", "x"), (ACCOUNT, "b"), (ACCOUNT, "a"), (ACCOUNT, "c")):
        await journal.append(Action(account, "operator", "backfill", what))
    await journal.append(Action(ACCOUNT, "operator", "stop", "d"))
    assert [await journal.done_before(ACCOUNT, "backfill", what) for what in "abcd"] == [0, 1, 2, 3]
    assert await journal.done_before("rainy", "backfill", "a") == 1
