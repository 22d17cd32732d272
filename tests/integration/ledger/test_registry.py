"""What workers and commands tell each other through the ledger; on both databases."""

from __future__ import annotations

import asyncio
import json

from sqlalchemy import delete, select, update

from tests.clocks import StandingClock
from tests.integration.ledger.harness import ACCOUNT, NewLedger, contents, load, one_of_all
from worker.ledger.pauses import Pause
from worker.ledger.registry import FORGOTTEN_AFTER, LIVE_FOR, REPLACED_AFTER, Registry
from worker.ledger.schema import accounts, consumers, workers
from worker.ledger.store import Ledger
from worker.metrics import VERSION


async def test_consumers_count_each_other(new_ledger: NewLedger) -> None:
    """Given consumers of one queue, each is told how many others are there, and of its own account only."""
    one, two, three = (Registry(new_ledger(), name) for name in ("w-1", "w-2", "w-3"))
    assert await one.consumes(ACCOUNT) == 0
    assert await one.consumes(ACCOUNT) == 0  # it does not count itself
    assert await two.consumes(ACCOUNT) == 1
    assert await three.consumes("rainy") == 0
    assert await three.consumes(ACCOUNT) == 2


async def test_two_workers_of_one_name_are_two(new_ledger: NewLedger) -> None:
    """Given a name that was given to two workers by mistake, they still count each other."""
    one, two = (Registry(new_ledger(), "same") for _ in range(2))
    await one.consumes(ACCOUNT)
    assert await two.consumes(ACCOUNT) == 1
    for each in (one, two):
        await each.beat({})
    assert len((await one.overview()).workers) == 2


async def test_a_worker_that_was_killed_and_started_again_is_one(
    new_ledger: NewLedger, clock: StandingClock
) -> None:
    """Given another process of its name, and others, the first one's signs end where its own have ended."""
    killed, again, other = (Registry(new_ledger(), name) for name in ("same", "same", "other"))
    for each in (killed, other):
        await each.beat({})
    await again.beat({})
    assert len((await again.overview()).workers) == 3  # it may be alive: nobody has waited yet
    clock.wait(REPLACED_AFTER + 1)
    await again.beat({})

    views = (await again.overview()).workers
    assert {(view.worker, view.instance) for view in views} == {
        ("same", again.instance), ("other", other.instance)
    }  # fmt: skip


async def test_a_worker_tells_its_version_and_an_older_one_none(new_ledger: NewLedger) -> None:
    """Given workers of two builds at one ledger, as while one upgrades, both are shown."""
    new, old = Registry(new_ledger(), "new"), Registry(new_ledger(), "old")
    accounts = {"version": {"state": "running"}}  # an account may be called so
    for each in (new, old):
        await each.beat(accounts)
    async with old.ledger.database.write() as connection:
        row = update(workers).where(workers.c.instance == old.instance)
        await connection.execute(row.values(state=json.dumps(accounts)))

    views = (await new.overview()).workers

    assert [(view.version, view.accounts) for view in views] == [(VERSION, accounts), ("", accounts)]


async def test_who_has_an_account_is_whoever_took_it_and_did_not_leave_it(new_ledger: NewLedger) -> None:
    ledger = new_ledger()
    registry = Registry(ledger, "w")
    assert (await registry.overview()).holders == {}
    tenure = await ledger.take(ACCOUNT, 7)
    assert (await registry.overview()).holders == {ACCOUNT: ledger.worker}
    await ledger.release(tenure)
    assert (await registry.overview()).holders == {}


async def test_who_is_silent_does_not_count(new_ledger: NewLedger, clock: StandingClock) -> None:
    """Given a worker without a sign, it counts until its time is over, and again from its next sign on."""
    one, two = Registry(new_ledger(), "w-1"), Registry(new_ledger(), "w-2")
    await one.consumes(ACCOUNT)
    await one.beat({})
    clock.wait(LIVE_FOR - 1)
    assert await two.consumes(ACCOUNT) == 1
    clock.wait(2)
    assert await two.consumes(ACCOUNT) == 0
    await one.beat({})
    assert await two.consumes(ACCOUNT) == 1


async def test_who_has_left_does_not_count(new_ledger: NewLedger) -> None:
    """Given a worker that ended in good order, nothing is left of it, and of the others nothing is lost."""
    one, two, three = (Registry(new_ledger(), name) for name in ("w-1", "w-2", "w-3"))
    for each in (one, two, three):
        await each.beat({ACCOUNT: {"state": "active"}})
        await each.consumes(ACCOUNT)
    await one.leave()
    assert await two.consumes(ACCOUNT) == 1
    assert {view.worker for view in (await two.overview()).workers} == {"w-2", "w-3"}
    await one.leave()  # once more does no harm


async def test_who_was_cleared_away_counts_again_from_its_next_sign_on(
    new_ledger: NewLedger, clock: StandingClock
) -> None:
    """Given a ledger that was replaced, or cleared by a clock that is ahead, who consumes is known again."""
    one, two = Registry(new_ledger(), "w-1"), Registry(new_ledger(), "w-2")
    await one.consumes(ACCOUNT)
    clock.wait(2 * FORGOTTEN_AFTER)
    await two.beat({})
    clock.wait(-2 * FORGOTTEN_AFTER)
    assert await two.consumes(ACCOUNT) == 0
    await one.beat({})
    assert await two.consumes(ACCOUNT) == 1


async def test_a_worker_is_seen_as_it_says(new_ledger: NewLedger, clock: StandingClock) -> None:
    """Given workers that gave a sign, everybody sees their last word, by name, and who is still at work."""
    one, two = Registry(new_ledger(), "w-2"), Registry(new_ledger(), "w-1")
    started = clock.time()
    await one.beat({ACCOUNT: {"state": "starting"}})
    await one.beat({ACCOUNT: {"state": "active", "last_error": None}})
    clock.wait(LIVE_FOR + 1)
    await two.beat({})

    views = (await Registry(new_ledger(), "kit-worker").overview()).workers

    assert [(view.worker, view.instance) for view in views] == [("w-1", two.instance), ("w-2", one.instance)]
    assert [(view.live, view.seen_at) for view in views] == [(True, clock.time()), (False, started)]
    assert views[1].accounts == {ACCOUNT: {"state": "active", "last_error": None}}


async def test_a_sign_that_says_nothing_new_is_one_all_the_same(
    new_ledger: NewLedger, clock: StandingClock
) -> None:
    """Given the same state again, others see it as of now; also where its row was cleared meanwhile."""
    one, other = Registry(new_ledger(), "w-1"), Registry(new_ledger(), "w-2")
    for state in (
        {},
        {"sunny": {"state": "running"}},
        {"sunny": {"state": "running"}},
        {"sunny": {"state": "held"}},
    ):
        clock.wait(LIVE_FOR / 2)
        await one.beat(state)
        (seen,) = (await other.overview()).workers
        assert (seen.live, seen.accounts) == (True, state)
    async with other.ledger.database.write() as connection:
        await connection.execute(delete(workers))
        await connection.execute(delete(consumers))
    await one.beat({"sunny": {"state": "held"}})
    (seen,) = (await other.overview()).workers
    assert (seen.live, seen.accounts) == (True, {"sunny": {"state": "held"}})


async def test_old_rows_vanish(new_ledger: NewLedger, clock: StandingClock) -> None:
    """Given a worker that was killed, the signs of others remove it after a day, and not before."""
    dead, alive = Registry(new_ledger(), "w-1"), Registry(new_ledger(), "w-2")
    await dead.beat({})
    await dead.consumes(ACCOUNT)
    clock.wait(FORGOTTEN_AFTER - 1)
    await alive.beat({})
    assert {view.worker for view in (await alive.overview()).workers} == {"w-1", "w-2"}
    clock.wait(2)
    await alive.beat({})
    rows = await contents(alive.ledger)
    assert [row[1] for row in rows["workers"]] == ["w-2"]
    assert rows["consumers"] == []


async def test_a_pause_is_heard_by_all_until_it_ends(new_ledger: NewLedger, clock: StandingClock) -> None:
    """Given accounts that are paused, also one that no worker ever took, all see which, and since when."""
    one, two = Registry(new_ledger(), "w-1"), Registry(new_ledger(), "w-2")
    assert await one.paused() == {}
    await two.pause(ACCOUNT)
    since = clock.time()
    clock.wait(60)
    await two.pause("never-taken")

    paused = {ACCOUNT: Pause(since), "never-taken": Pause(clock.time())}
    assert await one.paused() == paused
    assert (await one.overview()).paused == paused

    await one.resume(ACCOUNT)
    await one.resume("unheard-of")  # no harm, and no trace
    assert await two.paused() == {"never-taken": Pause(clock.time())}


async def test_a_pause_with_an_end_is_over_then_for_everybody(
    new_ledger: NewLedger, clock: StandingClock
) -> None:
    """Given a reason and an end, all are told both; at the end it goes on, and may be paused anew."""
    one, two = Registry(new_ledger(), "w-1"), Registry(new_ledger(), "w-2")
    since = clock.time()
    await one.pause(ACCOUNT, "ada@example.com moves tags", until=since + 60)
    clock.wait(59)
    assert await two.paused() == {ACCOUNT: Pause(since, since + 60, "a…@example.com moves tags")}
    clock.wait(1)
    assert await two.paused() == {}
    assert (await two.overview()).paused == {}
    await one.pause(ACCOUNT)
    assert await two.paused() == {ACCOUNT: Pause(clock.time())}


async def test_the_end_of_a_pause_is_heard_by_workers_of_before_there_were_ends(
    ledger: Ledger, clock: StandingClock
) -> None:
    """Given one that looks at the beginning alone, the next sign of any other takes that away."""
    registry = Registry(ledger, "w-1")
    await registry.pause("rainy")
    await registry.pause(ACCOUNT, until=clock.time() + 60)
    clock.wait(60)
    await registry.beat({})
    async with ledger.database.read() as connection:
        rows = await connection.execute(select(accounts.c.account, accounts.c.paused_at))
        beginnings = {row.account: row.paused_at is None for row in rows}
    assert beginnings == {ACCOUNT: True, "rainy": False}


async def test_a_pause_leaves_the_tenure_as_it_is(ledger: Ledger) -> None:
    """Given a pause and its end, whoever has the account goes on with its epoch and its counts."""
    registry = Registry(ledger, "w-1")
    tenure = await ledger.take(ACCOUNT)
    await ledger.save(tenure, one_of_all())
    await registry.pause(ACCOUNT)
    await ledger.save(tenure, one_of_all())
    await registry.resume(ACCOUNT)
    await load(ledger, tenure)
    await ledger.release(tenure)
    taken = await ledger.take(ACCOUNT)
    assert (taken.epoch, taken.created_tags, taken.known_since) == (tenure.epoch + 1, 2, tenure.known_since)


async def test_a_second_pause_has_another_reason_and_end_and_the_same_beginning(
    ledger: Ledger, clock: StandingClock
) -> None:
    """Given an account that is paused, it stays so since then, whoever pauses it again or takes it."""
    registry = Registry(ledger, "w-1")
    await registry.pause(ACCOUNT, "moving tags", until=clock.time() + 61)
    since = clock.time()
    clock.wait(60)
    await registry.pause(ACCOUNT)
    await ledger.take(ACCOUNT)
    await ledger.ready()
    assert await registry.paused() == {ACCOUNT: Pause(since)}
    assert not await registry.pause(ACCOUNT, "something else", until=clock.time() + 9, anew=False)
    assert not await registry.resume(ACCOUNT, since=since - 1)
    assert await registry.paused() == {ACCOUNT: Pause(since)}
    assert await registry.resume(ACCOUNT, since=since)
    assert await registry.pause(ACCOUNT, anew=False)
    await registry.resume(ACCOUNT)
    await registry.pause(ACCOUNT)
    assert await registry.paused() == {ACCOUNT: Pause(clock.time())}


async def test_signs_at_once_do_not_hinder_each_other(new_ledger: NewLedger, clock: StandingClock) -> None:
    """Given twelve workers that come, give signs, remove the dead and go at once, none of them fails."""
    clock.wait(-FORGOTTEN_AFTER - 1)
    for number in range(20):
        await Registry(new_ledger(), "dead", instance=str(number)).beat({})
    clock.wait(FORGOTTEN_AFTER + 1)
    registries = [Registry(new_ledger(), f"w-{number}") for number in range(12)]

    async def live(registry: Registry) -> None:
        for _ in range(3):
            await registry.consumes(ACCOUNT)
            await registry.beat({ACCOUNT: {"state": "active"}})
        await registry.paused()

    async with asyncio.timeout(30):
        await asyncio.gather(*map(live, registries))
    assert len((await registries[0].overview()).workers) == 12
    assert await registries[0].consumes(ACCOUNT) == 11


async def test_who_has_what_outlives_whoever_wrote_it(new_ledger: NewLedger) -> None:
    """Given accounts that have something, then others are told, and only what an account has left is free."""
    await Registry(new_ledger(), "w-1").keep_claims({"sunny": "a", "key": "a", "rainy": "b"})
    later = Registry(new_ledger(), "w-2")
    assert await later.claims() == {"sunny": "a", "key": "a", "rainy": "b"}

    await later.keep_claims({"sunny": "c", "key": "a"})

    assert await later.claims() == {"sunny": "c", "key": "a", "rainy": "b"}
    await later.keep_claims({"other": "a"})
    assert await later.claims() == {"sunny": "c", "rainy": "b", "other": "a"}
