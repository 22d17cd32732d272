"""Whoever waits for a place, gives up, or only looks whether there is one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.unit.kit.limiter.limited import PLACE, limiter
from tests.unit.virtual_time import now, run, settle


async def waits(call: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
    """A task that waits for the limiter, having begun to."""

    async def wait() -> None:
        await call()

    task = asyncio.create_task(wait())
    await settle()
    return task


def test_whoever_gives_up_waiting_gives_up_the_place_in_the_row() -> None:
    async def main() -> None:
        limited = limiter(1)
        started: list[str] = []

        async def call(name: str) -> None:
            async with limited.call():
                started.append(name)

        await call("first")
        patient = [await waits(lambda name=name: call(name)) for name in ("a", "b", "c")]  # type: ignore[misc]
        patient[0].cancel()
        patient[1].cancel()
        await asyncio.wait(patient)

        assert started == ["first", "c"]
        assert now() == pytest.approx(PLACE)

    run(main())


def test_a_call_that_fails_or_is_cancelled_counts_for_a_window_like_any_other() -> None:
    """Kit may have counted it."""

    async def main() -> None:
        limited = limiter(2)
        with pytest.raises(ZeroDivisionError):
            async with limited.call():
                raise ZeroDivisionError

        async def long() -> None:
            async with limited.call():
                await asyncio.sleep(1000)

        task = await waits(long)
        await asyncio.sleep(10)
        task.cancel()
        await asyncio.wait([task])
        assert limited.used_ratio == 1.0

        async with limited.call():
            assert now() == pytest.approx(PLACE)
        await limited.ready()
        assert now() == pytest.approx(10 + PLACE)

    run(main())


def test_looking_whether_a_call_could_start_takes_no_place() -> None:
    async def main() -> None:
        limited = limiter(1)
        for _ in range(10):
            await limited.ready()

        assert limited.used_ratio == 0.0
        async with limited.call():
            assert now() == 0.0
            assert limited.used_ratio == 1.0

    run(main())


def test_looking_waits_until_there_is_a_place() -> None:
    async def main() -> None:
        limited = limiter(1)
        async with limited.call():
            await asyncio.sleep(2)
        await limited.ready()

        assert now() == pytest.approx(2 + PLACE)

    run(main())


def test_looking_waits_for_a_call_under_way_whose_end_nobody_can_foresee() -> None:
    async def main() -> None:
        limited = limiter(1)

        async def call() -> None:
            async with limited.call():
                await asyncio.sleep(7)

        task = await waits(call)
        await limited.ready()

        assert now() == pytest.approx(7 + PLACE)
        await task

    run(main())


def test_those_who_wait_for_a_place_go_before_those_who_only_look() -> None:
    """Given the budget is spent, then changes that have begun are finished before new ones start."""

    async def main() -> None:
        limited = limiter(1)
        order: list[str] = []

        async def look() -> None:
            await limited.ready()
            order.append("new")

        async def call() -> None:
            async with limited.call():
                order.append("begun")

        await call()
        looking = [await waits(look) for _ in range(3)]
        calling = [await waits(call) for _ in range(2)]
        await asyncio.wait([*looking, *calling])

        assert order == ["begun", "begun", "begun", "new", "new", "new"]
        assert now() == pytest.approx(3 * PLACE)

    run(main())


def test_looking_ends_as_soon_as_those_before_are_through_and_not_when_their_calls_end() -> None:
    """Given two places and one long call waits for the first of them, then whoever looks finds the second."""

    async def main() -> None:
        limited = limiter(2)

        async def call(seconds: float) -> None:
            async with limited.call():
                await asyncio.sleep(seconds)

        await asyncio.gather(call(0), call(0))
        looking = await waits(limited.ready)
        calling = await waits(lambda: call(1000))
        await looking

        assert now() == pytest.approx(PLACE)
        calling.cancel()

    run(main())


def test_many_who_look_and_many_who_call_all_get_through() -> None:
    """Given thirty of each and some who give up, then nobody waits for ever."""

    async def main() -> None:
        limited = limiter(2)

        async def call() -> None:
            async with limited.call():
                await asyncio.sleep(0.5)

        tasks = []
        for number in range(30):
            tasks += [asyncio.create_task(limited.ready()), asyncio.create_task(call())]
            if number % 3 == 0:
                asyncio.get_running_loop().call_later(number * 7, tasks[-1].cancel)
                asyncio.get_running_loop().call_later(number * 5, tasks[-2].cancel)
        await asyncio.wait(tasks)

    run(main())
