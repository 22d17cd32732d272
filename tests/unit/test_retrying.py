"""What has to succeed in the end is repeated until it does; people are told of its beginning and its end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from tests.unit.virtual_time import VirtualClock, now, run
from worker.errors import BrokerUnavailable, EpochLost, LedgerUnavailable
from worker.retrying import Retrying


@pytest.fixture(autouse=True)
def _plain_logs() -> Iterator[None]:
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


@dataclass
class Work:
    """Something that fails for as long as a test likes, and notes when it was tried."""

    error: Exception | None = None
    tries: list[float] = field(default_factory=list)

    async def __call__(self) -> str:
        """Try."""
        self.tries.append(now())
        if self.error is not None:
            raise self.error
        return "done"


def retrying(longest: float = 60.0) -> Retrying:
    return Retrying(
        LedgerUnavailable,
        account="sunny",
        clock=VirtualClock(),
        failing="not_written",
        over="written",
        longest=longest,
    )


GONE = LedgerUnavailable("the ledger is gone")


def test_what_works_is_done_once_and_nobody_is_told() -> None:
    work = Work()

    async def main() -> str:
        with capture_logs() as logs:
            done = await retrying().until_done(work)
        assert logs == []
        return done

    assert run(main()) == "done"
    assert work.tries == [0]


def test_what_fails_is_repeated_until_it_works_and_told_once() -> None:
    """Given a ledger that is gone for a minute, then the waits grow, and two lines say it all."""
    work = Work(GONE)

    async def main() -> list[Any]:
        repeated = retrying()
        with capture_logs() as logs:
            working = asyncio.create_task(repeated.until_done(work))
            await asyncio.sleep(20)
            assert repeated.problem == "the ledger is gone"
            work.error = LedgerUnavailable("the disk is full")
            await asyncio.sleep(20)
            assert repeated.problem == "the disk is full"
            work.error = None
            assert await working == "done"
            assert repeated.problem == ""
        return logs

    assert run(main()) == [
        {"event": "not_written", "account": "sunny", "problem": "the ledger is gone", "log_level": "error"},
        {"event": "written", "account": "sunny", "log_level": "info"},
    ]
    assert work.tries == [0, 1, 3, 7, 15, 31, 63]


def test_no_wait_is_longer_than_its_user_allows() -> None:
    work = Work(GONE)

    async def main() -> None:
        working = asyncio.create_task(retrying(longest=5.0).until_done(work))
        await asyncio.sleep(21)
        work.error = None
        await working

    run(main())
    assert work.tries == [0, 1, 3, 7, 12, 17, 22]


def test_another_error_is_raised_and_ends_it() -> None:
    work = Work(GONE)

    async def main() -> None:
        repeated = retrying()
        working = asyncio.create_task(repeated.until_done(work))
        await asyncio.sleep(2)
        work.error = EpochLost("somebody else has it")
        with pytest.raises(EpochLost):
            await working
        assert repeated.problem == ""

    run(main())


def test_each_work_has_a_problem_of_its_own_and_the_end_is_told_with_the_last() -> None:
    """Given a disk that can be read and not written, then a read that works does not say that all is well."""
    writing, reading = Work(GONE), Work(LedgerUnavailable("it cannot be read"))

    async def main() -> list[str]:
        repeated = retrying()
        with capture_logs() as logs:
            both = asyncio.gather(repeated.until_done(writing), repeated.until_done(reading))
            await asyncio.sleep(2)
            reading.error = None
            await asyncio.sleep(10)
            assert await repeated.until_done(Work()) == "done"
            assert repeated.problem == "the ledger is gone"
            assert [line["event"] for line in logs] == ["not_written"]
            writing.error = None
            await both
        return [line["event"] for line in logs]

    assert run(main()) == ["not_written", "written"]


def test_what_is_cancelled_is_no_problem_any_more() -> None:
    async def main() -> None:
        repeated = retrying()
        working = asyncio.create_task(repeated.until_done(Work(GONE)))
        await asyncio.sleep(2)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        assert repeated.problem == ""
        with capture_logs() as logs:  # and the next one that fails is told anew
            working = asyncio.create_task(repeated.until_done(Work(GONE)))
            await asyncio.sleep(2)
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
        assert [line["event"] for line in logs] == ["not_written"]

    run(main())


@pytest.mark.parametrize("error", [None, LedgerUnavailable("this is not mended")])
def test_between_two_tries_somebody_may_mend_it(error: Exception | None) -> None:
    work, done = Work(GONE), list[float]()

    async def mend() -> None:
        done.append(now())
        if error is not None:
            raise error
        if len(done) == 2:
            work.error = None

    async def main() -> None:
        async with asyncio.timeout(10):
            await retrying().until_done(work, mend=mend)

    if error is None:
        run(main())
        assert (work.tries, done) == ([0, 1, 3], [1, 3])
    else:
        with pytest.raises(TimeoutError):
            run(main())
        assert (work.tries, done) == ([0, 1, 3, 7], [1, 3, 7])


def test_an_unexpected_error_of_mending_is_raised() -> None:
    async def mend() -> None:
        raise BrokerUnavailable("something else")

    with pytest.raises(BrokerUnavailable):
        run(retrying().until_done(Work(GONE), mend=mend))


def test_what_takes_long_is_told_as_a_failure_and_not_tried_again() -> None:
    """Given an answer that comes after 12 s, people know from the tenth on, and it was asked for once."""
    tries: list[float] = []

    async def slow() -> str:
        tries.append(now())
        await asyncio.sleep(12)
        return "done"

    async def main() -> list[str]:
        repeated = retrying()
        with capture_logs() as logs:
            working = asyncio.create_task(repeated.until_done(slow, late="no answer yet"))
            await asyncio.sleep(9)
            assert repeated.problem == ""
            await asyncio.sleep(2)
            assert repeated.problem == "no answer yet"
            assert await working == "done"
            assert repeated.problem == ""
        return [line["event"] for line in logs]

    assert run(main()) == ["not_written", "written"]
    assert tries == [0]
