"""One account's way to the ledger: it waits out whatever is wrong, and says so once."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from tests.unit.virtual_time import VirtualClock, run
from worker.clock import Clock
from worker.errors import EpochLost, LedgerUnavailable
from worker.ledger.account import AccountLedger
from worker.ledger.store import Ledger, Tenure
from worker.subscribers.known import Batch, Known
from worker.subscribers.record import Record

NOTHING_KNOWN = Known({}, {}, {})


@pytest.fixture(autouse=True)
def _plain_logs() -> Iterator[None]:
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


@dataclass
class Kept(Ledger):
    """A ledger in memory, which may be broken.

    Attributes:
        broken: What fails: `take`, `load` or `save`.
        epoch: Whoever took the account last has it.
    """

    broken: set[str] = field(default_factory=set)
    epoch: int = 0
    saved: list[Batch] = field(default_factory=list)
    released: int = 0
    calls: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    clock: Clock = field(default_factory=VirtualClock)

    async def take(self, account: str, kit_account: int = 0) -> Tenure:
        await self._do("take")
        self.epoch += 1
        return Tenure(account, self.epoch, 0, kit_account, known_since=float(self.epoch))

    async def load(self, tenure: Tenure, _: Collection[str], __: Collection[str]) -> Known:
        await self._do("load", tenure)
        return NOTHING_KNOWN

    async def save(self, tenure: Tenure, batch: Batch) -> None:
        self.numbers.append(batch.number)
        await self._do("save", tenure)
        self.saved.append(batch)

    async def release(self, tenure: Tenure) -> None:
        await self._do("release", tenure)
        self.released += 1

    async def _do(self, what: str, tenure: Tenure | None = None) -> None:
        self.calls.append(what)
        await asyncio.sleep(0.01)
        if what in self.broken:
            raise LedgerUnavailable(f"{what} does not work")
        if tenure is not None and tenure.epoch != self.epoch:
            raise EpochLost("somebody else has it")


async def taken(kept: Kept) -> AccountLedger:
    """A session's way to an account that it has taken."""
    ledger = AccountLedger("sunny", kept)
    await ledger.take(7)
    return ledger


def batch() -> Batch:
    return Batch([Record("ada@example.com")])


def test_reads_and_writes_wait_until_the_account_is_taken() -> None:
    """Given a session that only stands by, it takes the account from nobody, whatever it is asked for."""
    kept = Kept()

    async def main() -> None:
        ledger = AccountLedger("sunny", kept)
        both = asyncio.gather(ledger.load((), ()), ledger.save(batch()))
        await asyncio.sleep(60)
        assert (kept.calls, ledger.problem) == ([], "")
        assert (await ledger.take(7)).kit_account == 7
        await both

    run(main())
    assert (kept.epoch, len(kept.saved)) == (1, 1)


@pytest.mark.parametrize("broken", ["take", "load", "save"])
def test_what_fails_is_tried_until_it_works_and_told_once(broken: str) -> None:
    kept = Kept({broken})

    async def main() -> list[Any]:
        ledger = AccountLedger("sunny", kept)
        with capture_logs() as logs:
            working = asyncio.gather(ledger.take(7), ledger.load((), ()), ledger.save(batch()))
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
        ledger = await taken(kept)
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
        ledger = await taken(kept)
        kept.broken.add("save")
        saving = asyncio.create_task(ledger.save(batch()))
        await asyncio.sleep(1)
        kept.epoch += 1
        await ledger.take(7)
        kept.broken.clear()
        await saving

    with pytest.raises(EpochLost):
        run(main())
    assert kept.saved == []


def test_a_ledger_that_can_be_read_but_not_written_stays_a_problem() -> None:
    """Given a full disk, then reads that go well do not say that all is well."""
    kept = Kept()

    async def main() -> None:
        ledger = await taken(kept)
        kept.broken.add("save")
        saving = asyncio.create_task(ledger.save(batch()))
        await asyncio.sleep(1)
        await ledger.load((), ())
        assert ledger.problem == "save does not work"
        saving.cancel()

    run(main())


def test_an_account_that_was_lost_is_read_again_once_it_is_taken_anew() -> None:
    kept = Kept()

    async def main() -> Known:
        ledger = await taken(kept)
        kept.epoch += 1
        with pytest.raises(EpochLost):
            await ledger.load((), ())
        await ledger.take(7)
        return await ledger.load((), ())

    assert run(main()) == NOTHING_KNOWN
    assert kept.epoch == 3


def test_a_write_of_an_account_that_was_lost_is_never_written() -> None:
    kept = Kept()

    async def main() -> None:
        ledger = await taken(kept)
        kept.epoch += 1
        await ledger.save(batch())

    with pytest.raises(EpochLost):
        run(main())
    assert kept.saved == []


def test_answers_are_known_from_the_tenure_on_and_releasing_ends_it() -> None:
    kept = Kept()

    async def main() -> None:
        ledger = AccountLedger("sunny", kept)
        assert ledger.known_since == float("inf")
        await ledger.release()
        assert kept.released == 0  # there was nothing to release
        await ledger.take(7)
        assert ledger.known_since == 1.0
        await ledger.release()
        assert (kept.released, ledger.known_since) == (1, float("inf"))

    run(main())


def test_an_epoch_tells_whether_the_account_was_taken_away() -> None:
    kept = Kept(epoch=4)

    async def main() -> None:
        assert not AccountLedger("sunny", kept).is_over(9)
        ledger = await taken(kept)
        assert [ledger.is_over(epoch) for epoch in (4, 5, 6)] == [False, False, True]

    run(main())


def test_releasing_in_vain_does_no_harm() -> None:
    kept = Kept()

    async def main() -> list[Any]:
        ledger = await taken(kept)
        kept.broken.add("release")
        with capture_logs() as logs:
            await ledger.release()
        return [line["event"] for line in logs]

    assert run(main()) == ["release_failed"]
