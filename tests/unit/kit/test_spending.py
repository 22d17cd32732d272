"""Kit's limit over processes that come and go: what one has spent, the next one counts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.virtual_time import VirtualClock, beside, now, run, settle
from worker.errors import CallsSuspended, TryLater
from worker.kit.limiter import AHEAD_OF, MARGIN, WINDOW, Limiter
from worker.kit.spending import Spent, read_spent, spent_by

EPOCH = 1_000_000.0
"""Seconds since 1970 at the beginning of virtual time."""


@dataclass
class Kit:
    """Kit, which counts calls as they arrive, and the ledger between the processes.

    Attributes:
        written: What was written last.
        writes: How often that was done.
    """

    limit: int
    latency: float = 0.05
    write_takes: float = 0.002
    written: str | None = None
    writes: int = 0
    arrivals: list[float] = field(default_factory=list)

    def process(self, name: str) -> Limiter:
        """A process that takes the account over."""
        limiter = Limiter(self.limit, clock=VirtualClock(began=EPOCH), who=name)
        limiter.remember(read_spent(self.written), self.write)
        return limiter

    async def write(self, spent: Spent) -> None:
        """Keep it, as the ledger does."""
        await asyncio.sleep(self.write_takes)
        self.written = spent.as_json()
        self.writes += 1

    async def calls(self, limiter: Limiter, count: int) -> None:
        """Make so many calls, all wanted at once."""
        async with beside(limiter.keep_written()):
            await asyncio.gather(*(self._call(limiter) for _ in range(count)))

    async def _call(self, limiter: Limiter) -> None:
        async with limiter.call():
            self.arrivals.append(now())
            await asyncio.sleep(self.latency)

    def busiest(self) -> int:
        """The most arrivals in any 60 s."""
        return max(
            (sum(1 for at in self.arrivals if start <= at < start + WINDOW) for start in self.arrivals),
            default=0,
        )


async def killed(*tasks: asyncio.Task[None]) -> None:
    """End processes as kill -9 does."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await settle()


@settings(max_examples=150)
@given(
    limit=st.integers(1, 30),
    steps=st.lists(st.tuples(st.integers(0, 40), st.floats(0, 70), st.booleans()), min_size=1, max_size=8),
)
def test_whoever_is_killed_and_whenever_kit_never_gets_more_than_its_limit(
    limit: int, steps: list[tuple[int, float, bool]]
) -> None:
    """Given processes that are killed at any moment, or go on, no 60 s hold more calls than are allowed."""

    async def main() -> None:
        kit = Kit(limit)
        limiter, tasks = kit.process("p0"), list[asyncio.Task[None]]()
        for number, (count, seconds, kill) in enumerate(steps, 1):
            tasks.append(asyncio.create_task(kit.calls(limiter, count)))
            await asyncio.sleep(seconds)
            if kill:
                await killed(*tasks)
                limiter, tasks = kit.process(f"p{number}"), []
        await killed(*tasks)
        assert kit.busiest() <= limit

    run(main())


@pytest.mark.parametrize("limit", [118, 588])
def test_under_a_backlog_nothing_of_the_limit_is_lost_and_little_by_a_kill(limit: int) -> None:
    """Given a backlog that never ends, each minute is used up, also the one after a kill -9."""

    async def main() -> None:
        kit = Kit(limit)
        working = asyncio.create_task(kit.calls(kit.process("p0"), 100 * limit))
        await asyncio.sleep(200)
        await killed(working)
        killed_at = now()
        working = asyncio.create_task(kit.calls(kit.process("p1"), 100 * limit))
        await asyncio.sleep(200)
        await killed(working)
        after = sum(1 for at in kit.arrivals if killed_at - WINDOW <= at < killed_at + WINDOW)
        assert kit.busiest() == limit
        minutes = [sum(1 for at in kit.arrivals if start <= at < start + WINDOW) for start in range(130)]
        assert min(minutes) >= limit * 0.99
        assert after >= 2 * limit * 0.99 - 2

    run(main())


def test_while_much_is_left_few_writes_are_needed() -> None:
    """Given an account that makes three calls now and then, one write serves many of them."""

    async def main() -> None:
        kit = Kit(118)
        limiter = kit.process("p0")
        for _ in range(30):
            await kit.calls(limiter, 3)
            await asyncio.sleep(20)
        assert len(kit.arrivals) == 90
        assert kit.writes <= 90 / (118 / AHEAD_OF - 3)

    run(main())


def test_calls_that_come_together_share_a_write() -> None:
    async def main() -> None:
        kit = Kit(40)
        await kit.calls(kit.process("p0"), 40)
        assert kit.writes <= 3

    run(main())


def test_whoever_takes_over_in_order_goes_on_where_the_other_ended() -> None:
    """Given a process that ends in order, nothing is counted that was not sent."""

    async def main() -> None:
        kit = Kit(10)
        first = kit.process("p0")
        await kit.calls(first, 6)
        await first.leave()
        second = kit.process("p1")
        began = now()
        await kit.calls(second, 4)
        assert now() - began < 1
        await kit.calls(second, 1)
        assert now() - began > WINDOW - 3

    run(main())


def test_ones_own_calls_are_not_counted_twice_when_the_account_comes_back() -> None:
    """Given an account that went to another process and came back, the first one's calls count once."""

    async def main() -> None:
        kit = Kit(10)
        first = kit.process("p0")
        await kit.calls(first, 4)
        await first.leave()
        second = kit.process("p1")
        await kit.calls(second, 2)
        await second.leave()
        first.remember(read_spent(kit.written), kit.write)
        began = now()
        await kit.calls(first, 4)
        assert now() - began < 1

    run(main())


def test_a_call_that_cannot_be_written_down_is_not_sent_and_its_place_stays_free() -> None:
    async def main() -> None:
        kit = Kit(1)
        limiter = kit.process("p0")

        async def fails(_: Spent) -> None:
            raise TryLater("the ledger is gone")

        limiter.remember(None, fails)
        for _ in range(3):
            with pytest.raises(TryLater):
                await kit.calls(limiter, 1)
        limiter.remember(None, kit.write)
        await kit.calls(limiter, 1)
        assert kit.arrivals == [pytest.approx(0.0, abs=0.1)]

    run(main())


def test_whether_a_call_may_start_is_asked_after_it_is_written_down() -> None:
    """Given an account that was taken away while that was written, nothing is sent."""

    async def main() -> None:
        kit = Kit(1)
        limiter = kit.process("p0")

        def check() -> None:
            assert kit.writes == 1
            raise CallsSuspended("not ours")

        with pytest.raises(CallsSuspended):
            async with limiter.call(check):
                raise AssertionError("it was sent")
        await kit.calls(limiter, 1)

    run(main())


@given(st.lists(st.floats(0, 2e9), max_size=20), st.integers(0, 600))
def test_what_is_written_is_what_is_read(ended: list[float], under_way: int) -> None:
    spent = spent_by("w", ended, under_way)
    assert read_spent(spent.as_json()) == spent
    assert len(list(spent.times())) == len(ended)
    assert all(any(at <= second <= at + 1 for second in spent.times()) for at in ended)


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"who": 1}', '{"who": "w", "ended": [1], "open": 0}'])
def test_what_is_no_such_text_says_nothing(text: str | None) -> None:
    assert read_spent(text) is None


def test_the_clock_of_another_machine_may_be_ahead() -> None:
    """Given calls that ended in the future, they count from now on, and no longer."""

    async def main() -> None:
        limiter = Limiter(2, clock=VirtualClock(began=EPOCH), who="p1")
        limiter.remember(Spent("p0", ((int(EPOCH) + 500, 2),), 0), None)
        began = now()
        async with limiter.call():
            assert now() - began == pytest.approx(WINDOW + MARGIN)

    run(main())
