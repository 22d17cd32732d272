"""One account's way to the ledger: it waits out whatever is wrong, and says so once."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.unit.consumer.account_ledger.kept import Kept, batch, ledger_of
from tests.unit.virtual_time import run
from worker.errors import EpochLost, LedgerUnavailable, LedgerWentBack
from worker.ledger.takeover import Tenure
from worker.subscribers.known import Known


def test_what_somebody_else_found_out_about_the_ledger_holds_the_account_too() -> None:
    """Given no event at all, and a look at the ledger that failed, the account is held until one succeeds."""
    kept = Kept()
    ledger, usability = ledger_of(kept), kept.database.usability
    with pytest.raises(LedgerUnavailable), usability.of_use(writes=False):
        raise LedgerUnavailable("it is away")
    assert ledger.problem == "it is away"
    with usability.of_use(writes=False):
        pass
    assert ledger.problem == ""


@pytest.mark.parametrize("broken", ["take", "load", "save"])
def test_what_fails_is_tried_until_it_works_and_told_once(broken: str) -> None:
    kept = Kept({broken})

    async def main() -> list[Any]:
        ledger = ledger_of(kept)
        with capture_logs() as logs:
            working = asyncio.gather(ledger.load((), (), may_take=True), ledger.save(batch()))
            await asyncio.sleep(30)
            assert ledger.problem == f"{broken} does not work"
            kept.broken.clear()
            await working
            assert ledger.problem == ""
        return [line["event"] for line in logs]

    assert run(main()) == ["ledger_unavailable", "ledger_back"]
    assert len(kept.saved) == 1
    assert kept.calls.count(broken) > 3


def test_a_batch_keeps_its_number_however_often_it_is_tried() -> None:
    """Given a write that fails, its repetitions are known as such, and the next write as another."""
    kept = Kept({"save"})

    async def main() -> None:
        ledger = ledger_of(kept)
        saving = asyncio.create_task(ledger.save(batch()))
        await asyncio.sleep(10)
        kept.broken.clear()
        await saving
        await ledger.save(batch())

    run(main())
    *tries, last = kept.numbers
    assert len(tries) > 2
    assert set(tries) == {1}
    assert last == 2


def test_a_batch_of_a_tenure_that_is_over_is_not_tried_in_the_next() -> None:
    """Given a write that fails until the account was lost and taken anew, then it goes with its tenure."""
    kept = Kept()

    async def main() -> None:
        ledger = ledger_of(kept)
        await ledger.load((), (), may_take=True)
        kept.broken.add("save")
        saving = asyncio.create_task(ledger.save(batch()))
        await asyncio.sleep(1)
        kept.epoch += 1
        await ledger.load((), (), may_take=True)
        kept.broken.clear()
        await saving

    with pytest.raises(EpochLost):
        run(main())
    assert kept.saved == []


def test_a_ledger_that_can_be_read_but_not_written_stays_a_problem() -> None:
    """Given a full disk, then reads that go well do not say that all is well."""
    kept = Kept()

    async def main() -> None:
        ledger = ledger_of(kept)
        await ledger.load((), (), may_take=True)
        kept.broken.add("save")
        saving = asyncio.create_task(ledger.save(batch()))
        await asyncio.sleep(1)
        await ledger.load((), (), may_take=False)
        assert ledger.problem == "save does not work"
        saving.cancel()

    run(main())


def test_each_question_says_what_was_written_before() -> None:
    """Given batches that were written, reads and writes name the last one, and so does the end."""
    kept = Kept()

    async def main() -> list[int]:
        ledger = ledger_of(kept)
        await ledger.load((), (), may_take=True)
        await ledger.save(batch())
        await ledger.save(batch())
        await ledger.load((), (), may_take=False)
        await ledger.release()
        return [tenure.batch for tenure in kept.tenures]

    assert run(main()) == [0, 0, 1, 2, 2]


def test_a_ledger_that_went_back_ends_the_session_whatever_is_in_hand() -> None:
    """Given nothing older in hand, the account is not taken anew under what the session remembers."""

    class PutBack(Kept):
        async def load(self, tenure: Tenure, _: Collection[str], __: Collection[str]) -> Known:
            self.calls.append("load")
            raise LedgerWentBack(tenure.account)

    kept = PutBack()
    with pytest.raises(LedgerWentBack):
        run(ledger_of(kept).load((), (), may_take=True))
    assert kept.calls == ["take", "load"]
