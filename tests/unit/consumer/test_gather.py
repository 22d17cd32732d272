"""How long more events are waited for before a call."""

import asyncio

import pytest

from tests.unit.consumer.world import World
from tests.unit.virtual_time import now, run, settle
from worker.consumer.gather import BURST_OVER, MANY, MAX_BURST, MAX_GATHERING, QUIET


def test_a_burst_is_over_after_a_moment_without_a_message_or_after_a_second() -> None:
    async def main() -> None:
        world = World()
        async with world.running(dispatch=False):
            await world.gather.burst(now())
            assert now() == pytest.approx(BURST_OVER)

            async def keep_coming() -> None:
                for number in range(1000):
                    world.comes(number)
                    await asyncio.sleep(BURST_OVER / 2)

            coming, began = asyncio.create_task(keep_coming()), now()
            await world.gather.burst(began)
            assert now() - began == pytest.approx(MAX_BURST, abs=BURST_OVER)
            coming.cancel()

    run(main())


def test_what_comes_first_when_a_burst_would_be_over_is_not_waited_for() -> None:
    """Given a session that had nothing to do at first, its first event goes out at once."""

    async def main() -> None:
        world = World()
        async with world.running(dispatch=False):
            began = now()
            for seconds, waits in ((BURST_OVER / 2, True), (BURST_OVER * 1.5, False), (MAX_BURST, False)):
                await asyncio.sleep(began + seconds - now())
                world.comes(round(seconds * 100))
                came = now()
                await world.gather.burst(began)
                assert (now() > came) is waits, seconds
                await settle()
                world.consumer.unsettled.clear()

    run(main())


def test_few_events_are_never_waited_for_and_many_until_no_more_come_but_not_for_ever() -> None:
    async def main() -> None:
        world = World()
        async with world.running(dispatch=False):
            for number in range(MANY - 1):
                world.comes(number)
            began = now()
            await world.gather.many()
            assert now() == began, "they are too few"

            world.comes(MANY)
            await world.gather.many()
            assert now() - began == pytest.approx(QUIET, abs=QUIET / 2)

            async def keep_coming() -> None:
                for number in range(MANY + 2, 1000):
                    world.comes(number)
                    await asyncio.sleep(QUIET / 2)

            world.comes(MANY + 1)
            coming, began = asyncio.create_task(keep_coming()), now()
            await world.gather.many()
            assert now() - began == pytest.approx(MAX_GATHERING, abs=QUIET)
            coming.cancel()

    run(main())
