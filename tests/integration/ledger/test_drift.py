"""Comparisons with Kit in the ledger: begun once, carried out by one, left and gone on with."""

from __future__ import annotations

from tests.clocks import StandingClock
from tests.integration.ledger.harness import ACCOUNT, ADA, BOB, EVE, NewLedger, execute, fill, record
from worker.ledger.by_kit_id import KitAccountOf, in_order_of_kit, is_due, record_now
from worker.ledger.drift import DONE, FAILED, GOING, LOST_AFTER, STOPPED, DriftRuns, FoundPerson, Progress
from worker.ledger.drift_tables import drift_found, drift_runs
from worker.ledger.forgetting import forget
from worker.ledger.migrations import MIGRATIONS, _what_kit_has_otherwise
from worker.ledger.store import Ledger
from worker.subscribers.drifted import DriftKind, DriftRow
from worker.subscribers.known import Batch

ROW = DriftRow(DriftKind.FIELD, "Plan", "Gold")
HALF = Progress("cursor", 7, 10, 1, 4, {("tags", "vip", ""): 2}, {"field": 1})


async def test_a_comparison_is_begun_stopped_and_gone_on_with(ledger: Ledger) -> None:
    """Given what was found before, it is there when the same one goes on, and gone with the next one."""
    runs = DriftRuns(ledger)
    begun = await runs.begin(ACCOUNT, "ops")
    assert (begun.state, begun.progress, begun.ended_at) == (GOING, Progress(), None)
    assert await runs.free() == {ACCOUNT}
    assert [each.account for each in await runs.claim([ACCOUNT, "rainy"])] == [ACCOUNT]
    assert (await runs.free(), await runs.claim([ACCOUNT])) == (set(), [])
    assert await runs.sign(ACCOUNT, HALF, [FoundPerson(BOB, (ROW,)), FoundPerson(ADA, (ROW,))])

    assert await runs.stop(ACCOUNT)
    assert not await runs.stop(ACCOUNT)
    assert not await runs.sign(ACCOUNT, Progress())
    stopped = await runs.get(ACCOUNT)
    assert stopped is not None
    assert (stopped.state, stopped.progress, stopped.worker) == (STOPPED, HALF, "")
    again = await runs.begin(ACCOUNT, "ops")
    assert (again.state, again.progress) == (GOING, HALF)
    (claimed,) = await runs.claim([ACCOUNT])
    assert claimed.progress == HALF

    await runs.end(ACCOUNT)
    done = await runs.get(ACCOUNT)
    assert done is not None
    assert (done.state, done.counts, done.ended_at is None) == (DONE, {"field": 1}, False)
    assert [each.email for each in await runs.found(ACCOUNT)] == [ADA, BOB]
    anew = await runs.begin(ACCOUNT, "ops")
    assert (anew.progress, anew.counts, anew.ended_at) == (Progress(), {"field": 1}, done.ended_at)
    assert await runs.found(ACCOUNT) == []


async def test_what_was_given_up_says_why_and_is_begun_anew(ledger: Ledger) -> None:
    runs = DriftRuns(ledger)
    await runs.begin(ACCOUNT, "ops")
    await runs.claim([ACCOUNT])
    await runs.sign(ACCOUNT, HALF)
    await runs.end(ACCOUNT, "Kit says no")
    failed = await runs.get(ACCOUNT)
    assert failed is not None
    assert (failed.state, failed.problem) == (FAILED, "Kit says no")
    assert (await runs.begin(ACCOUNT, "ops")).progress == Progress()


async def test_another_worker_carries_on_with_what_one_has_left(
    new_ledger: NewLedger, clock: StandingClock
) -> None:
    ours, theirs = new_ledger(worker="w-1"), new_ledger(worker="w-2")
    await DriftRuns(ours).begin(ACCOUNT, "ops")
    await DriftRuns(ours).claim([ACCOUNT])
    assert await DriftRuns(theirs).claim([ACCOUNT]) == []
    clock.wait(LOST_AFTER + 1)
    assert len(await DriftRuns(theirs).claim([ACCOUNT])) == 1
    assert not await DriftRuns(ours).sign(ACCOUNT, HALF)

    await DriftRuns(ours).let_go([ACCOUNT])
    assert await DriftRuns(ours).claim([ACCOUNT]) == []
    await DriftRuns(theirs).let_go([ACCOUNT])
    assert len(await DriftRuns(ours).claim([ACCOUNT])) == 1


async def test_records_come_in_the_order_of_kits_ids(ledger: Ledger) -> None:
    """Two addresses of one id come both; whom Kit does not know, and another account's, not at all."""
    people = [record(EVE, kit_id=3), record(ADA, kit_id=9), record(BOB, kit_id=9)]
    await fill(ledger, Batch([*people, record("nobody@example.com", kit_id=None)]))
    await fill(ledger, Batch([record(ADA, kit_id=5)]), account="rainy")
    of, database = KitAccountOf(ACCOUNT), ledger.database

    first = await in_order_of_kit(database, of, (0, ""), None, 2)
    last = first[-1]
    rest = await in_order_of_kit(database, of, (last.kit_id, last.record.email), None, 2)

    assert [(each.kit_id, each.record.email) for each in (*first, *rest)] == [(3, EVE), (9, ADA), (9, BOB)]
    assert len(await in_order_of_kit(database, of, (0, ""), 8, 9)) == 1
    assert (await record_now(database, of, "nobody@example.com")) is None
    found = await record_now(database, of, ADA)
    assert found is not None
    assert (found.kit_id, found.updated_at) == (9, first[-1].updated_at)
    assert not await is_due(database, ACCOUNT, ADA, 2e9)


async def test_what_was_found_of_somebody_forgotten_is_gone(ledger: Ledger) -> None:
    await fill(ledger, Batch([record(ADA), record(BOB)]))
    runs = DriftRuns(ledger)
    await runs.begin(ACCOUNT, "ops")
    await runs.claim([ACCOUNT])
    await runs.sign(ACCOUNT, HALF, [FoundPerson(ADA, (ROW,)), FoundPerson(BOB, (ROW,))])
    await forget(ledger, ADA, [ACCOUNT])
    assert await runs.found(ACCOUNT) == [FoundPerson(BOB, (ROW,))]
    assert (await runs.drop(ACCOUNT), await runs.get(ACCOUNT)) == (1, None)


async def test_a_ledger_of_before_gets_the_tables(ledger: Ledger) -> None:
    await ledger.ready()
    await execute(ledger, f"DROP TABLE {drift_runs.name}")
    await execute(ledger, f"DROP TABLE {drift_found.name}")
    await execute(ledger, "DROP INDEX subscribers_by_kit_id")
    version = 1 + MIGRATIONS.index(_what_kit_has_otherwise)
    await execute(ledger, "UPDATE meta SET value = :version WHERE key = 'version'", version=str(version))
    await ledger.database.close()
    assert (await DriftRuns(ledger).begin(ACCOUNT, "ops")).state == GOING
