"""A ledger that was put back in time cannot know it: whoever has seen more of it does. On both databases."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
import structlog
from structlog.processors import CallsiteParameter, CallsiteParameterAdder
from structlog.testing import capture_logs

from tests.clocks import StandingClock
from tests.integration.ledger.harness import ACCOUNT, ADA, NewLedger, execute, load, one_of_all, record
from worker.errors import LedgerWentBack
from worker.ledger.registry import Registry
from worker.ledger.schema import accounts
from worker.ledger.store import Ledger
from worker.ledger.takeover import Tenure
from worker.subscribers.known import Batch


@pytest.fixture(autouse=True)
def _plain_logs() -> Iterator[None]:
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


async def work(ledger: Ledger, tenure: Tenure, number: int) -> Tenure:
    """Write one more batch of a tenure."""
    await ledger.save(tenure, Batch([record(ADA, f"{number}")], number=number))
    return replace(tenure, batch=number)


async def a_tenure(ledger: Ledger) -> Tenure:
    """Have an account for a while, and leave it in good order."""
    tenure = await work(ledger, await ledger.take(ACCOUNT), 1)
    await ledger.release(tenure)
    return tenure


async def copied(ledger: Ledger) -> dict[str, object]:
    """Return the account's row, as a copy of the ledger has it."""
    async with ledger.database.read() as connection:
        return dict((await connection.execute(accounts.select())).one()._mapping)


async def put_back(ledger: Ledger, copy: dict[str, object]) -> None:
    """Put the account's row back."""
    values = ", ".join(f"{name} = :{name}" for name in copy)
    await execute(ledger, f"UPDATE accounts SET {values}", **copy)  # noqa: S608  # our own columns


@pytest.mark.parametrize("then", ["load", "save"])
async def test_what_a_tenure_has_written_is_missed(ledger: Ledger, clock: StandingClock, then: str) -> None:
    """Given a copy of this very tenure, the next read or write ends it, loudly, and nothing known counts."""
    tenure = await work(ledger, await ledger.take(ACCOUNT), 1)
    copy = await copied(ledger)
    clock.wait(60)
    tenure = await work(ledger, tenure, 2)
    await put_back(ledger, copy)

    thread = CallsiteParameterAdder({CallsiteParameter.THREAD_NAME})
    with capture_logs([thread]) as logs, pytest.raises(LedgerWentBack):
        await (load(ledger, tenure, ADA) if then == "load" else ledger.save(tenure, Batch(number=3)))

    assert [(line["event"], line["log_level"]) for line in logs] == [("ledger_went_back", "error")]
    assert logs[0]["thread_name"] == threading.current_thread().name  # two cannot write the log at once
    await ledger.release(tenure)  # speaks of what is not there any more
    taken = await ledger.take(ACCOUNT)
    assert (taken.known_since, taken.in_doubt) == (clock.time(), True)
    assert ledger.witness.went_back == {ACCOUNT: 1}


async def test_a_write_whose_answer_was_lost_is_not_missed(ledger: Ledger) -> None:
    """Given a batch that was written though nobody heard of it, nothing complains."""
    tenure = await work(ledger, await ledger.take(ACCOUNT), 1)
    await work(ledger, tenure, 2)
    await load(ledger, tenure, ADA)
    await work(ledger, tenure, 2)


async def test_the_copy_of_one_that_had_ended_is_noticed_by_who_knows_better(
    new_ledger: NewLedger, clock: StandingClock
) -> None:
    """Given a copy of seconds ago, and a tenure since, no process that saw that one trusts the copy."""
    worked, looked_on = new_ledger("w-1"), new_ledger("w-2")
    await a_tenure(worked)
    copy = await copied(worked)
    tenure = await worked.take(ACCOUNT)
    await Registry(looked_on, "w-2").epochs()
    await worked.release(tenure)
    for each in (worked, looked_on):
        await put_back(each, copy)
        clock.wait(1)
        with capture_logs() as logs:
            taken = await each.take(ACCOUNT)
        assert [line["event"] for line in logs] == ["ledger_went_back"]
        assert (taken.known_since, taken.in_doubt) == (clock.time(), True)
        assert taken.epoch > tenure.epoch


async def test_who_begins_takes_no_ledgers_word(new_ledger: NewLedger, clock: StandingClock) -> None:
    """Given a ledger left in good order seconds ago, a new process cannot know that it is no copy."""
    await a_tenure(new_ledger("w-1"))
    clock.wait(1)
    fresh = new_ledger("w-2")
    await Registry(fresh, "w-2").epochs()
    taken = await fresh.take(ACCOUNT)
    assert (taken.known_since, taken.in_doubt) == (clock.time(), True)
    assert fresh.witness.went_back == {}


async def test_who_stood_by_takes_the_word_of_who_was_at_work(
    new_ledger: NewLedger, clock: StandingClock
) -> None:
    """Given a hand-over between workers that both run, what the first one wrote is known to the second."""
    first, second = new_ledger("w-1"), new_ledger("w-2")
    tenure = await first.take(ACCOUNT)
    await Registry(second, "w-2").epochs()
    tenure = await work(first, tenure, 1)
    await first.release(tenure)
    clock.wait(30)
    taken = await second.take(ACCOUNT)
    assert (taken.known_since, taken.in_doubt) == (tenure.known_since, False)


async def test_an_emptied_ledger_is_noticed(ledger: Ledger) -> None:
    await ledger.save(await ledger.take(ACCOUNT), one_of_all())
    await execute(ledger, "DELETE FROM accounts")
    with capture_logs() as logs:
        taken = await ledger.take(ACCOUNT)
    assert [line["event"] for line in logs] == ["ledger_went_back"]
    assert taken.in_doubt
