"""Erasing a person: all of that one, nothing of anybody else; on both databases."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace
from sqlalchemy import String

from tests.integration.ledger.forgetting.people import HOME, WORK, about
from tests.integration.ledger.harness import (
    ACCOUNT,
    ADA,
    BOB,
    EVE,
    contents,
    entry,
    execute,
    fill,
    load,
    record,
    refusal,
)
from worker.ledger.forgetting import Erased, forget
from worker.ledger.history import find_history
from worker.ledger.mentions import FREE_TEXT
from worker.ledger.registry import Registry
from worker.ledger.schema import tables
from worker.ledger.store import Ledger
from worker.subscribers.identity import normalize_email
from worker.subscribers.known import Batch, Person


@pytest.mark.parametrize("email", [WORK, HOME, ADA])
async def test_a_person_is_erased_under_every_address(ledger_of_two: Ledger, email: str) -> None:
    """Given any address that Ada ever had in an account, nothing that names her is left in that account."""
    erased = {each.account: each for each in await forget(ledger_of_two, email, [])}

    assert erased[ACCOUNT] == Erased(
        ACCOUNT, records=3, people=1, history=2, addresses=frozenset({ADA, HOME, WORK}),
        user_ids=frozenset({"u-a"}),
    )  # fmt: skip
    rows = await contents(ledger_of_two)
    left = [row for _, row in about(rows, ADA, HOME, WORK, "u-a") if f"'{ACCOUNT}'" in row]
    assert left == []


async def test_in_one_account_alone_nothing_of_the_others_is_touched(ledger_of_two: Ledger) -> None:
    """Given Ada in two accounts, and a line of Bob's in each that mentions her, one account forgets her."""
    for account in (ACCOUNT, "rainy"):
        line = replace(entry(BOB, "b2"), detail=f"not {ADA}")
        await fill(ledger_of_two, Batch(entries=[line]), account=account)
    before = [row for _, row in about(await contents(ledger_of_two), "rainy")]

    (erased,) = await forget(ledger_of_two, WORK, [ACCOUNT], elsewhere=False)

    rows = await contents(ledger_of_two)
    assert (erased.account, erased.records, erased.history) == (ACCOUNT, 3, 2)
    assert [row for _, row in about(rows, ADA, HOME, WORK) if f"'{ACCOUNT}'" in row] == []
    assert [row for _, row in about(rows, "rainy")] == before


SECRET = "geheim@example.com"


async def test_every_text_column_is_either_the_persons_own_or_is_searched() -> None:
    """A new column in which somebody may write an address is put into one of these lists."""
    own = {
        "subscribers.email", "subscribers.moved_to", "people.email", "history.email", "due.email",
        "dead_letters.email", "newest_events.email", "held_taggings.email", "drift_found.email",
        "planned_people.email",
        "drift_found.differences",
    }  # fmt: skip
    searched = {f"{table.name}.{column.name}" for table, columns in FREE_TEXT for column in columns}
    nobodys = {
        "meta.key", "meta.value", "accounts.account", "accounts.holder", "accounts.home_app",
        "subscribers.account", "people.account", "people.user_id", "history.account",
        "history.event_time", "history.outcome",
        "history.version", "history.worker", "forgotten.account", "forgotten.mark", "forgotten.until",
        "tokens.account", "tokens.kit_url", "tokens.sealed", "tokens.refreshing", "workers.instance",
        "workers.worker", "consumers.instance", "consumers.account", "bindings.account", "bindings.exchange",
        "bindings.key", "claims.mark", "claims.account", "claims.kit_url", "names.account", "names.kind",
        "counts.account", "kit_accounts.account", "due.account", "due.id", "due.user_id", "due.event_time",
        "dead_letters.account", "dead_letters.letter_id", "dead_letters.place", "dead_letters.reason",
        "dead_letters.event_time", "dead_letters.failed_at", "dead_letters.user_id",
        "dead_letter_runs.account", "dead_letter_runs.action", "dead_letter_runs.reason",
        "dead_letter_runs.place", "dead_letter_runs.mood",
        "dead_letter_ends.account", "dead_letter_ends.outcome",
        "dead_letter_notes.account", "dead_letter_notes.reason",
        "newest_events.account", "newest_events.user_id", "newest_events.subscription",
        "newest_events.event_type", "held_taggings.event_type",  # of mapped types alone
        "plans.account", "plans.version", "plans.hash", "planned_people.account", "plan_runs.account",
        "plan_runs.action", "plan_runs.ends",
        "taggings.account", "held_taggings.account", "held_taggings.event_time", "held_taggings.timer",
        "drift_runs.account", "drift_runs.state", "drift_runs.worker", "drift_runs.after",
        "drift_runs.counts", "drift_runs.counting", "drift_found.account",
    }  # fmt: skip
    # What others were given in Kit, and what Kit calls it: Kit has it as well.
    others = {
        "subscribers.state", "subscribers.facts", "names.name", "names.kit_name", "kit_accounts.name",
        "kit_accounts.plan", "held_taggings.tag", "held_taggings.tag_key",
        "plans.told", "planned_people.what",
        "drift_runs.names",
    }  # fmt: skip
    # Whoever writes these refuses addresses, or masks them: test_journal.py and others.
    refused = {
        "accounts.paused_why",
        "journal.account", "journal.who", "journal.action", "journal.what", "journal.result",
        "versions.account", "versions.who", "versions.sha256", "versions.text",
        "dead_letters.noted_by", "dead_letter_notes.note", "dead_letter_notes.noted_by",
        "plans.who", "plan_runs.who",
        "dead_letter_runs.who", "dead_letter_runs.result",
        "dead_letter_runs.remedy", "drift_runs.who", "drift_runs.problem",
    }  # fmt: skip
    texts = {
        f"{table.name}.{column.name}"
        for table in tables.sorted_tables
        for column in table.columns
        if isinstance(column.type, String)
    }
    assert texts == own | searched | nobodys | others | refused


async def test_an_address_in_anothers_or_nobodys_texts_is_erased(ledger: Ledger) -> None:
    """Given lines and states that mention Ada, nothing of her is left; the others' lines say the rest."""
    call = {"call": f"POST /{SECRET}", "what": SECRET, "status": 200, "rules": [0]}
    lines = [
        entry("", f"undated:{SECRET}", detail="data: missing"),
        entry(BOB, f"for:{SECRET.upper()}", event_type=SECRET, detail=f"{SECRET} is his", calls=(call,)),
        entry(BOB, "like-her", detail=f"un{SECRET} is somebody else"),
    ]
    await fill(ledger, Batch([record(BOB), record(SECRET)], [], [*lines, entry(SECRET, "hers")]))
    state = json.dumps({"version": "1", "accounts": {ACCOUNT: {"last_error": f"of {SECRET}"}}})
    await execute(ledger, "INSERT INTO workers VALUES ('i', 'w', 1.0, :state)", state=state)

    (erased, *_) = await forget(ledger, SECRET, [])

    rows = await contents(ledger)
    left = [row for name, row in about(rows, SECRET, SECRET.upper()) if f"un{SECRET}" not in row]
    assert left == []
    assert (erased.account, erased.records, erased.history) == (ACCOUNT, 1, 1)
    found = await find_history(ledger.database, account=ACCOUNT)
    assert [(line.email, line.event_id) for line in found] == [(BOB, "for:(erased)"), (BOB, "like-her")]
    assert found[0].detail == "(erased) is his"
    assert found[0].calls[0]["what"] == "(erased)"
    (view,) = (await Registry(ledger, "w-1").overview()).workers
    assert view.accounts == {ACCOUNT: {"last_error": "of (erased)"}}


@pytest.mark.parametrize(
    "written",
    ["éva@bücher.example", "ÉVA@BÜCHER.EXAMPLE", "Éva@xn--bcher-kva.example", "éva@XN--BCHER-KVA.example"],
)
async def test_an_address_with_letters_beyond_ascii_is_erased_however_written(
    ledger: Ledger, written: str
) -> None:
    """Given capitals that SQLite does not know, and JSON in ASCII, the address is found in both."""
    call = {"call": "x", "what": written, "status": 200, "rules": [0]}
    await fill(ledger, Batch([record(BOB)], [], [entry(BOB, "his", detail=f"of {written}", calls=(call,))]))
    await forget(ledger, normalize_email(written), [])
    (line,) = await find_history(ledger.database, account=ACCOUNT)
    assert (line.calls[0]["what"], line.detail) == ("(erased)", "of (erased)")


async def test_a_workers_state_names_nobody(ledger: Ledger) -> None:
    """Given an error that repeats an address, and a quote, what lies in the ledger is masked, and JSON."""
    state = {ACCOUNT: {"last_error": f'said "\n{ADA}"', "config_errors": (ADA,), "pending": 1}}
    await Registry(ledger, "w-1").beat(state)
    (view,) = (await Registry(ledger, "w-1").overview()).workers
    assert ADA not in str(await contents(ledger))
    assert view.accounts[ACCOUNT]["pending"] == 1
    assert view.accounts[ACCOUNT]["config_errors"] == ["a…@example.com"]


@pytest.mark.parametrize("email", [ADA, WORK])
async def test_a_person_is_erased_in_every_account(ledger_of_two: Ledger, email: str) -> None:
    """Given an address that one account knows, she is gone from the other as well, by her other signs."""
    erased = {each.account: each for each in await forget(ledger_of_two, email, [])}
    assert (erased["rainy"].records, erased["rainy"].people, erased["rainy"].history) == (1, 1, 1)
    assert about(await contents(ledger_of_two), ADA, HOME, WORK, "u-a") == []


async def test_other_people_are_as_they_were(ledger_of_two: Ledger) -> None:
    """Given Bob in the same accounts, all that was known of him is known afterwards."""
    before = about(await contents(ledger_of_two), BOB)
    await forget(ledger_of_two, WORK, [])
    assert about(await contents(ledger_of_two), BOB) == before
    assert len(before) == 6


@pytest.mark.parametrize("email", ["%@example.com", "a_a@example.com", "'@example.com", "a\\%@example.com"])
async def test_a_pattern_in_an_address_is_no_pattern(ledger_of_two: Ledger, email: str) -> None:
    """Given an address that would fit others as a pattern of SQL, nobody is erased by it."""
    before = await contents(ledger_of_two)
    erased = await forget(ledger_of_two, email, [])
    assert [(each.records, each.people, each.history) for each in erased] == [(0, 0, 0), (0, 0, 0)]
    after = await contents(ledger_of_two)
    assert (after["subscribers"], after["people"], after["history"]) == (
        before["subscribers"], before["people"], before["history"],
    )  # fmt: skip


async def test_who_has_the_old_address_now_is_somebody_else(ledger: Ledger) -> None:
    """Given Ada, who left an address that Bob uses now, forgetting her leaves Bob as he is."""
    shared = "office@example.com"
    old = record(shared, "VIP", kit_id=8, moved_to=ADA)  # the note of her move, and what he was given since
    people = [Person("u-a", ADA, 5.0), Person("u-b", shared)]
    await fill(ledger, Batch([old, record(ADA, "VIP")], people, [entry(shared, "his"), entry(ADA, "hers")]))

    (erased,) = await forget(ledger, ADA, [])

    rows = await contents(ledger)
    assert erased.user_ids == {"u-a"}
    assert [row[:2] for row in rows["people"]] == [(ACCOUNT, "u-b")]
    assert [row[3] for row in rows["history"]] == ["his"]
    assert [row[1] for row in rows["subscribers"]] == [shared]
    assert about(rows, ADA, "u-a") == []  # his record does not say where she went
    known = await load(ledger, await ledger.take(ACCOUNT), shared, users=["u-a", "u-b"])
    assert known.forgotten.keys() == {("user", "u-a")}  # his late events are still his


async def test_a_damaged_record_of_somebody_else_is_named(ledger: Ledger) -> None:
    """Given Bob's record, from which Ada's address cannot be taken, nothing is erased, and that is said."""
    people = [Person("u-a", ADA, 5.0), Person("u-b", BOB)]
    await fill(ledger, Batch([record(BOB, moved_to=ADA), record(ADA, "VIP")], people))
    await execute(ledger, "UPDATE subscribers SET state = '{' WHERE email = :email", email=BOB)
    before = await contents(ledger)
    assert (
        await refusal(forget(ledger, ADA, [])) == f"the ledger holds a row of {ACCOUNT} that cannot be read"
    )
    assert await contents(ledger) == before


async def test_whoever_has_an_address_now_is_the_one_who_is_forgotten(ledger: Ledger) -> None:
    """Given Bob, who uses the address that Ada left, forgetting him leaves Ada as she is."""
    shared = "office@example.com"
    old = record(shared, "VIP", kit_id=8, moved_to=ADA)
    people = [Person("u-a", ADA, 5.0), Person("u-b", shared)]
    await fill(ledger, Batch([old, record(ADA, "VIP")], people, [entry(shared, "his"), entry(ADA, "hers")]))

    (erased,) = await forget(ledger, shared, [])

    assert erased.user_ids == {"u-b"}
    assert erased.addresses == {shared}
    rows = await contents(ledger)
    assert about(rows, shared, "u-b") == []
    assert {name for name, _ in about(rows, ADA)} == {"subscribers", "people", "history"}


async def test_a_person_who_moved_in_a_circle_is_erased(ledger: Ledger) -> None:
    """Given somebody who moved and moved back, both addresses go, and the search ends."""
    await fill(ledger, Batch([record(ADA, moved_to=EVE), record(EVE, moved_to=ADA)]))
    (erased,) = await forget(ledger, EVE, [])
    assert erased.addresses == {ADA, EVE}
    assert (erased.records, erased.people) == (2, 0)


async def test_two_ids_of_one_address_are_one_person(ledger: Ledger) -> None:
    """Given an address under two ids of the platform, and one of these elsewhere, all of it goes."""
    people = [Person("u-1", ADA), Person("u-2", ADA), Person("u-3", BOB)]
    await fill(ledger, Batch([record(ADA), record(BOB)], people))
    (erased,) = await forget(ledger, ADA, [])
    assert erased.user_ids == {"u-1", "u-2"}
    assert erased.people == 2
    assert [row[1] for row in (await contents(ledger))["people"]] == ["u-3"]
