"""A run is handed over once, in its order, and undone as far as it newly put tags on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.ops.backfill.test_plan import OWN, Bench, bench, row
from tests.unit.ops.test_rehearsal import NAMES, Happens, body_of
from worker.consumer.due_message import due_again
from worker.consumer.own_message import UNDO_TYPE
from worker.events.event import Imported
from worker.ledger.due import find_due
from worker.ledger.forgetting import forget
from worker.ledger.person import records_of
from worker.ledger.timers import Timers
from worker.ops.backfill import run as run_module
from worker.ops.backfill.plan import BEGUN
from worker.ops.backfill.run import (
    HANDED_OVER,
    STOPPED,
    HowFar,
    ends,
    latest,
    stage_of,
    start,
    stop,
    undo,
)
from worker.ops.backfill.spool import Spool
from worker.ops.letters.dry_run import as_delivered
from worker.ops.own_runs import left
from worker.subscribers.record import Record

WHO = "the command line"
ADA = "ada@example.com"
PAID = {"customer", "bought tea", "bought cake"}
CREATES = OWN.filter(lambda each: each.kind != "order.paid")
"""What creates nobody waits for somebody to be there in Kit, and what is only learned finds nobody."""


async def work_off(it: Bench) -> list[str]:
    """Let all timers come that have run out, and return their ids in that order."""
    timers, done = Timers(it.ledger), list[str]()
    while claimed := await timers.claim(it.account.name, lost=True):
        for each in claimed:
            message = due_again(it.account.name, each.message)
            await it.worker.ends(as_delivered(message, datetime.now(UTC)))
        done += [each.id for each in claimed]
    return done


async def handed_over(it: Bench, rows: list[bytes], imported: Imported) -> str:
    """Plan rows, and have them taken in; return the name of the run."""
    with Spool() as spool:
        plan = await it.planned(spool, rows, imported)
        await start(it.ledger, plan, WHO)
    await work_off(it)
    return plan.run


async def test_rows_are_handed_over_in_the_order_of_the_plan() -> None:
    async with bench() as it:
        rows = [
            row("user.signed_up", email="bob@example.com"),
            *(row("user.signed_up", time=f"2024-01-0{day}T00:00:00Z") for day in (1, 3, 2)),
            row("user.signed_up", email="cy@example.com"),
        ]
        with Spool() as spool:
            plan = await it.planned(spool, rows)
            name, run = it.account.name, plan.run
            assert stage_of(await latest(it.ledger, name, run)) is HowFar.NEW
            await start(it.ledger, plan, WHO)
            assert stage_of(await latest(it.ledger, name, run)) is HowFar.HANDED_OVER
            assert await left(it.ledger, name, run) == 5
            await start(it.ledger, plan, WHO)
            assert await left(it.ledger, name, run) == 5, "who is interrupted says it once more"
        lines = [int(each.rpartition("-")[2]) for each in await work_off(it)]
        assert lines == [1, 3, 4, 2, 5]
        assert await left(it.ledger, name, run) == 0
        assert await ends(it.ledger, name, run) == {"applied": 3, "superseded": 2}


async def test_a_run_that_is_stopped_takes_no_more_in() -> None:
    async with bench() as it:
        with Spool() as spool:
            plan = await it.planned(
                spool, [row("user.signed_up", email=f"p{each}@example.com") for each in range(9)]
            )
            await start(it.ledger, plan, WHO)
            assert await stop(it.ledger, it.account.name, plan.run, WHO) == 9
        line = await latest(it.ledger, it.account.name, plan.run)
        assert line is not None
        assert (line.action.action, line.action.count, stage_of(line)) == (STOPPED, 9, HowFar.NEW)
        assert await work_off(it) == []
        assert {BEGUN, HANDED_OVER, STOPPED} == {"backfill", "backfill handed over", "stop"}


@pytest.mark.timeout(400)  # for each event the ledger, Kit and a worker are asked
@given(
    st.lists(OWN, max_size=10),
    st.lists(OWN, min_size=1, max_size=20),
    st.sampled_from([Imported(), Imported(marker="Old")]),
)
@settings(max_examples=30, deadline=None)
async def test_undo_leaves_what_was_there_less_what_the_run_took_off(
    before: list[Happens], file: list[Happens], imported: Imported
) -> None:
    """Given events of before, and any file without moves, nobody has a tag by the run once it is undone."""
    async with bench() as it:
        for number, each in enumerate(before):
            await it.live(body_of(number, each), each.kind)
        had = it.has()
        run = await handed_over(
            it, [body_of(number + 100, each) for number, each in enumerate(file)], imported
        )
        taken = it.has()
        await undo(it.ledger, it.account.name, run, WHO)
        await work_off(it)
        # What creates nobody may have waited for a row that does, and is no row's.
        paid = {f"{NAMES[each.who % 3]}@example.com" for each in before if each.kind == "order.paid"}
        for email, tags in tags_of(it.has()).items():
            stays = had[email][0] & taken[email][0] if email in had else frozenset[str]()
            waited = PAID & taken[email][0] if email in paid else frozenset[str]()
            assert stays <= tags <= stays | waited, f"{email}: {tags}, not {stays} and of {waited}"


def tags_of(everybody: Mapping[str, Any]) -> Mapping[str, frozenset[str]]:
    return {email: tags for email, (tags, _) in everybody.items()}


async def test_what_others_touched_since_stays() -> None:
    """Given an event that asks for a tag again, it stands; one that comes later, and is older, does not."""
    async with bench() as it:
        rows = [row("user.signed_up", email=f"{name}@example.com") for name in ("ada", "bob", "cy")]
        run = await handed_over(it, rows, Imported())
        newer = row("user.signed_up", time="2024-05-05T00:00:00Z")
        await it.live(newer, "user.signed_up")
        older = row("user.signed_up", time="2023-05-05T00:00:00Z", email="bob@example.com")
        await it.live(older, "user.signed_up")
        assert await undo(it.ledger, it.account.name, run, WHO) == 2
        await work_off(it)
        assert tags_of(it.has()) == {
            "ada@example.com": {"new member"}, "bob@example.com": set(), "cy@example.com": set(),
        }  # fmt: skip
        assert await undo(it.ledger, it.account.name, run, WHO) == 0, "once is enough"


async def test_rows_that_are_on_their_way_are_taken_back_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a row that is in the queue when somebody says undo, it is waited for, as it comes in."""
    monkeypatch.setattr(run_module, "LOOK_EVERY", 0.01)
    async with bench() as it:
        with Spool() as spool:
            plan = await it.planned(spool, [row("user.signed_up"), row("user.signed_up", "bob@example.com")])
            await start(it.ledger, plan, WHO)
        timers, name = Timers(it.ledger), it.account.name
        [first, second] = await timers.claim(name, lost=True)
        await timers.confirmed(name, [first])
        await timers.release(name, [second])
        undoing = asyncio.create_task(undo(it.ledger, name, plan.run, WHO))
        while await left(it.ledger, name, plan.run) == 2:
            await asyncio.sleep(0.01)
        assert not undoing.done()
        await it.worker.ends(as_delivered(due_again(name, first.message), datetime.now(UTC)))
        assert await undoing == 1
        await work_off(it)
        assert it.new_taggings() == 1
        assert not any(tags for tags, _ in it.has().values())


async def test_a_row_with_a_sequence_is_undone_too() -> None:
    """Given CloudEvents that are ordered by a sequence, which sorts before every time."""
    async with bench() as it:
        event = json.loads(row("user.signed_up", id="e-1")) | {
            "specversion": "1.0",
            "source": "x",
            "sequence": "7",
        }
        run = await handed_over(it, [json.dumps(event).encode()], Imported())
        assert tags_of(it.has()) == {"ada@example.com": {"new member"}}
        await undo(it.ledger, it.account.name, run, WHO)
        await work_off(it)
        assert tags_of(it.has()) == {"ada@example.com": set()}


async def test_who_is_forgotten_meanwhile_has_no_row_any_more_and_does_not_come_back() -> None:
    """Given a row that waits, and another that is on its way, of somebody whom nobody knew before."""
    async with bench() as it:
        rows = [row("user.signed_up", email=f"{name}@example.com") for name in ("ada", "bob")]
        with Spool() as spool:
            plan = await it.planned(spool, rows)
            await start(it.ledger, plan, WHO)
            erased = await forget(it.ledger, "ada@example.com", [it.account.name])
            assert [each.due for each in erased] == [1]
            assert await left(it.ledger, it.account.name, plan.run) == 1
            await start(it.ledger, plan, WHO)
            await work_off(it)
        assert list(it.has()) == ["bob@example.com"]
        assert await ends(it.ledger, it.account.name, plan.run) == {"applied": 1}


@pytest.mark.timeout(400)  # for each event the ledger, Kit and a worker are asked
@given(st.lists(CREATES, max_size=10), st.lists(CREATES, min_size=1, max_size=20))
@settings(max_examples=15, deadline=None)
async def test_what_is_known_teaches_the_ledger_what_a_whole_import_would(
    before: list[Happens], file: list[Happens]
) -> None:
    """Given any rows, Kit is not called, and the ledger knows as much."""
    events = [(body_of(number, each), each.kind) for number, each in enumerate(before)]
    rows = [body_of(number + 100, each) for number, each in enumerate(file)]
    known = list[Mapping[str, Any]]()
    for imported in (Imported(), Imported(known=True)):
        async with bench() as it:
            for body, kind in events:
                await it.live(body, kind)
            had = it.has()
            await handed_over(it, rows, imported)
            if imported.known:
                assert it.has() == had
            emails = [f"{name}@example.com" for name in NAMES]
            records = await records_of(it.ledger.database, it.account.name, emails)
            known.append({email: knows(record) for email, record in records.items()})
    assert known[0] == known[1]


def knows(record: Record) -> Any:  # noqa: ANN401  # what can be compared
    tags = {key for key, tag in record.tags.items() if tag.part.value.present}
    fields = {name: field.part.value for name, field in record.fields.items() if field.part.value}
    facts = [fact.key for fact in record.facts]  # live events have another place in each ledger
    return tags, fields, facts, record.first_name and record.first_name.part.value


async def test_what_a_run_set_for_later_does_not_happen_once_it_is_undone() -> None:
    """Given rows that take effect later, or end then, only what live events have set goes on."""
    later = "2999-01-01T00:00:00Z"
    async with bench() as it:
        live = row("access.granted", access={"level": "Silver", "expires_at": later}, id="e-1")
        await it.live(live, "access.granted")
        rows = [
            live,
            row("access.granted", access={"level": "Gold", "expires_at": later}, id="e-1"),
            row("subscription.canceled", "bob@example.com", subscription={"id": "s", "ends_at": later}),
        ]
        rows[1] = rows[1].replace(b"2024-01-01", b"2024-01-02")
        run = await handed_over(it, rows, Imported())
        assert len(await find_due(it.ledger.database)) == 3
        await undo(it.ledger, it.account.name, run, WHO)
        (stays, undoes) = sorted(await find_due(it.ledger.database), key=lambda timer: timer.event_type)
        assert (stays.what, undoes.event_type) == ("tag 'Silver access' off", UNDO_TYPE)


async def test_of_one_time_a_later_line_stands_also_over_a_stop_and_a_later_file() -> None:
    """Given rows of one person and one time, of which the last came in before others were taken up again."""

    def rows(*levels: str) -> list[bytes]:
        return [row("access.granted", access={"level": level}) for level in levels]

    def level(it: Bench) -> str | None:
        return it.has()[ADA][1].get("mk_access_level")

    async with bench() as it:
        with Spool() as spool:
            plan = await it.planned(spool, rows("one", "two", "three"))
            await start(it.ledger, plan, WHO)
            last = next(each for each in plan.spool.some(plan.order) if each.id.endswith("3"))
        await it.worker.ends(as_delivered(due_again(it.account.name, last.message), datetime.now(UTC)))
        await stop(it.ledger, it.account.name, plan.run, WHO)
        await handed_over(it, [row("user.signed_up")], Imported())
        await handed_over(it, rows("one", "two", "three"), Imported())
        assert level(it) == "three"
        for number in range(8):
            await handed_over(it, rows(f"right {number}"), Imported())
            assert level(it) == f"right {number}"


@pytest.mark.parametrize("ended_before", [True, False])
async def test_fields_alone_take_no_tag_off_and_hold_none(*, ended_before: bool) -> None:
    """Given two subscriptions of which one ends, and a file that has the other one's renewal."""

    def about(kind: str, which: str, second: int) -> bytes:
        of = {"id": which, "plan": "Annual"}
        return row(f"subscription.{kind}", time=f"2024-01-01T00:00:{second:02}Z", subscription=of)

    lived = [about("started", "s1", 1), about("started", "s2", 2), about("canceled", "s2", 10)]
    async with bench() as it:
        for body in lived if ended_before else lived[:2]:
            await it.live(body, json.loads(body)["type"])
        before = it.has()[ADA][0]
        await handed_over(it, [about("started", "s1", 5)], Imported(fields_only=True))
        assert it.has()[ADA][0] == before
        for body in [] if ended_before else lived[2:]:
            await it.live(body, json.loads(body)["type"])
        assert it.has()[ADA][0] == before
