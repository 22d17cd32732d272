"""What takes effect later: written with the batch, claimed by one at a time, gone when it has ended."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from tests.clocks import StandingClock
from tests.integration.ledger.harness import ACCOUNT, LATER, NewLedger, contents, effect, fill
from tests.integration.ledger.timers import claimed, ids
from worker.ledger.store import Ledger
from worker.ledger.timers import CLAIM, LONGEST, LOST_AFTER, MOST_AT_ONCE, Claimed, Timers
from worker.subscribers.known import Batch


async def test_a_timer_runs_out_at_its_time_and_not_before(ledger: Ledger, clock: StandingClock) -> None:
    """Given a timer, nobody gets it before its time; then it comes with its message, in its own account."""
    await fill(ledger, Batch(due=[effect()]))
    await fill(ledger, Batch(due=[effect("later", at=LATER + 0.5)]), account="rainy")
    timers = Timers(ledger)
    clock.turn_to(LATER - 0.01)
    assert await timers.ran_out([ACCOUNT, "rainy"]) == set()
    assert await timers.claim(ACCOUNT, lost=False) == []

    clock.turn_to(LATER)

    assert await timers.ran_out([ACCOUNT, "rainy"]) == {ACCOUNT}
    assert await timers.ran_out(["rainy"]) == set()
    assert await timers.claim(ACCOUNT, lost=False) == [Claimed("d-1", b"\x00 the event", 0)]


async def test_what_was_told_twice_is_one_timer(ledger: Ledger, clock: StandingClock) -> None:
    """Given a copy of an event whose timer has been published, the timer stays as it is."""
    tenure = await fill(ledger, Batch(due=[effect()]))
    clock.turn_to(LATER)
    timers = Timers(ledger)
    await timers.confirmed(ACCOUNT, await timers.claim(ACCOUNT, lost=False))

    await ledger.save(tenure, Batch(due=[effect(message=b"the copy")]))

    assert await ids(ledger) == ["d-1"]
    assert await claimed(ledger) == []


async def test_one_of_several_workers_publishes(new_ledger: NewLedger, clock: StandingClock) -> None:
    """Given two workers, each timer is one's; what one has that was killed is another's soon."""
    one, two = new_ledger("w-1"), new_ledger("w-2")
    await fill(one, Batch(due=[effect()]))
    clock.turn_to(LATER)
    assert await claimed(one) == ["d-1"]
    assert await claimed(two) == []

    clock.turn_to(LATER + CLAIM - 0.01)
    assert await claimed(two) == []
    clock.turn_to(LATER + CLAIM)

    assert await claimed(two) == ["d-1"]


async def test_what_could_not_be_published_is_anybodys_at_once(ledger: Ledger, clock: StandingClock) -> None:
    await fill(ledger, Batch(due=[effect()]))
    clock.turn_to(LATER + 5)
    timers = Timers(ledger)

    await timers.release(ACCOUNT, await timers.claim(ACCOUNT, lost=False))

    assert await claimed(ledger) == ["d-1"]


async def test_what_has_come_in_and_ended_is_gone(ledger: Ledger, clock: StandingClock) -> None:
    """Given a timer that was published, the batch in which its event ends crosses it off, and it alone."""
    tenure = await fill(ledger, Batch(due=[effect(), effect("d-2")]))
    await fill(ledger, Batch(due=[effect()]), account="rainy")
    clock.turn_to(LATER)
    timers = Timers(ledger)
    await timers.confirmed(ACCOUNT, await timers.claim(ACCOUNT, lost=False))

    await ledger.save(tenure, Batch(past=["d-1"]))

    left = [row[:2] for row in (await contents(ledger))["due"]]
    assert left == [("rainy", "d-1"), (ACCOUNT, "d-2")]


async def test_a_message_that_does_not_come_is_published_again(ledger: Ledger, clock: StandingClock) -> None:
    """Given one that was lost, it is claimed once more after a while, then after twice as long, and so on."""
    await fill(ledger, Batch(due=[effect()]))
    timers, now = Timers(ledger), LATER
    for wait in (0.0, LOST_AFTER, 2 * LOST_AFTER, 4 * LOST_AFTER):
        clock.turn_to(now + wait - 1)
        assert await claimed(ledger, lost=True) == []
        clock.turn_to(now := now + wait)
        (again,) = await timers.claim(ACCOUNT, lost=True)
        await timers.confirmed(ACCOUNT, [again])
    await timers.confirmed(ACCOUNT, [replace(again, published=50)])
    clock.turn_to(now + LONGEST)
    assert await claimed(ledger, lost=True) == ["d-1"]


async def test_what_may_still_be_on_its_way_is_waited_for(ledger: Ledger, clock: StandingClock) -> None:
    """Given a queue that is not empty, what was published long ago waits; what never was is published."""
    await fill(ledger, Batch(due=[effect(), effect("d-2", at=LATER + LOST_AFTER)]))
    timers = Timers(ledger)
    clock.turn_to(LATER)
    await timers.confirmed(ACCOUNT, await timers.claim(ACCOUNT, lost=False))
    clock.turn_to(LATER + LOST_AFTER)

    assert await claimed(ledger, lost=False) == ["d-2"]

    assert await claimed(ledger, lost=True) == []  # it was put off
    clock.turn_to(LATER + 2 * LOST_AFTER)
    assert await claimed(ledger, lost=True) == ["d-1", "d-2"]


async def test_so_many_are_on_their_way_at_once(ledger: Ledger, clock: StandingClock) -> None:
    """Given a long plan, a hundred are published, the oldest first, and others only as these come in."""
    plan = [effect(f"d-{number:03}", at=LATER + number / 1000) for number in range(MOST_AT_ONCE + 20)]
    tenure = await fill(ledger, Batch(due=plan))
    await fill(ledger, Batch(due=[effect()]), account="rainy")
    clock.turn_to(LATER + 1)
    timers = Timers(ledger)

    first = await timers.claim(ACCOUNT, lost=False)
    assert [each.id for each in first] == [each.id for each in plan[:MOST_AT_ONCE]]
    assert await claimed(ledger) == []
    await timers.confirmed(ACCOUNT, first)
    assert await claimed(ledger) == []
    assert len(await timers.claim("rainy", lost=False)) == 1

    await ledger.save(tenure, Batch(past=["d-007", "d-008"]))
    assert await claimed(ledger) == ["d-100", "d-101"]


async def test_whoever_publishes_and_whoever_settles_do_not_lock_each_other_out(
    new_ledger: NewLedger, clock: StandingClock
) -> None:
    """Given messages that come in while their confirms are noted, both are written, in whichever order."""
    publishing, settling = new_ledger("w-1"), new_ledger("w-2")
    timers, tenure = Timers(publishing), await settling.take(ACCOUNT)
    names = [f"d-{number:03}" for number in range(MOST_AT_ONCE)]
    clock.turn_to(LATER)
    for number in range(10):
        due = [effect(name, at=LATER - number * place / 1000) for place, name in enumerate(names)]
        await settling.save(tenure, Batch(due=due))
        claimed = await timers.claim(ACCOUNT, lost=False)
        past = sorted(names, reverse=bool(number % 2))

        await asyncio.gather(
            timers.confirmed(ACCOUNT, claimed),
            settling.save(tenure, Batch(past=past)),
            timers.claim(ACCOUNT, lost=True),
            timers.release(ACCOUNT, claimed[::-1]),
        )

        assert await ids(settling) == []


async def test_what_is_on_its_way_stays_where_the_others_are_dropped(
    ledger: Ledger, clock: StandingClock
) -> None:
    """Given timers of a run that are published, or claimed, only those that nobody has touched go."""
    run = [effect(f"run-{number:02}", at=LATER + number / 1000) for number in range(4)]
    await fill(ledger, Batch(due=[*run, effect("other-1")]))
    await fill(ledger, Batch(due=[effect("run-09")]), account="rainy")
    timers = Timers(ledger)
    clock.turn_to(LATER + 0.0025)
    first, *rest = await timers.claim(ACCOUNT, lost=False)
    assert first.id == "other-1"
    await timers.confirmed(ACCOUNT, rest[:1])
    await timers.release(ACCOUNT, rest[2:])
    assert await timers.drop_waiting(ACCOUNT, "run-") == 2
    assert await ids(ledger) == ["run-09", "other-1", "run-00", "run-01"]
