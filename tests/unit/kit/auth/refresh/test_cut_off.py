"""A refresh that is cut off anywhere: by a lost answer, a kill, a stop or a worker that stands still."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.kit.auth.refresh.workers import LIFE, TIMEOUT, Kit, Store, World, connected, token
from tests.unit.virtual_time import now, run, settle
from worker.errors import CredentialRefused, KitUnavailable
from worker.kit.auth.refresh import SEND_WITHIN


def test_a_lost_answer_is_tried_once_more_and_then_a_person_is_asked() -> None:
    """Given an answer that was lost, only a second try shows whether Kit has carried the refresh out."""

    async def main() -> None:
        world = World(Kit(lost=1))
        await asyncio.sleep(LIFE + 1)
        with pytest.raises(KitUnavailable):
            await world.login().headers()
        for _ in range(2):
            with pytest.raises(
                CredentialRefused, match=r"answer to a refresh was lost .* kit-worker connect a"
            ):
                await world.login().headers()
        assert world.kit.uses == {"r0": 2}

    run(main())


def test_a_worker_that_was_killed_leaves_its_turn_to_others_after_a_while() -> None:
    """Given a kill before Kit heard of the refresh, another worker does it, once the turn is surely over.

    How long that is, the other one measures itself: the clocks of two hosts may differ by any time.
    """

    async def main() -> None:
        world = World()
        assert await world.store.begin_refresh("a", connected(), "killed")
        await asyncio.sleep(LIFE * 0.81)
        login, started = world.login(), now()
        assert token(await login.headers()) == "a0"  # which still works
        await asyncio.sleep(LIFE * 0.18)
        assert token(await login.headers()) == "a0"
        assert world.kit.uses == {}
        await asyncio.sleep(LIFE * 0.02)
        assert token(await login.headers()) == "a1"
        assert SEND_WITHIN + TIMEOUT < now() - started < SEND_WITHIN + TIMEOUT + 3
        assert not world.kept.in_doubt

    run(main())


def test_a_worker_that_stood_still_uses_what_another_has_got_meanwhile() -> None:
    """Given a refresh that is sent too late, Kit's refusal is no loss where the ledger has newer tokens."""

    async def main() -> None:
        world = World()
        await asyncio.sleep(LIFE + 1)
        world.kit.latency = 60.0
        late = asyncio.create_task(world.login().headers())
        await asyncio.sleep(1)
        world.kit.latency = 0.5
        assert token(await world.login().headers()) == "a1"
        assert token(await late) == "a1"
        assert world.kit.uses == {"r0": 2}
        assert world.kept.connected.problem == ""

    run(main())


def test_a_refresh_is_not_sent_long_after_its_turn_was_taken() -> None:
    async def main() -> None:
        world = World(store=Store(connected(), latency=SEND_WITHIN + 1))
        await asyncio.sleep(LIFE + 1)
        await world.login().headers()
        assert world.kit.sent_late == 1  # it was told until when, and OAuthEndpoint sends nothing then

    run(main())


def test_what_was_asked_for_is_written_before_a_login_is_closed() -> None:
    async def main() -> None:
        world = World()
        await asyncio.sleep(LIFE + 1)
        login = world.login()
        asking = asyncio.create_task(login.headers())
        await asyncio.sleep(world.kit.latency / 2 + 0.1)
        asking.cancel()
        again = asyncio.create_task(login.headers())
        await asyncio.sleep(0.05)
        again.cancel()
        await asyncio.gather(asking, again, return_exceptions=True)
        await login.close()
        assert world.kept.tokens.refresh_token == world.kit.good == "r1"
        await login.close()

    run(main())


def test_closing_waits_for_no_ledger_that_never_comes_back() -> None:
    async def main() -> None:
        world = World()
        await asyncio.sleep(LIFE + 1)
        login = world.login()
        asking = asyncio.create_task(login.headers())
        await asyncio.sleep(world.kit.latency - 0.1)
        world.store.broken = True
        asking.cancel()
        await login.close()
        assert now() - LIFE < SEND_WITHIN + TIMEOUT + 5

    run(main())


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.floats(0, 30), st.sampled_from(["ask", "kill", "kill", "end"])),
        max_size=25,
    )
)
def test_no_refresh_token_is_used_twice_unless_a_worker_was_killed_in_that_very_moment(
    steps: list[tuple[int, float, str]],
) -> None:
    """Given workers that come and go at any moment, all that Kit was asked twice is reported as cut off."""

    async def main() -> None:
        world = World(Kit(life=5.0), Store(connected(5.0)))
        logins = [world.login() for _ in range(3)]
        asking: list[asyncio.Task[object]] = []
        for number, seconds, what in steps:
            asking.append(asyncio.create_task(logins[number].headers()))
            await asyncio.sleep(seconds / 100 if what == "kill" else seconds)
            if what == "kill":  # as kill -9 does: nothing of the process goes on
                for task in asyncio.all_tasks() - {asyncio.current_task()}:
                    task.cancel()
                    task.cancel()
                logins = [world.login() for _ in range(3)]
                await settle()
        await asyncio.gather(*asking, return_exceptions=True)
        twice = [each for each, count in world.kit.uses.items() if count > 1]
        assert not twice or "was lost" in world.kept.connected.problem

    run(main())
