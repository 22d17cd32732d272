"""The newest event of each kind: kept in whatever order they come, with its person, and no longer."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.ledger.harness import ACCOUNT, ADA, BOB, EVE, NOON, execute, fill, order, record
from worker.events.event import FIRST, OrderKey
from worker.ledger.forgetting import forget
from worker.ledger.migrations import MIGRATIONS, _with_newest_events
from worker.ledger.newest import drop_newest, kept_people, place_of
from worker.ledger.newest_table import newest_events
from worker.ledger.store import Ledger
from worker.subscribers.known import Batch, NewestEvent, Person


def event(
    minute: int, email: str = ADA, kind: str = "order.paid", user: str = "", of: str = ""
) -> NewestEvent:
    """Return what is kept of an event, so many minutes past noon."""
    return NewestEvent(email, user, kind, of, order(minute), f"{kind} {minute}".encode())


async def kept(ledger: Ledger) -> dict[str, list[str]]:
    """Return what is kept of each person, the oldest first."""
    people = await kept_people(ledger.database, ACCOUNT)
    return {each.record.email: [message.decode() for _, message in each.events] for each in people}


@pytest.mark.parametrize("minutes", list(itertools.permutations([1, 2, 3])))
async def test_the_newest_is_kept_in_whatever_order_they_come(
    ledger: Ledger, minutes: tuple[int, ...]
) -> None:
    first, *rest = minutes
    tenure = await fill(ledger, Batch([record(ADA)], newest=[event(first)]))
    await ledger.save(tenure, Batch(newest=[event(minute) for minute in rest]))
    assert await kept(ledger) == {ADA: ["order.paid 3"]}


async def test_kinds_subscriptions_and_people_are_kept_apart(ledger: Ledger) -> None:
    each = [
        event(1), event(2, kind="user.signed_up"), event(3, of="s-1"), event(4, of="s-2"),
        event(5, user="u-1"), event(6, BOB),
    ]  # fmt: skip
    await fill(ledger, Batch([record(ADA), record(BOB)], newest=each))
    assert await kept(ledger) == {
        ADA: ["order.paid 1", "user.signed_up 2", "order.paid 3", "order.paid 4", "order.paid 5"],
        BOB: ["order.paid 6"],
    }


async def test_events_follow_their_person_and_the_newer_of_two_stays(ledger: Ledger) -> None:
    """Given somebody who moves to an address whose events are kept as well, of each kind the newest stays."""
    older = [event(1), event(5, kind="user.signed_up"), event(3, of="s-1")]
    tenure = await fill(ledger, Batch([record(ADA), record(EVE)], newest=older))
    await ledger.save(tenure, Batch(newest=[event(2, EVE), event(4, EVE, kind="user.signed_up")]))
    await ledger.save(tenure, Batch([record(ADA, moved_to=EVE), record(EVE)], moves=[(ADA, EVE)]))
    assert await kept(ledger) == {ADA: [], EVE: ["order.paid 2", "order.paid 3", "user.signed_up 5"]}


async def test_who_is_forgotten_leaves_none(ledger: Ledger) -> None:
    """Given a person with an id, events under an address of before go as well; others' stay."""
    people = [Person("u-1", ADA)]
    await fill(
        ledger,
        Batch([record(ADA), record(BOB)], people, newest=[event(1), event(2, user="u-1"), event(3, BOB)]),
    )
    await forget(ledger, ADA, [ACCOUNT])
    assert await kept(ledger) == {BOB: ["order.paid 3"]}


async def test_people_come_in_portions_and_an_account_alone(ledger: Ledger) -> None:
    await fill(ledger, Batch([record(ADA), record(BOB), record(EVE)], newest=[event(1, BOB)]))
    await fill(ledger, Batch([record(ADA)], newest=[event(9)]), account="rainy")
    first = await kept_people(ledger.database, ACCOUNT, limit=2)
    rest = await kept_people(ledger.database, ACCOUNT, after=first[-1].record.email, limit=2)
    assert [each.record.email for each in (*first, *rest)] == [ADA, BOB, EVE]
    assert [len(each.events) for each in (*first, *rest)] == [0, 1, 0]
    assert await drop_newest(ledger.database, ACCOUNT) == 1
    assert len((await kept_people(ledger.database, "rainy"))[0].events) == 1


async def test_a_ledger_of_before_gets_the_table(ledger: Ledger) -> None:
    await ledger.ready()
    await execute(ledger, f"DROP TABLE {newest_events.name}")
    version = 1 + MIGRATIONS.index(_with_newest_events)
    await execute(ledger, "UPDATE meta SET value = :version WHERE key = 'version'", version=str(version))
    await ledger.database.close()
    await fill(ledger, Batch([record(ADA)], newest=[event(1)]))
    assert await kept(ledger) == {ADA: ["order.paid 1"]}


def test_places_compare_as_order_keys_do() -> None:
    keys = [
        FIRST, OrderKey("", datetime(1969, 1, 1, tzinfo=UTC), 7), order(1), order(2),
        OrderKey("", NOON + timedelta(minutes=2, microseconds=1), 0), OrderKey("0011", NOON, 1),
        OrderKey("0011", NOON, 2), OrderKey("00110", NOON, 0), OrderKey("0012", NOON, 0),
    ]  # fmt: skip
    assert keys == sorted(keys)
    assert [place_of(key) for key in keys] == sorted(map(place_of, keys))
    assert len({place_of(key) for key in keys}) == len(keys)
