"""Plans of `apply` in the ledger: kept until others take their place, and carried out once."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime

from tests.integration.ledger.harness import ACCOUNT, ADA, BOB, EVE, execute, fill, record
from worker.ledger.forgetting import forget
from worker.ledger.journal import Action, Journal
from worker.ledger.migrations import MIGRATIONS, _with_plans
from worker.ledger.plan_runs import PlanAction, PlanRun, PlanRuns
from worker.ledger.plans import KEPT, KeptPlan, PlannedPerson, Plans, SaidOfPlan
from worker.ledger.store import Ledger
from worker.ledger.timers import Timers
from worker.subscribers.due_effect import DueEffect
from worker.subscribers.known import Batch

PEOPLE = [
    PlannedPerson(ADA, ("Newcomer", 'of "tea"'), ("New Member",), ()),
    PlannedPerson(BOB, (), (), ("Plan",)),
    PlannedPerson(EVE, ("Newcomer",), (), ()),
]

SAID = Action(ACCOUNT, "somebody", "apply ended", "h-1", 3, "Done: 3 people.")


async def made(ledger: Ledger, mark: str = "h-1", account: str = ACCOUNT) -> KeptPlan:
    plans = Plans(ledger)
    number = await plans.begin(account, "v-1", "admin ada@example.com")
    await plans.add(number, account, 1, PEOPLE[:2])
    await plans.add(number, account, 3, PEOPLE[2:])
    assert await plans.made(number, SaidOfPlan(mark, 3, 3, "null"))
    found = await plans.newest(account, mark)
    assert found is not None
    return found


async def run_of(ledger: Ledger, plan: KeptPlan) -> PlanRun:
    return (await PlanRuns(ledger).of(plan))[PlanAction.APPLY]


def effect(number: int) -> DueEffect:
    return DueEffect(
        id=f"apply-h-1-{number}", at=1.0, email=ADA, user_id=None, event_type="kit-worker.apply",
        event_id=f"apply-h-1-{number}", event_time=datetime(2026, 7, 1, tzinfo=UTC), what="", message=b"",
    )  # fmt: skip


async def timers(ledger: Ledger) -> int:
    return await Timers(ledger).count(ACCOUNT, "apply-h-1-")


async def test_it_is_found_once_it_is_made_and_its_people_are_read_in_portions(ledger: Ledger) -> None:
    plans = Plans(ledger)
    await ledger.ready()
    await plans.begin(ACCOUNT, "v-1", "somebody")
    assert await plans.all_of(ACCOUNT) == []
    plan = await made(ledger)
    assert await plans.all_of(ACCOUNT) == [plan]
    assert (plan.hash, plan.version, plan.people, plan.taggings) == ("h-1", "v-1", 3, 3)
    assert "ada@example.com" not in plan.who
    assert await plans.newest(ACCOUNT, "h-2") is None
    assert await plans.all_of("rainy") == []
    assert await plans.people(plan.id, after=0, limit=2) == {1: PEOPLE[0], 2: PEOPLE[1]}
    assert await plans.people(plan.id, after=2, limit=2) == {3: PEOPLE[2]}


async def test_one_that_was_never_begun_gives_way_and_of_others_the_newest_stay(ledger: Ledger) -> None:
    """Given plans that were carried out, and one that is still, the oldest go but for that one."""
    await ledger.ready()
    plans, runs = Plans(ledger), PlanRuns(ledger)
    other = await made(ledger, account="rainy")
    first = await made(ledger, "goes on")
    await runs.start(first, PlanAction.APPLY, "somebody")
    for number in range(KEPT + 1):
        plan = await made(ledger, f"done {number}")
        await runs.start(plan, PlanAction.APPLY, "somebody")
        await runs.end(await run_of(ledger, plan), {"applied": 3}, SAID)
    await made(ledger, "never begun")
    await made(ledger, "waits")
    expected = {"goes on": 3, "done 0": 0, "done 1": 0, "done 2": 3, "done 3": 3, "never begun": 0}
    for mark, count in {**expected, "waits": 3}.items():
        found = await plans.newest(ACCOUNT, mark)
        assert (0 if found is None else len(await plans.people(found.id, after=0, limit=9))) == count, mark
    assert await plans.all_of("rainy") == [other]
    assert await plans.drop(ACCOUNT) == 4
    assert await plans.all_of(ACCOUNT) == []
    assert len(await plans.people(other.id, after=0, limit=9)) == 3


async def test_of_two_that_are_made_at_once_the_later_one_stands(ledger: Ledger) -> None:
    await ledger.ready()
    plans = Plans(ledger)
    early = await plans.begin(ACCOUNT, "v-1", "one")
    late = await made(ledger)
    await plans.add(early, ACCOUNT, 1, PEOPLE)
    assert not await plans.made(early, SaidOfPlan("h-0", 3, 3, "null"))
    assert await plans.people(early, after=0, limit=9) == {}
    assert await plans.all_of(ACCOUNT) == [late]


async def test_whoever_sets_timers_sets_each_once_and_none_after_it_was_stopped(ledger: Ledger) -> None:
    """Given several who carry on with one run, each portion is set by one; nobody sets any after a stop."""
    await ledger.ready()
    plan, runs = await made(ledger), PlanRuns(ledger)
    await runs.start(plan, PlanAction.APPLY, "admin bob@example.com")
    begun = await run_of(ledger, plan)
    assert (begun.seen, begun.people, begun.ended_at, "bob@" in begun.who) == (0, 0, None, False)
    effects = [effect(1), effect(2)]
    await asyncio.gather(*(runs.set_timers(plan, begun, 2, effects) for _ in range(3)))
    then = await run_of(ledger, plan)
    assert (then.seen, then.people, await timers(ledger)) == (2, 2, 2)
    assert await runs.under_way() == [(plan, then)]

    await runs.stop(plan, PlanAction.APPLY)
    await runs.set_timers(plan, then, 3, [effect(3)])
    stopped = await run_of(ledger, plan)
    assert (stopped.seen, stopped.stopped_at is None, await timers(ledger)) == (2, False, 2)


async def test_its_end_is_noted_once_and_it_may_be_begun_anew(ledger: Ledger) -> None:
    await ledger.ready()
    plan, runs = await made(ledger), PlanRuns(ledger)
    await runs.start(plan, PlanAction.APPLY, "one")
    first = await run_of(ledger, plan)
    await asyncio.gather(*(runs.end(first, {"applied": 2, "not_done": 1}, SAID) for _ in range(3)))
    assert [line.action for line in await Journal(ledger).page(ACCOUNT)] == [SAID]
    ended = await run_of(ledger, plan)
    assert (ended.ends, ended.ended_at is None) == (Counter(applied=2, not_done=1), False)
    assert await runs.under_way() == []

    await runs.start(plan, PlanAction.APPLY, "another")
    await runs.set_timers(plan, first, 1, [effect(1)])
    again = await run_of(ledger, plan)
    assert (again.who, again.seen, again.ended_at, again.ends) == ("another", 0, None, Counter())
    await runs.end(first, {}, SAID)
    assert await run_of(ledger, plan) == again
    assert len(await Journal(ledger).page(ACCOUNT)) == 1


async def test_who_is_forgotten_is_in_no_plan(ledger: Ledger) -> None:
    await fill(ledger, Batch([record(ADA), record(BOB)]))
    plan = await made(ledger)
    await forget(ledger, ADA, [])
    assert await Plans(ledger).people(plan.id, after=0, limit=9) == {2: PEOPLE[1], 3: PEOPLE[2]}


async def test_a_ledger_of_before_gets_the_tables(ledger: Ledger) -> None:
    await ledger.ready()
    for table in ("plans", "planned_people", "plan_runs"):
        await execute(ledger, f"DROP TABLE {table}")
    version = 1 + MIGRATIONS.index(_with_plans)
    await execute(ledger, "UPDATE meta SET value = :version WHERE key = 'version'", version=str(version))
    await ledger.database.close()
    await fill(ledger, Batch([record(ADA)]))
    assert (await made(ledger)).people == 3
