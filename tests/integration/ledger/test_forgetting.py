"""Erasing a person: all of that one, nothing of anybody else, and no way back; on both databases."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import String

from tests.clocks import StandingClock
from tests.integration.ledger.harness import (
    ACCOUNT,
    ADA,
    BOB,
    EVE,
    Contents,
    NewLedger,
    contents,
    entry,
    execute,
    fill,
    load,
    one_of_all,
    record,
    refusal,
)
from worker.errors import EpochLost
from worker.events.decode import MAX_AHEAD
from worker.ledger import forgetting as forgetting_module
from worker.ledger import mentions
from worker.ledger.forgetting import Erased, forget, last_forgotten
from worker.ledger.history import find_history
from worker.ledger.mentions import FREE_TEXT
from worker.ledger.registry import Registry
from worker.ledger.schema import tables
from worker.ledger.store import Ledger
from worker.ledger.takeover import Tenure
from worker.subscribers.glimpse import Glimpse
from worker.subscribers.identity import normalize_email
from worker.subscribers.known import Batch, Person

HOME, WORK = "ada@home.example", "ada@work.example"


def about(rows: Contents, *words: str) -> list[tuple[str, str]]:
    """Return in which tables one of these words stands, with the row."""
    return [
        (name, str(row)) for name, table in rows.items() for row in table if any(w in str(row) for w in words)
    ]


@pytest.fixture
async def ledger_of_two(ledger: Ledger) -> Ledger:
    """Ada in two accounts, in one of them under her third address, and Bob in both."""
    bob = Batch([record(BOB, "VIP")], [Person("u-b", BOB)], [entry(BOB, "b1")])
    ada = Batch(
        [record(ADA, moved_to=HOME), record(HOME, moved_to=WORK), record(WORK, "VIP")],
        [Person("u-a", WORK, 5.0)],
        [entry(WORK, "a1"), entry(WORK, "a2")],
    )
    for batch in (ada, bob):
        await fill(ledger, batch)
    for batch in (Batch([record(ADA, "Wet")], [Person("u-a", ADA)], [entry(ADA, "a3")]), bob):
        await fill(ledger, batch, account="rainy")
    return ledger


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


async def test_whoever_keeps_something_hears_that_somebody_was_forgotten(
    ledger_of_two: Ledger, clock: StandingClock
) -> None:
    """Given two people, and one of them once more, there is something new each time, there alone."""
    seen = [await last_forgotten(ledger_of_two, ACCOUNT)]
    for email in (WORK, BOB, BOB):
        clock.turn_to(clock.time() + 1)
        await forget(ledger_of_two, email, [ACCOUNT], elsewhere=False)
        seen.append(await last_forgotten(ledger_of_two, ACCOUNT))
    assert len(set(seen)) == 4
    assert await last_forgotten(ledger_of_two, "rainy") == seen[0]


async def test_who_was_forgotten_is_known_by_each_sign(ledger_of_two: Ledger) -> None:
    """Given Ada, who was forgotten, whoever reads a sign of hers can ask until when that counts."""
    await forget(ledger_of_two, WORK, [])

    gone = await ledger_of_two.forgotten(ACCOUNT, Glimpse(email=HOME, user_id="u-a"))

    until = datetime.fromtimestamp(ledger_of_two.clock.time(), UTC) + MAX_AHEAD
    assert gone == {("email", HOME): until, ("user", "u-a"): until}


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


@pytest.mark.parametrize("written", ["jÜrgen@example.com", "jürgen@bücher.example"])
async def test_who_was_forgotten_under_an_older_form_stays_forgotten(ledger: Ledger, written: str) -> None:
    """Given a mark of a version that kept such letters as they came, the address is known by it."""
    await fill(ledger, Batch())
    await forget(ledger, written, [])
    tenure = await ledger.take(ACCOUNT)
    email = normalize_email(written)
    assert (await load(ledger, tenure, email)).forgotten.keys() == {("email", email)}


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


async def test_a_late_event_of_the_person_is_known_as_one(
    ledger_of_two: Ledger, clock: StandingClock
) -> None:
    """Given Ada who was forgotten, her addresses and her id are known with the moment; Bob's are not."""
    await forget(ledger_of_two, WORK, [])
    until = datetime.fromtimestamp(clock.time(), UTC) + MAX_AHEAD  # so a copy that is dated ahead is known
    clock.wait(60)
    tenure = await ledger_of_two.take(ACCOUNT)

    known = await load(ledger_of_two, tenure, ADA, HOME, WORK, BOB, users=["u-a", "u-b"])

    signs = {*(("email", email) for email in (ADA, HOME, WORK)), ("user", "u-a")}
    assert known.forgotten == dict.fromkeys(signs, until)
    assert known.records.keys() == {BOB}
    assert known.people.keys() == {"u-b"}


async def test_to_forget_again_moves_the_moment(ledger: Ledger, clock: StandingClock) -> None:
    """Given a person who came back and is forgotten again, the later moment holds."""
    await fill(ledger, one_of_all())
    await forget(ledger, ADA, [])
    clock.wait(3600)
    await fill(ledger, one_of_all())
    await forget(ledger, ADA, [])
    tenure = await ledger.take(ACCOUNT)
    known = await load(ledger, tenure, ADA)
    assert known.forgotten == {("email", ADA): datetime.fromtimestamp(clock.time(), UTC) + MAX_AHEAD}


async def test_a_mark_is_the_ledgers_own(new_ledger: NewLedger) -> None:
    """Given one ledger, all its workers make the same mark of an address; another kind makes another."""
    one, two = new_ledger(), new_ledger()
    for each in (one, two):
        await each.ready()
    assert one.mark("email", ADA) == two.mark("email", ADA) != one.mark("user", ADA)
    assert len(one.mark("email", ADA)) == 64


async def test_who_is_unknown_is_marked_all_the_same(ledger: Ledger) -> None:
    """Given an address that only accounts of the configuration might meet, it is marked in each of these."""
    erased = await forget(ledger, ADA, ["sunny", "rainy"])
    assert erased == [
        Erased(name, records=0, people=0, history=0, addresses=frozenset({ADA}))
        for name in ("rainy", "sunny")
    ]
    for name in ("rainy", "sunny"):
        known = await load(ledger, await ledger.take(name), ADA)
        assert known.forgotten.keys() == {("email", ADA)}


async def test_a_worker_that_has_the_person_in_hand_loses_the_account(new_ledger: NewLedger) -> None:
    """Given a worker with a record in hand, it cannot write the person back; it can take the account anew."""
    worker, command = new_ledger("w-1"), new_ledger("kit-worker")
    tenure = await fill(worker, one_of_all())
    await forget(command, ADA, [])
    with pytest.raises(EpochLost):
        await worker.save(tenure, one_of_all())
    with pytest.raises(EpochLost):
        await load(worker, tenure, ADA)
    anew = await worker.take(ACCOUNT)
    assert (await load(worker, anew, ADA)).records == {}
    assert anew.created_tags == 1


async def test_to_forget_ends_no_pause_and_doubts_no_answer(ledger: Ledger, clock: StandingClock) -> None:
    """Given a paused account that was left in good order, it is both afterwards."""
    tenure = await fill(ledger, one_of_all())
    await ledger.release(tenure)
    await Registry(ledger, "w-1").pause(ACCOUNT)
    clock.wait(60)
    await forget(ledger, ADA, [])
    assert (await Registry(ledger, "w-1").paused()).keys() == {ACCOUNT}
    assert (await ledger.take(ACCOUNT)).known_since == tenure.known_since


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


@asynccontextmanager
async def half_way(
    monkeypatch: pytest.MonkeyPatch, ledger: Ledger
) -> AsyncIterator[asyncio.Task[list[Erased]]]:
    """Forget Ada, who has moved, a line at a time; the block runs when the first is done, and it waits."""
    go_on, is_half_way = asyncio.Event(), asyncio.Event()
    end_of_portion = mentions._end_of_portion
    portions = 0

    async def pausing(*asked: Any) -> int | None:  # noqa: ANN401  # as the original has them
        nonlocal portions
        portions += 1
        if portions == 2:
            is_half_way.set()
            await go_on.wait()
        return await end_of_portion(*asked)

    monkeypatch.setattr(mentions, "PORTION", 1)
    monkeypatch.setattr(mentions, "_end_of_portion", pausing)
    forgetting = asyncio.create_task(forget(ledger, WORK, []))
    async with asyncio.timeout(10):
        await is_half_way.wait()
        yield forgetting
        go_on.set()
        await asyncio.wait({forgetting})


async def with_mentions(ledger: Ledger) -> Tenure:
    """Ada, who moved from home to work, and lines of nobody and of Bob that mention her."""
    hers = [record(HOME, moved_to=WORK), record(WORK, "VIP")]
    lines = [entry(BOB, f"1 {WORK}"), entry(WORK, "hers"), entry(BOB, f"2 {HOME}"), entry("", f"3 {WORK}")]
    return await fill(ledger, Batch(hers, [Person("u-a", WORK, 5.0)], lines))


async def test_workers_go_on_while_the_history_is_looked_through(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a history that takes long, accounts are written meanwhile, and what is new is erased as well."""
    tenure = await with_mentions(ledger)
    async with half_way(monkeypatch, ledger) as forgetting:
        async with asyncio.timeout(3):
            await ledger.save(tenure, Batch(entries=[entry(BOB, f"4 {HOME}"), entry("", f"5 {WORK}")]))
        assert not forgetting.done()
    assert [(each.records, each.history) for each in forgetting.result()] == [(2, 1)]
    assert about(await contents(ledger), HOME, WORK, "u-a") == []
    found = await find_history(ledger.database, account=ACCOUNT)
    assert [line.event_id for line in found] == ["1 (erased)", "2 (erased)", "4 (erased)"]


async def test_who_is_stopped_half_way_forgets_again_under_every_address(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a kill while the history is looked through, all is there to find the rest by, the next time."""
    await with_mentions(ledger)
    async with half_way(monkeypatch, ledger) as forgetting:
        forgetting.cancel()
        await asyncio.wait({forgetting})
    assert forgetting.cancelled()
    assert about(await contents(ledger), "u-a")
    monkeypatch.undo()

    (erased,) = await forget(ledger, HOME, [])

    assert (erased.records, erased.history, set(erased.addresses)) == (2, 1, {HOME, WORK})
    assert about(await contents(ledger), HOME, WORK, "u-a") == []


async def test_who_moves_meanwhile_is_forgotten_there_too(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given Ada, who moves on while the history is looked through, mentions of her new address are erased."""
    tenure = await with_mentions(ledger)
    await ledger.save(tenure, Batch(entries=[entry(BOB, f"6 {ADA}"), entry(BOB, "7")], number=2))
    async with half_way(monkeypatch, ledger) as forgetting:
        moved = [record(WORK, moved_to=ADA), record(ADA, "VIP")]
        await ledger.save(tenure, Batch(moved, [Person("u-a", ADA, 6.0)], moves=[(WORK, ADA)], number=3))
    (erased,) = forgetting.result()
    assert (erased.records, erased.history) == (3, 1)
    assert about(await contents(ledger), HOME, WORK, ADA, "u-a") == []


async def test_an_erasing_that_has_begun_ends_though_it_is_called_off(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given Ctrl-C while the rows themselves go, then they are gone, and whoever asked is told of it."""
    await with_mentions(ledger)
    told: list[Erased] = []
    begun, erase = asyncio.Event(), forgetting_module._erase

    async def noted(*given: Any, **named: Any) -> Any:  # noqa: ANN401  # as the original has them
        begun.set()
        return await erase(*given, **named)

    monkeypatch.setattr(forgetting_module, "_erase", noted)
    forgetting = asyncio.create_task(forget(ledger, WORK, [], told.extend))
    await begun.wait()
    forgetting.cancel()
    await asyncio.wait({forgetting})
    assert forgetting.cancelled()
    assert [each.records for each in told] == [2]
    assert about(await contents(ledger), HOME, WORK, "u-a") == []
