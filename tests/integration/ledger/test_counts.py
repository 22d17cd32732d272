"""How much happened, by the quarter of an hour; on both databases."""

from __future__ import annotations

from tests.clocks import StandingClock
from tests.integration.ledger.harness import ACCOUNT, ADA, NOON, NewLedger, contents, entry, fill
from worker.ledger.counts import QUARTER, Counts, counted, drop_counts, prune_counts
from worker.ledger.store import Ledger
from worker.subscribers.known import Batch, HistoryEntry

AT = int(NOON.timestamp())


def ended(outcome: str, *, after: float = 0.0, age: float | None = None) -> HistoryEntry:
    """Return how an event ended, so many seconds after noon."""
    return entry(ADA, None, outcome=outcome, at=AT + after, age=age)


async def test_what_is_written_is_counted_by_its_quarter_of_an_hour(
    new_ledger: NewLedger, clock: StandingClock
) -> None:
    """Given batches of one quarter and of two, and of two accounts, each sum is right, and that of all."""
    ledger = new_ledger()
    both = [ended("applied", age=2.0), ended("applied", after=QUARTER, age=4.0)]
    tenure = await ledger.take(ACCOUNT)
    await ledger.save(tenure, Batch(entries=both, calls=3))
    clock.wait(QUARTER - 1)
    more = [ended(each) for each in ("superseded", "dead_lettered", "duplicate", "ignored", "applied")]
    await ledger.save(tenure, Batch(entries=more, calls=4))
    await fill(ledger, Batch(entries=[ended("applied", age=6.0)], calls=1), account="rainy")

    first = Counts(applied=2, superseded=1, dead=1, calls=7, age=2.0, aged=1)
    second = Counts(applied=1, age=4.0, aged=1)
    assert await counted(ledger.database, AT, AT + QUARTER, ACCOUNT) == {AT: first, AT + QUARTER: second}
    assert await counted(ledger.database, AT + 1, AT + 2, ACCOUNT) == {AT: first}
    everything = Counts(applied=3, superseded=1, dead=1, calls=8, age=8.0, aged=2)
    assert await counted(ledger.database, AT, AT) == {AT: everything}
    assert everything.mean_age == 4.0
    assert await counted(ledger.database, AT, AT, "none") == {}


async def test_a_batch_that_is_told_twice_counts_once(ledger: Ledger) -> None:
    """Given a write whose answer was lost, it is counted as it is written: once."""
    tenure = await ledger.take(ACCOUNT)
    batch = Batch(entries=[ended("applied")], calls=2, number=1)
    for _ in range(2):
        await ledger.save(tenure, batch)
    assert await counted(ledger.database, AT, AT) == {AT: Counts(applied=1, calls=2)}


async def test_where_nothing_happened_nothing_is_kept(ledger: Ledger) -> None:
    await fill(ledger, Batch(entries=[ended("ignored")], created_tags=1))
    assert (await contents(ledger))["counts"] == []


async def test_old_counts_go_and_so_do_those_of_an_account_that_is_removed(ledger: Ledger) -> None:
    tenure = await ledger.take(ACCOUNT)
    for quarter in range(3):
        await ledger.save(tenure, Batch(entries=[ended("applied", after=quarter * QUARTER)]))
    await fill(ledger, Batch(entries=[ended("applied", after=2 * QUARTER)]), account="rainy")

    await prune_counts(ledger.database, AT + 2 * QUARTER)
    await prune_counts(ledger.database, AT + 2 * QUARTER)
    assert list(await counted(ledger.database, AT, AT + 9 * QUARTER)) == [AT + QUARTER, AT + 2 * QUARTER]

    await drop_counts(ledger.database, ACCOUNT)
    assert await counted(ledger.database, AT, AT + 9 * QUARTER) == {AT + 2 * QUARTER: Counts(applied=1)}
