"""Kit's limit, as Kit sees it: so many calls in any 60 s, wherever in its duration a call arrives."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.kit.limiter.limited import PLACE, limiter
from tests.unit.virtual_time import now, run
from worker.kit.limiter import WINDOW, Limiter, RollingWindow

# -- as Kit sees it ---------------------------------------------------------------------------------------


@dataclass
class Call:
    """One call: asked for, started, arrived at Kit and ended, at these seconds."""

    asked: float
    latency: float
    arrives: float
    patience: float | None = None
    started: float | None = None
    ended: float | None = None


@dataclass
class Traffic:
    """Calls of all kinds through one limiter."""

    limiter: Limiter
    started: list[Call] = field(default_factory=list)

    async def make(self, call: Call) -> None:
        await asyncio.sleep(call.asked)
        try:
            async with asyncio.timeout(call.patience), self.limiter.call():
                call.started = now()
                self.started.append(call)
                await asyncio.sleep(call.latency)
        except TimeoutError:
            pass
        finally:
            if call.started is not None:
                call.ended = now()

    async def make_all(self, calls: list[Call]) -> None:
        await asyncio.gather(*map(self.make, calls))


latencies = st.sampled_from([0.0, 0.02, 1.0, 15.0, 59.0, 61.0, 130.0])
calls = st.builds(
    Call,
    asked=st.sampled_from([0.0, 0.0, 0.0, 0.5, 30.0, 59.9, 60.0, 60.05, 61.0, 200.0]),
    latency=latencies,
    arrives=st.sampled_from([0.0, 0.5, 1.0]),
    patience=st.sampled_from([None, None, None, 0.01, 10.0, 90.0]),
)


def busiest(arrivals: list[float]) -> int:
    """The most arrivals in any 60 s."""
    return max(
        (sum(1 for each in arrivals if start <= each < start + WINDOW) for start in arrivals), default=0
    )


@given(st.lists(calls, max_size=14), st.integers(1, 4))
@settings(max_examples=80)
def test_no_60_seconds_at_kit_ever_hold_more_calls_than_the_limit(wanted: list[Call], limit: int) -> None:
    """Given any arrivals, latencies and losses of patience, wherever between start and end a call arrives."""
    traffic = Traffic(limiter(limit))

    run(traffic.make_all(wanted))

    arrivals = []
    for call in traffic.started:
        assert call.started is not None
        assert call.ended is not None
        arrivals.append(call.started + call.arrives * (call.ended - call.started))
    assert busiest(arrivals) <= limit
    assert all(call.started is not None for call in wanted if call.patience is None)


@given(st.lists(calls, max_size=14), st.integers(1, 4))
@settings(max_examples=40)
def test_no_call_waits_while_there_is_a_place(wanted: list[Call], limit: int) -> None:
    """Given a call had to wait, then until the moment it started all places were taken."""
    traffic = Traffic(limiter(limit))

    run(traffic.make_all(wanted))

    for call in traffic.started:
        assert call.started is not None
        if call.started > call.asked:
            just_before = call.started - 1e-6
            taken = sum(
                1
                for other in traffic.started
                if other.started is not None
                and other.ended is not None
                and other.started <= just_before < other.ended + PLACE
            )
            assert taken == limit


@given(st.lists(calls, max_size=14), st.integers(1, 4))
@settings(max_examples=30)
def test_first_come_first_served(wanted: list[Call], limit: int) -> None:
    traffic = Traffic(limiter(limit))

    run(traffic.make_all(wanted))

    assert [call.asked for call in traffic.started] == sorted(call.asked for call in traffic.started)


def test_a_burst_uses_the_whole_limit_at_once_and_the_rest_follow_a_window_later() -> None:
    traffic = Traffic(limiter(120))
    wanted = [Call(asked=0.0, latency=0.2, arrives=0.0) for _ in range(300)]

    run(traffic.make_all(wanted))

    starts = [call.started for call in traffic.started]
    assert starts[:120] == [0.0] * 120
    assert starts[120:240] == pytest.approx([0.2 + PLACE] * 120)
    assert starts[240:] == pytest.approx([2 * (0.2 + PLACE)] * 60)


def test_calls_of_one_moment_are_served_in_the_order_they_came() -> None:
    served: list[int] = []

    async def call(limited: Limiter, number: int) -> None:
        async with limited.call():
            served.append(number)

    async def main() -> None:
        limited = limiter(3)
        await asyncio.gather(*(call(limited, number) for number in range(10)))

    run(main())

    assert served == list(range(10))


# -- the window itself ------------------------------------------------------------------------------------


def test_a_call_counts_from_its_start_until_a_window_after_its_end() -> None:
    window = RollingWindow(2, window=60.0)
    window.start()
    window.start()
    assert (window.free(0.0), window.next_free(0.0)) == (0, None)

    window.end(100.0)

    assert (window.free(100.0), window.next_free(100.0)) == (0, 60.0)
    assert (window.free(159.9), window.next_free(130.0)) == (0, 30.0)
    assert (window.free(160.0), window.next_free(160.0), window.ratio(160.0)) == (1, 0.0, 0.5)


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_of_nothing_is_a_mistake(limit: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        RollingWindow(limit)
