"""What the ledger knows of one person, and which events said so; on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.integration.ledger.harness import ACCOUNT, ADA, BOB, EVE, NOON, entry, execute, fill, record
from worker.errors import LedgerUnavailable
from worker.events.values import time_text
from worker.ledger.person import Cause, KnownPerson, causes, known_person
from worker.ledger.store import Ledger
from worker.subscribers.known import Batch, Person

NOON_TEXT, LATER = time_text(NOON), NOON + timedelta(minutes=1)
NEVER = time_text(NOON + timedelta(days=1))


@pytest.mark.parametrize("email", [ADA, BOB])
async def test_a_person_is_found_by_each_address(ledger: Ledger, email: str) -> None:
    """Given somebody who moved, the old address and the new one lead to what is known at the new one."""
    people = [Person("u-1", BOB), Person("u-2", EVE)]
    await fill(
        ledger, Batch([record(ADA, kit_id=None, moved_to=BOB), record(BOB, "VIP"), record(EVE)], people)
    )

    known = await known_person(ledger.database, ACCOUNT, email)

    assert (set(known.addresses), set(known.user_ids)) == ({ADA, BOB}, {"u-1"})
    assert known.record is not None
    assert (known.record.email, list(known.record.tags)) == (BOB, ["vip"])


async def test_whoever_has_an_address_now_is_meant(ledger: Ledger) -> None:
    """Given an address that somebody left and that is somebody else's now, it is that one's."""
    people = [Person("u-1", BOB), Person("u-2", ADA)]
    await fill(ledger, Batch([record(ADA, "New", moved_to=BOB), record(BOB, "Old")], people))

    known = await known_person(ledger.database, ACCOUNT, ADA)

    assert (set(known.addresses), set(known.user_ids)) == ({ADA}, {"u-2"})
    assert known.record is not None
    assert list(known.record.tags) == ["new"]


async def test_of_a_stranger_nothing_is_known(ledger: Ledger) -> None:
    await fill(ledger, Batch([record(BOB)]), account="rainy")
    known = await known_person(ledger.database, ACCOUNT, BOB)
    assert known == KnownPerson(frozenset({BOB}), frozenset(), None)


async def test_a_damaged_row_is_an_error_that_is_ours(ledger: Ledger) -> None:
    await fill(ledger, Batch([record(ADA)]))
    await execute(ledger, "UPDATE subscribers SET state = '{'")
    with pytest.raises(LedgerUnavailable, match="cannot be read"):
        await known_person(ledger.database, ACCOUNT, ADA)


async def test_a_cause_is_the_event_of_that_time(ledger: Ledger) -> None:
    """Given a person's lines, those of copies, of others and of other accounts are no causes."""
    lines = [
        entry(ADA, "e1", version="abc"),
        entry(ADA, "e1", outcome="duplicate", version="def"),
        entry(BOB, "e2"),
        entry(ADA, "e3", event_time=LATER),
        entry(ADA, "e4", event_time=LATER, event_type="order.paid"),
    ]
    await fill(ledger, Batch(entries=lines))
    await fill(ledger, Batch(entries=[entry(ADA, "e5")]), account="rainy")

    found = await causes(ledger.database, ACCOUNT, {ADA}, {NOON_TEXT, time_text(LATER), NEVER})

    assert found == {
        NOON_TEXT: Cause(NOON_TEXT, "user.signed_up", "e1", "abc"),
        time_text(LATER): Cause(time_text(LATER)),  # two events, and nobody knows which
    }


async def test_an_event_that_was_replayed_is_one_cause(ledger: Ledger) -> None:
    """Given an event that was dead-lettered and replayed under another file, that file counts."""
    lines = [entry(ADA, "e1", outcome="dead_lettered", version="abc"), entry(ADA, "e1", version="def")]
    await fill(ledger, Batch(entries=lines))
    found = await causes(ledger.database, ACCOUNT, {ADA}, {NOON_TEXT})
    assert found == {NOON_TEXT: Cause(NOON_TEXT, "user.signed_up", "e1", "def")}


async def test_of_three_events_of_one_time_none_is_the_cause(ledger: Ledger) -> None:
    await fill(ledger, Batch(entries=[entry(ADA, each) for each in ("e1", "e2", "e1")]))
    assert await causes(ledger.database, ACCOUNT, {ADA}, {NOON_TEXT}) == {NOON_TEXT: Cause(NOON_TEXT)}
