"""Runs over dead letters, on both databases: which letters each is about, and who carries on with it."""

from __future__ import annotations

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
from tests.integration.ledger.harness import entry as line
from tests.unit.page.letters import entry
from worker.ledger.letter_index import LetterIndex
from worker.ledger.letter_runs import KEPT, LetterRuns, Run, RunAction, Wanted
from worker.ledger.letter_work import LOST_AFTER, LetterWork, RunEnd
from worker.ledger.letters import LetterPlace
from worker.ledger.migrations import MIGRATIONS, _what_became_of_replays
from worker.ledger.store import Ledger
from worker.subscribers.known import Batch

DEAD, ARCHIVE = LetterPlace.DEAD, LetterPlace.ARCHIVE
REPLAY = Wanted(RunAction.REPLAY, "operator", reason="invalid_event")


async def filled(ledger: Ledger, count: int = 3) -> LetterIndex:
    """Return an index with letters."""
    index = LetterIndex(ledger)
    await index.met(ACCOUNT, [entry(number) for number in range(1, count + 1)], DEAD)
    return index


async def begun(ledger: Ledger, wanted: Wanted = REPLAY) -> Run:
    """Begin a run."""
    run = await LetterRuns(ledger).begin(ACCOUNT, wanted)
    assert run is not None
    return run


async def test_a_run_is_about_the_letters_that_were_there_when_it_began(ledger: Ledger) -> None:
    """Given letters that come later, or of another reason, in the archive, of another account: not those."""
    index = await filled(ledger)
    await index.met(ACCOUNT, [entry(7, "wrong_app")], DEAD)
    await index.met(ACCOUNT, [entry(8)], ARCHIVE)
    await index.met("rainy", [entry(1)], DEAD)

    run = await begun(ledger)
    await index.met(ACCOUNT, [entry(9)], DEAD)

    assert await LetterWork(ledger).left(run) == {"letter-1", "letter-2", "letter-3"}
    assert (run.total, run.done, run.letter, run.ended_at) == (3, 0, 0, None)
    assert await LetterRuns(ledger).get("rainy", run.id) is None


async def test_no_letter_is_meant_that_somebody_did_not_see(ledger: Ledger) -> None:
    """Given three that somebody saw, those that came later are left; where older ones came back, all are."""
    index = await filled(ledger, 5)
    seen = REPLAY._replace(newest=(await index.page(ACCOUNT, DEAD, "invalid_event"))[2].number)

    assert await LetterRuns(ledger).begin(ACCOUNT, seen._replace(seen=2)) is None
    run = await begun(ledger, seen._replace(seen=3))

    assert await LetterWork(ledger).left(run) == {"letter-1", "letter-2", "letter-3"}
    assert await index.later(ACCOUNT, DEAD, "invalid_event", seen.newest or 0) == 2


async def test_the_oldest_one_is_tried_alone(ledger: Ledger) -> None:
    await filled(ledger)
    run = await begun(ledger, REPLAY._replace(oldest=True))
    assert await LetterWork(ledger).left(run) == {"letter-1"}
    assert (run.total, run.event_id) == (1, "e1")


async def test_no_letter_is_two_runs(ledger: Ledger) -> None:
    """Given one that is tried, a replay of its group takes the others, and a third run finds nothing."""
    index = await filled(ledger)
    await begun(ledger, REPLAY._replace(oldest=True))

    rest = await begun(ledger)

    assert await LetterWork(ledger).left(rest) == {"letter-2", "letter-3"}
    assert await LetterRuns(ledger).begin(ACCOUNT, REPLAY) is None
    (*_, first) = await index.page(ACCOUNT, DEAD, "invalid_event")
    one = Wanted(RunAction.DISCARD, "operator", letter=first.entry.id)
    assert await LetterRuns(ledger).begin(ACCOUNT, one) is None
    assert len(await LetterRuns(ledger).latest(ACCOUNT)) == 2


async def test_a_dry_run_takes_no_letter_from_others(ledger: Ledger) -> None:
    await filled(ledger)
    dry = await begun(ledger, REPLAY._replace(action=RunAction.DRY_RUN))
    assert (await begun(ledger)).total == dry.total == 3
    assert len(await LetterWork(ledger).left(dry)) == 3


async def test_what_is_done_is_gone_or_moved_and_counted(ledger: Ledger) -> None:
    index = await filled(ledger, 4)
    run, work = await begun(ledger), LetterWork(ledger)

    await work.done(run, ["letter-1"])
    await work.done(run, ["letter-2"], moved_to=ARCHIVE)
    await work.done(run, ["letter-3"], gone=True)
    await work.end(run, RunEnd("busy", "3 of 4.", "Again."))

    now = await LetterRuns(ledger).get(ACCOUNT, run.id)
    assert now is not None
    assert (now.done, now.gone, now.mood, now.result, now.remedy) == (3, 1, "busy", "3 of 4.", "Again.")
    assert now.ended_at == NOON.timestamp()
    (dead,), (archive,) = await index.groups(ACCOUNT, DEAD), await index.groups(ACCOUNT, ARCHIVE)
    assert (dead.count, dead.newest.entry.id, dead.newest.run) == (1, "letter-4", None)
    assert (archive.newest.entry.id, archive.newest.run) == ("letter-2", None)


async def test_who_is_killed_is_followed_by_another_who_does_what_is_left(
    new_ledger: NewLedger, clock: StandingClock
) -> None:
    """Given a run that somebody carries out, nobody else does, until no sign came for long, or at once."""
    one, other = new_ledger("w-1"), new_ledger("w-2")
    await filled(one)
    run = await begun(one)
    assert [each.id for each in await LetterWork(one).claim()] == [run.id]
    await LetterWork(one).done(run, ["letter-1"])
    assert await LetterWork(other).claim() == []

    clock.turn_to(NOON.timestamp() + LOST_AFTER)
    await LetterWork(one).sign([run.id])
    clock.turn_to(NOON.timestamp() + 2 * LOST_AFTER)
    assert await LetterWork(other).claim() == []
    clock.turn_to(NOON.timestamp() + 2 * LOST_AFTER + 1)

    (again,) = await LetterWork(other).claim()
    assert (again.id, again.done) == (run.id, 1)
    assert await LetterWork(other).left(again) == {"letter-2", "letter-3"}
    await LetterWork(other).let_go([run.id])
    assert [each.id for each in await LetterWork(one).claim()] == [run.id]


async def test_a_look_through_the_queue_drops_nothing_that_a_run_is_about(
    ledger: Ledger, clock: StandingClock
) -> None:
    index = await filled(ledger)
    await begun(ledger)
    clock.turn_to(NOON.timestamp() + 10)
    assert await index.sweep(ACCOUNT, DEAD, NOON.timestamp() + 5) == 0


async def test_no_end_names_an_address(ledger: Ledger) -> None:
    await filled(ledger)
    run = await begun(ledger)
    await LetterWork(ledger).end(run, RunEnd("bad", f"{ADA} is back", f"ask {ADA}"))
    ended = await LetterRuns(ledger).get(ACCOUNT, run.id)
    assert ended is not None
    assert (ended.result, ended.remedy) == ("a…@example.com is back", "ask a…@example.com")


async def test_what_became_of_replayed_events_is_counted_once_a_batch(ledger: Ledger) -> None:
    """Given ends in two batches, one of which is written twice, each counts once, and for its account."""
    await filled(ledger)
    run, runs = await begun(ledger), LetterRuns(ledger)
    tenure = await ledger.take(ACCOUNT)
    for number, ends in ((1, {"applied": 2}), (2, {"applied": 1, "superseded": 1}), (2, {"applied": 9})):
        replayed = {(run.id, outcome): count for outcome, count in ends.items()}
        await ledger.save(tenure, Batch(replayed=replayed, number=number))

    assert await runs.ends(ACCOUNT, run.id) == {"applied": 3, "superseded": 1}
    assert await runs.ends("rainy", run.id) == await runs.ends(ACCOUNT, run.id + 1) == {}


async def test_counts_of_a_run_go_with_it(ledger: Ledger) -> None:
    await filled(ledger)
    run = await begun(ledger)
    await fill(ledger, Batch(replayed={(run.id, "applied"): 1, (run.id + KEPT + 1, "applied"): 1}))
    await LetterWork(ledger).end(run, RunEnd("good", "1 of 1."))
    for _ in range(KEPT):
        await begun(ledger, REPLAY._replace(action=RunAction.DRY_RUN))
    assert (await contents(ledger))["dead_letter_ends"] == []


async def test_an_older_ledger_counts_what_became_of_replays(new_ledger: NewLedger) -> None:
    """Given a ledger from before, it gets the table; a worker of before goes on beside it."""
    old = new_ledger(migrations=MIGRATIONS[: MIGRATIONS.index(_what_became_of_replays)])
    await fill(old, one_of_all())
    await execute(old, "DROP TABLE dead_letter_ends")

    new = new_ledger()
    await fill(new, Batch(replayed={(1, "applied"): 1}))
    await fill(old, Batch(entries=[line(ADA, "e2")]))

    assert await LetterRuns(new).ends(ACCOUNT, 1) == {"applied": 1}


async def test_of_very_many_runs_the_oldest_go(ledger: Ledger) -> None:
    await filled(ledger)
    dry = REPLAY._replace(action=RunAction.DRY_RUN)
    running = await begun(ledger, dry)
    for _ in range(KEPT + 5):
        run = await begun(ledger, dry)
        await LetterWork(ledger).end(run, RunEnd("good", "Done."))

    left = await LetterRuns(ledger).latest(ACCOUNT, limit=2 * KEPT)

    assert len(left) == KEPT + 1
    assert left[-1].id == running.id
