"""What earlier answers of Kit are worth to the next worker, by how the one before it ended."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.clocks import StandingClock
from tests.integration.ledger.full_record import full_record
from tests.integration.ledger.harness import ACCOUNT, ADA, BOB, NewLedger, load, record
from worker.ledger.store import Ledger
from worker.ledger.takeover import RELEASE_COUNTS
from worker.subscribers.known import Batch

HOUR = 3600.0


async def test_after_a_clean_end_earlier_answers_may_be_relied_on(
    ledger: Ledger, clock: StandingClock
) -> None:
    """Given tenures that were released, `known_since` stays at the first of them, also across many."""
    first = await ledger.take(ACCOUNT)
    assert first.known_since == clock.time()
    for _ in range(3):
        await ledger.release(await ledger.take(ACCOUNT))
        clock.wait(RELEASE_COUNTS - 1)
    assert (await ledger.take(ACCOUNT)).known_since == first.known_since


@pytest.mark.parametrize("seconds", [RELEASE_COUNTS + 1, HOUR])
async def test_a_clean_end_of_long_ago_says_nothing(
    ledger: Ledger, clock: StandingClock, seconds: float
) -> None:
    """Given a ledger put back from a copy, what Kit holds may have changed since that was made."""
    await ledger.release(await ledger.take(ACCOUNT))
    clock.wait(seconds)
    taken = await ledger.take(ACCOUNT)
    assert taken.known_since >= clock.time()


async def test_only_an_unclean_end_leaves_calls_in_doubt(ledger: Ledger, clock: StandingClock) -> None:
    """Given an account that nobody had before, or whose holder left in good order, nothing is under way."""
    first = await ledger.take(ACCOUNT)
    await ledger.release(first)
    clock.wait(1)
    second = await ledger.take(ACCOUNT)
    clock.wait(1)
    third = await ledger.take(ACCOUNT)
    assert [each.in_doubt for each in (first, second, third)] == [False, False, True]


async def test_after_an_unclean_end_they_may_not(ledger: Ledger, clock: StandingClock) -> None:
    """Given a tenure that ended without a word, the next one relies on nothing older than itself."""
    await ledger.release(await ledger.take(ACCOUNT))
    clock.wait(HOUR)
    await ledger.take(ACCOUNT)
    clock.wait(HOUR)
    assert (await ledger.take(ACCOUNT)).known_since == clock.time()


async def test_no_clock_that_is_behind_makes_answers_count(ledger: Ledger, clock: StandingClock) -> None:
    """Given a worker that was killed, one whose clock is behind relies on none of the other's answers."""
    tenure = await ledger.take(ACCOUNT)
    clock.wait(HOUR)
    await ledger.save(tenure, Batch([full_record()]))
    answered_at = clock.time()
    clock.wait(-60)
    assert (await ledger.take(ACCOUNT)).known_since >= answered_at


async def test_a_release_that_comes_too_late_says_nothing(
    new_ledger: NewLedger, clock: StandingClock
) -> None:
    """Given a worker that lost the account, its release does not speak for the one who has it now."""
    first, second = new_ledger("w-1"), new_ledger("w-2")
    lost = await first.take(ACCOUNT)
    await second.take(ACCOUNT)
    await first.release(lost)
    clock.wait(HOUR)
    assert (await second.take(ACCOUNT)).known_since == clock.time()


@pytest.mark.parametrize(("before", "after"), [(0, 1), (1, 0)])
async def test_a_kit_that_does_not_say_which_account_it_is_is_the_same(
    ledger: Ledger, before: int, after: int
) -> None:
    """Given `GET /v4/account` that failed once, nothing is owed anew: that would undo what a person did."""
    await ledger.save(await ledger.take(ACCOUNT, kit_account=before), Batch([full_record()]))
    found = (await load(ledger, await ledger.take(ACCOUNT, kit_account=after), ADA)).records[ADA]
    assert (found.kit_id, found.tags, found.fields) == (
        full_record().kit_id,
        full_record().tags,
        full_record().fields,
    )


async def test_what_was_done_in_another_kit_account_is_owed_in_this(ledger: Ledger) -> None:
    """Given a record of a sandbox, under the real credential its person is unknown and everything is owed."""
    sandbox = await ledger.take(ACCOUNT, kit_account=1)
    await ledger.save(sandbox, Batch([full_record()]))
    real = await ledger.take(ACCOUNT, kit_account=2)

    found = (await load(ledger, real, ADA)).records[ADA]

    assert (found.kit_id, found.tags, found.fields, found.first_name) == (None, {}, {}, None)
    assert found.owed == replace(full_record().owed.merge(full_record().done), ensure=None)
    await ledger.save(real, Batch([record(BOB)]))
    back = await ledger.take(ACCOUNT, kit_account=1)
    known = await load(ledger, back, ADA, BOB)
    assert {email: each.kit_id for email, each in known.records.items()} == {ADA: 2**40, BOB: None}
