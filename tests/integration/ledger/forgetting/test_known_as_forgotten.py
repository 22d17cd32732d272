"""No way back for who was forgotten: late events are known as such, and no worker writes the person back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.clocks import StandingClock
from tests.integration.ledger.forgetting.people import HOME, WORK
from tests.integration.ledger.harness import ACCOUNT, ADA, BOB, NewLedger, fill, load, one_of_all
from worker.errors import EpochLost
from worker.events.decode import MAX_AHEAD
from worker.ledger.forgetting import Erased, forget, last_forgotten
from worker.ledger.registry import Registry
from worker.ledger.store import Ledger
from worker.subscribers.glimpse import Glimpse
from worker.subscribers.identity import normalize_email
from worker.subscribers.known import Batch


async def test_whoever_keeps_something_hears_that_somebody_was_forgotten(
    ledger_of_two: Ledger, clock: StandingClock
) -> None:
    """Given two people, and one of them once more, there is something new each time, there alone."""
    seen = [await last_forgotten(ledger_of_two, ACCOUNT)]
    for email in (WORK, BOB, BOB):
        clock.turn_to(clock.time() + 1)
        await forget(ledger_of_two, email, [ACCOUNT], elsewhere=False)
        seen.append(await last_forgotten(ledger_of_two, ACCOUNT))
    assert len(set(seen)) == 4
    assert await last_forgotten(ledger_of_two, "rainy") == seen[0]


async def test_who_was_forgotten_is_known_by_each_sign(ledger_of_two: Ledger) -> None:
    """Given Ada, who was forgotten, whoever reads a sign of hers can ask until when that counts."""
    await forget(ledger_of_two, WORK, [])

    gone = await ledger_of_two.forgotten(ACCOUNT, Glimpse(email=HOME, user_id="u-a"))

    until = datetime.fromtimestamp(ledger_of_two.clock.time(), UTC) + MAX_AHEAD
    assert gone == {("email", HOME): until, ("user", "u-a"): until}


@pytest.mark.parametrize("written", ["jÜrgen@example.com", "jürgen@bücher.example"])
async def test_who_was_forgotten_under_an_older_form_stays_forgotten(ledger: Ledger, written: str) -> None:
    """Given a mark of a version that kept such letters as they came, the address is known by it."""
    await fill(ledger, Batch())
    await forget(ledger, written, [])
    tenure = await ledger.take(ACCOUNT)
    email = normalize_email(written)
    assert (await load(ledger, tenure, email)).forgotten.keys() == {("email", email)}


async def test_a_late_event_of_the_person_is_known_as_one(
    ledger_of_two: Ledger, clock: StandingClock
) -> None:
    """Given Ada who was forgotten, her addresses and her id are known with the moment; Bob's are not."""
    await forget(ledger_of_two, WORK, [])
    until = datetime.fromtimestamp(clock.time(), UTC) + MAX_AHEAD  # so a copy that is dated ahead is known
    clock.wait(60)
    tenure = await ledger_of_two.take(ACCOUNT)

    known = await load(ledger_of_two, tenure, ADA, HOME, WORK, BOB, users=["u-a", "u-b"])

    signs = {*(("email", email) for email in (ADA, HOME, WORK)), ("user", "u-a")}
    assert known.forgotten == dict.fromkeys(signs, until)
    assert known.records.keys() == {BOB}
    assert known.people.keys() == {"u-b"}


async def test_to_forget_again_moves_the_moment(ledger: Ledger, clock: StandingClock) -> None:
    """Given a person who came back and is forgotten again, the later moment holds."""
    await fill(ledger, one_of_all())
    await forget(ledger, ADA, [])
    clock.wait(3600)
    await fill(ledger, one_of_all())
    await forget(ledger, ADA, [])
    tenure = await ledger.take(ACCOUNT)
    known = await load(ledger, tenure, ADA)
    assert known.forgotten == {("email", ADA): datetime.fromtimestamp(clock.time(), UTC) + MAX_AHEAD}


async def test_a_mark_is_the_ledgers_own(new_ledger: NewLedger) -> None:
    """Given one ledger, all its workers make the same mark of an address; another kind makes another."""
    one, two = new_ledger(), new_ledger()
    for each in (one, two):
        await each.ready()
    assert one.mark("email", ADA) == two.mark("email", ADA) != one.mark("user", ADA)
    assert len(one.mark("email", ADA)) == 64


async def test_who_is_unknown_is_marked_all_the_same(ledger: Ledger) -> None:
    """Given an address that only accounts of the configuration might meet, it is marked in each of these."""
    erased = await forget(ledger, ADA, ["sunny", "rainy"])
    assert erased == [
        Erased(name, records=0, people=0, history=0, addresses=frozenset({ADA}))
        for name in ("rainy", "sunny")
    ]
    for name in ("rainy", "sunny"):
        known = await load(ledger, await ledger.take(name), ADA)
        assert known.forgotten.keys() == {("email", ADA)}


async def test_a_worker_that_has_the_person_in_hand_loses_the_account(new_ledger: NewLedger) -> None:
    """Given a worker with a record in hand, it cannot write the person back; it can take the account anew."""
    worker, command = new_ledger("w-1"), new_ledger("kit-worker")
    tenure = await fill(worker, one_of_all())
    await forget(command, ADA, [])
    with pytest.raises(EpochLost):
        await worker.save(tenure, one_of_all())
    with pytest.raises(EpochLost):
        await load(worker, tenure, ADA)
    anew = await worker.take(ACCOUNT)
    assert (await load(worker, anew, ADA)).records == {}
    assert anew.created_tags == 1


async def test_to_forget_ends_no_pause_and_doubts_no_answer(ledger: Ledger, clock: StandingClock) -> None:
    """Given a paused account that was left in good order, it is both afterwards."""
    tenure = await fill(ledger, one_of_all())
    await ledger.release(tenure)
    await Registry(ledger, "w-1").pause(ACCOUNT)
    clock.wait(60)
    await forget(ledger, ADA, [])
    assert (await Registry(ledger, "w-1").paused()).keys() == {ACCOUNT}
    assert (await ledger.take(ACCOUNT)).known_since == tenure.known_since
