"""Timers as their people and accounts go on: counted, found, moved, set anew, forgotten and removed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.clocks import StandingClock
from tests.integration.ledger.harness import (
    ACCOUNT,
    ADA,
    BOB,
    LATER,
    NewLedger,
    effect,
    entry,
    execute,
    fill,
    one_of_all,
    record,
)
from tests.integration.ledger.timers import claimed, ids
from worker.ledger.due import Timer, find_due, timers_of
from worker.ledger.forgetting import forget
from worker.ledger.migrations import MIGRATIONS, _what_is_due
from worker.ledger.store import Ledger
from worker.ledger.timers import MOST_AT_ONCE, Timers, Waiting
from worker.subscribers.due_effect import DueAnew, EventName, SetTimer
from worker.subscribers.known import Batch, Person


async def test_of_what_is_heard_anew_just_that_is_due_which_is_asked_for_now(ledger: Ledger) -> None:
    """Given timers of two events of Ada, one of which is heard anew, those that it asks for are set alone.

    One that stays is told as it is now, and is no other one: perhaps it is on its way.
    """
    stays, goes = effect("stays"), effect("goes", at=LATER + 60)
    others = [effect("hers", event_id="e-2"), effect("his", BOB), effect("undated", event_id=None)]
    tenure = await fill(ledger, Batch(due=[stays, goes, *others]))
    await execute(ledger, "UPDATE due SET published = 1 WHERE id = 'stays'")
    event = EventName("subscription.canceled", "e-1", "2026-07-01T12:00:00Z")
    new = effect("new", "ada@old.example", at=LATER + 90)
    heard = DueAnew(frozenset({event}), (effect("stays", what="tag 'Gone'"), new))

    await ledger.save(tenure, Batch(entries=[entry(ADA)], anew=[(ADA, heard)]))

    assert sorted(await ids(ledger)) == ["hers", "his", "new", "stays", "undated"]
    timers = await timers_of(ledger.database, ACCOUNT, [ADA])
    assert {each.id: each.what for each in timers[ADA]} == {
        "hers": stays.what, "new": new.what, "stays": "tag 'Gone'", "undated": stays.what
    }  # fmt: skip
    assert SetTimer("stays", "tag 'Gone'", event) in timers[ADA]
    assert await claimed(ledger) == []

    await ledger.save(tenure, Batch(entries=[entry(ADA)], anew=[(ADA, DueAnew(frozenset({event}), ()))]))
    assert sorted(await ids(ledger)) == ["hers", "his", "undated"]


async def test_timers_are_counted(ledger: Ledger, clock: StandingClock) -> None:
    """Given timers of two accounts, each has its count, and the next that was not published yet."""
    await fill(ledger, Batch(due=[effect(), effect("d-2", at=LATER + 7)]))
    await fill(ledger, Batch(due=[effect()]), account="rainy")
    clock.turn_to(LATER)
    timers = Timers(ledger)
    for name in (ACCOUNT, "rainy"):
        await timers.confirmed(name, await timers.claim(name, lost=False))

    found = {ACCOUNT: Waiting(2, LATER + 7, published=1), "rainy": Waiting(1, None, published=1)}
    assert await timers.waiting() == (LATER, found)
    assert [found[ACCOUNT].late(LATER + seconds) for seconds in (3, 10)] == [0, 3]
    assert found["rainy"].late(LATER + 10) == 0
    assert replace(found[ACCOUNT], published=MOST_AT_ONCE).late(LATER + 10) == 0


async def test_an_account_that_is_removed_takes_its_timers_along(ledger: Ledger) -> None:
    await fill(ledger, Batch(due=[effect(), effect("d-2")]))
    await fill(ledger, Batch(due=[effect("d-3")]), account="rainy")

    assert await Timers(ledger).drop(ACCOUNT) == 2

    assert await ids(ledger) == ["d-3"]


async def test_timers_follow_a_move(ledger: Ledger) -> None:
    """Given a person who moves, what is due for that person moves along, and nobody else's."""
    tenure = await fill(ledger, Batch(due=[effect(), effect("d-2", BOB)]))
    await fill(ledger, Batch(due=[effect()]), account="rainy")

    await ledger.save(tenure, Batch([record("ada@new.example")], moves=[(ADA, "ada@new.example")]))

    found = await find_due(ledger.database, account=ACCOUNT)
    assert [timer.email for timer in found] == ["ada@new.example", BOB]
    assert [timer.email for timer in await find_due(ledger.database, account="rainy")] == [ADA]


@pytest.mark.parametrize("email", ["ada@home.example", ADA])
async def test_what_is_due_is_forgotten_with_its_person(ledger: Ledger, email: str) -> None:
    """Given any address of a person, all that is due is erased: by address, and by the user's id."""
    home = "ada@home.example"
    mine = [effect(), effect("d-2", home), effect("d-3", "else@example.com", user_id="u-a")]
    his = [effect("d-4", BOB, user_id="u-b", what=f"tag 'Friend of {ADA}'")]
    await fill(
        ledger, Batch([record(ADA, moved_to=home), record(home)], [Person("u-a", home)], due=[*mine, *his])
    )

    (erased, *_) = await forget(ledger, email, [])

    assert erased.due == 3
    assert [timer.what for timer in await find_due(ledger.database)] == ["tag 'Friend of (erased)'"]


async def test_what_is_due_is_found(ledger: Ledger) -> None:
    """Given timers, people ask by address, account and event."""
    await fill(ledger, Batch(due=[effect("d-2", at=LATER + 5), effect()]))
    await fill(ledger, Batch(due=[effect("d-3", BOB, event_id="e-2")]), account="rainy")
    timer = Timer(
        ACCOUNT, ADA, "e-1", "subscription.canceled", "2026-07-01T12:00:00Z", LATER, "tag 'Cancelled'"
    )

    assert await find_due(ledger.database, emails=[ADA]) == [timer, replace(timer, at=LATER + 5)]
    assert await find_due(ledger.database, emails=[ADA], limit=1) == [timer]
    assert await find_due(ledger.database, event_id="e-1", account="rainy") == []
    assert await find_due(ledger.database, tag="CANCELLED ", limit=1) == [timer]
    assert await find_due(ledger.database, tag="Cancel") == []
    (other,) = await find_due(ledger.database, event_id="e-2", account="rainy")
    assert (other.account, other.email) == ("rainy", BOB)


async def test_a_ledger_of_before_gets_a_place_for_timers(
    new_ledger: NewLedger, clock: StandingClock
) -> None:
    """Given a ledger of the version before, it has no timers, and takes some."""
    old = new_ledger(migrations=MIGRATIONS[: MIGRATIONS.index(_what_is_due)])
    await fill(old, one_of_all())
    await execute(old, "DROP TABLE due")
    clock.turn_to(LATER)

    newer = new_ledger()
    assert (await Timers(newer).waiting())[1] == {}
    await fill(newer, Batch(due=[effect()]))
    assert await claimed(newer) == ["d-1"]
