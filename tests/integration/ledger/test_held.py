"""What is held, on SQLite and PostgreSQL: it follows its people, and goes by a plan that is still true."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import select

from tests.integration.ledger.harness import ACCOUNT, NewLedger, contents
from tests.unit.examples import order
from worker.ledger.forgetting import forget
from worker.ledger.held import held_counts, held_plan
from worker.ledger.registry import Registry
from worker.ledger.schema import due
from worker.ledger.store import Ledger
from worker.ledger.taggings import drop_taggings, taggings_lately
from worker.ledger.takeover import Tenure
from worker.ops.allow import NotThePlan, allow
from worker.ops.presence import Presence
from worker.subscribers.known import Batch
from worker.subscribers.record import Record
from worker.subscribers.record_parts import HeldTag


def holding(email: str, *tags: str) -> Record:
    """Return a record of somebody of whom these tags are held."""
    held = {tag.lower(): HeldTag(tag, order(1), 17.0, "user.signed_up") for tag in tags}
    return Record(email, 7, held=held)


async def written(ledger: Ledger, tenure: Tenure, *records: Record) -> None:
    await ledger.save(tenure, Batch(list(records), holds=True))


async def held(ledger: Ledger) -> dict[str, int]:
    """Return how many people are held by tag."""
    return {group.tag: group.people for group in (await held_plan(ledger, ACCOUNT)).groups}


async def test_what_is_held_is_what_the_records_say_and_is_told_by_tag_and_event(
    new_ledger: NewLedger,
) -> None:
    ledger = new_ledger()
    tenure = await ledger.take(ACCOUNT)
    await written(ledger, tenure, holding("ada@x.org", "VIP", "New"), holding("bob@x.org", "New"))
    plan = await held_plan(ledger, ACCOUNT)
    assert [(each.tag, each.event_type, each.people) for each in plan.groups] == [
        ("New", "user.signed_up", 2), ("VIP", "user.signed_up", 1),
    ]  # fmt: skip
    assert (plan.count, plan.on_the_way, await held_counts(ledger)) == (3, 0, {ACCOUNT: 3})
    await written(ledger, tenure, holding("ada@x.org", "VIP"), holding("bob@x.org"))
    assert await held(ledger) == {"VIP": 1}
    assert (await ledger.take(ACCOUNT)).recent_taggings.holds


async def test_only_a_plan_that_is_still_true_is_let_through_and_nothing_that_came_since(
    new_ledger: NewLedger,
) -> None:
    """Given tags that are held since, the plan holds; given one that is wanted no more, it does not."""
    ledger = new_ledger()
    tenure = await ledger.take(ACCOUNT)
    await written(ledger, tenure, holding("ada@x.org", "New"), holding("bob@x.org", "New"))
    seen = (await held_plan(ledger, ACCOUNT)).hash
    await written(ledger, tenure, holding("cy@x.org", "New"))
    done = await allow(ledger, ACCOUNT, "somebody", plan=seen)
    assert (done.count, done.left.count, done.left.on_the_way) == (2, 1, 2)
    with pytest.raises(NotThePlan):
        await allow(ledger, ACCOUNT, "somebody", plan=seen)
    last = done.left.hash
    await written(ledger, tenure, holding("cy@x.org"))
    with pytest.raises(NotThePlan):
        await allow(ledger, ACCOUNT, "somebody", plan=last)
    async with ledger.database.read() as connection:
        emails = (await connection.execute(select(due.c.email).order_by(due.c.email))).scalars().all()
    assert emails == ["ada@x.org", "bob@x.org"]


async def test_so_many_of_the_oldest_are_let_through_and_what_gets_lost_is_held_as_before(
    new_ledger: NewLedger,
) -> None:
    ledger = new_ledger()
    tenure = await ledger.take(ACCOUNT)
    for number in range(5):
        await written(ledger, tenure, holding(f"p{number}@x.org", "New", "VIP"))
    assert (await allow(ledger, ACCOUNT, "somebody", count=3)).left.count == 7
    async with ledger.database.write() as connection:
        timers = (await connection.execute(select(due.c.email, due.c.id))).all()
        assert {each.email for each in timers} == {"p0@x.org", "p1@x.org"}
        await connection.execute(due.delete().where(due.c.email == "p0@x.org"))
    assert (await held_plan(ledger, ACCOUNT)).count == 9
    assert (await allow(ledger, ACCOUNT, "somebody", count=100)).left.count == 0


async def test_whoever_is_forgotten_and_an_account_that_is_removed_leave_nothing_held(
    new_ledger: NewLedger,
) -> None:
    ledger = new_ledger()
    tenure = await ledger.take(ACCOUNT)
    batch = Batch([holding("ada@x.org", "New"), holding("bob@x.org", "New")], taggings={60: 2}, holds=True)
    await ledger.save(tenure, batch)
    await allow(ledger, ACCOUNT, "somebody", count=1)
    await forget(ledger, "ada@x.org", [ACCOUNT])
    plan = await held_plan(ledger, ACCOUNT)
    assert (plan.count, plan.on_the_way) == (1, 0)
    assert await drop_taggings(ledger.database, ACCOUNT) == 1
    assert await held_counts(ledger) == {}


async def test_what_was_counted_adds_up_and_is_known_to_the_next_who_takes_the_account(
    new_ledger: NewLedger,
) -> None:
    """Given counts of one minute in two batches, one of them written twice, each counts once."""
    ledger = new_ledger()
    tenure, now = await ledger.take(ACCOUNT), int(ledger.clock.time()) // 60 * 60
    await ledger.save(tenure, Batch(taggings={now: 3, now - 7200: 9}, number=1))
    for _ in range(2):
        await ledger.save(tenure, Batch(taggings={now: -1, now - 60: 4}, number=2))
    assert (await ledger.take(ACCOUNT)).recent_taggings.counted == {now: 2, now - 60: 4}


async def test_what_was_counted_long_ago_goes(ledger: Ledger) -> None:
    """Given counts of many hours, a worker that prunes leaves those that still count."""
    tenure, now = await ledger.take(ACCOUNT), int(ledger.clock.time()) // 60 * 60
    await ledger.save(tenure, Batch(taggings={now - hours * 3600: 1 for hours in range(6)}))
    nobody: Any = SimpleNamespace()
    presence = Presence(cast("Registry", SimpleNamespace(ledger=ledger)), nobody, nobody, nobody, 30)
    await presence._prune()  # which it does by itself once an hour
    kept = {row[1] for row in (await contents(ledger))["taggings"]}
    assert {now, now - 3600} <= kept <= {now, now - 3600, now - 7200}


async def test_what_is_counted_ahead_is_not_called_yet_and_counts_for_the_next_tenure(
    new_ledger: NewLedger,
) -> None:
    """Given a block of which some are called, explain knows how many; whoever takes over counts all of it."""
    ledger = new_ledger()
    tenure, now = await ledger.take(ACCOUNT), int(ledger.clock.time()) // 60 * 60
    await ledger.save(tenure, Batch(taggings={now: 20}, ahead={now: 20}, number=1))
    await ledger.save(tenure, Batch(ahead={now: -7}, number=2))
    assert (await taggings_lately(ledger.database, ACCOUNT, now)).counted == {now: 7}

    tenure = await ledger.take(ACCOUNT)
    assert tenure.recent_taggings.counted == {now: 20}
    assert (await taggings_lately(ledger.database, ACCOUNT, now)).counted == {now: 20}
    await ledger.save(tenure, Batch(taggings={now: 10}, ahead={now: 10}, number=1))
    assert (await taggings_lately(ledger.database, ACCOUNT, now)).counted == {now: 20}


async def test_a_plan_of_nothing_is_none(new_ledger: NewLedger) -> None:
    ledger = new_ledger()
    assert (await held_plan(ledger, ACCOUNT)).hash == ""
    for plan in ("", "x", "0-00000000", "f" * 99 + "-1"):
        with pytest.raises(NotThePlan):
            await allow(ledger, ACCOUNT, "somebody", plan=plan)
