"""A connected account's token is renewed ahead of time, by one worker, and written before it is used."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.kit.auth.refresh.workers import LIFE, Kit, World, token
from tests.unit.virtual_time import now, run
from worker.errors import RateLimited, TryLater
from worker.kit.auth.refresh import PATIENCE, RETRY


def test_a_token_is_read_once_and_used_until_shortly_before_its_end() -> None:
    async def main() -> None:
        world = World()
        login = world.login()
        for _ in range(5):
            assert token(await login.headers()) == "a0"
        assert world.store.loads == 1
        await asyncio.sleep(LIFE * 0.81)
        assert token(await login.headers()) == "a1"
        assert world.kit.uses == {"r0": 1}
        assert (world.kept.version, world.kept.refreshing) == (2, "")

    run(main())


def test_many_calls_and_many_workers_renew_it_once() -> None:
    async def main() -> None:
        world = World()
        logins = [world.login() for _ in range(3)]
        await asyncio.sleep(LIFE + 1)
        found = await asyncio.gather(*(login.headers() for login in logins * 10))
        assert {token(each) for each in found} == {"a1"}
        assert world.kit.uses == {"r0": 1}

    run(main())


def test_before_the_ledger_has_the_new_token_nobody_uses_it() -> None:
    async def main() -> None:
        world = World()
        await asyncio.sleep(LIFE + 1)
        asking = asyncio.create_task(world.login().headers())
        await asyncio.sleep(world.kit.latency - 0.1)
        world.store.broken = True
        await asyncio.sleep(30)
        assert not asking.done()
        world.store.broken = False
        assert token(await asking) == "a1"
        assert world.kept.tokens.access_token == "a1"

    run(main())


def test_whoever_asks_is_cancelled_and_the_next_gets_what_was_asked_for() -> None:
    async def main() -> None:
        world = World()
        await asyncio.sleep(LIFE + 1)
        login = world.login()
        asking = asyncio.create_task(login.headers())
        await asyncio.sleep(world.kit.latency / 2 + 0.1)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert token(await login.headers()) == "a1"
        assert world.kit.uses == {"r0": 1}

    run(main())


def test_a_token_that_still_works_is_used_while_kit_does_not_renew_it() -> None:
    """Given a Kit that fails, it is asked again after a while, not with every call."""

    async def main() -> None:
        world = World()
        login = world.login()
        world.kit.error = RateLimited("slow down")
        await asyncio.sleep(LIFE * 0.85)
        for _ in range(3):
            assert token(await login.headers()) == "a0"
        assert world.kept.refreshing == ""
        world.kit.error = None
        assert token(await login.headers()) == "a0"
        await asyncio.sleep(RETRY)
        assert token(await login.headers()) == "a1"

    run(main())


def test_a_slow_renewal_keeps_nobody_waiting_while_the_token_still_works() -> None:
    async def main() -> None:
        world = World(Kit(latency=10.0))
        login = world.login()
        await asyncio.sleep(0.85 * LIFE)
        began = now()
        assert token(await login.headers()) == "a0"
        assert now() - began <= PATIENCE + 0.1
        again = now()
        assert token(await login.headers()) == "a0"
        assert now() == again  # it is known to be slow
        await asyncio.sleep(10.0)
        assert world.kept.tokens.access_token == "a1"  # it went on, and is asked for once
        await asyncio.sleep(RETRY)
        assert token(await login.headers()) == "a1"
        assert max(world.kit.uses.values()) == 1

    run(main())


def test_a_token_that_has_ended_and_cannot_be_renewed_now_holds_the_account() -> None:
    async def main() -> None:
        world = World()
        world.kit.error = RateLimited("slow down")
        await asyncio.sleep(LIFE + 1)
        with pytest.raises(RateLimited):
            await world.login().headers()
        world.store.broken = True
        with pytest.raises(TryLater, match="the ledger is gone"):
            await world.login().headers()

    run(main())


def test_a_ledger_that_does_not_take_new_tokens_holds_the_account() -> None:
    """Given a ledger that goes away between Kit's answer and the commit, the account says so, and goes on."""

    async def main() -> None:
        world = World()
        await asyncio.sleep(LIFE + 1)
        login = world.login()
        asking = asyncio.create_task(login.headers())
        await asyncio.sleep(world.kit.latency - 0.1)
        world.store.broken = True
        with pytest.raises(TryLater, match="not in the ledger yet: the ledger is gone"):
            await asking
        assert login.has_unwritten
        world.store.broken = False
        await asyncio.sleep(10)
        assert not login.has_unwritten
        assert token(await login.headers()) == "a1"
        assert world.kit.uses == {"r0": 1}

    run(main())


def test_a_token_that_kit_refuses_is_renewed_once() -> None:
    """Given many calls that are refused together, one refresh serves them all."""

    async def main() -> None:
        world = World()
        login = world.login()
        refused = await login.headers()
        assert all(await asyncio.gather(*(login.renewed(refused) for _ in range(5))))
        assert token(await login.headers()) == "a1"
        assert world.kit.uses == {"r0": 1}

    run(main())


def test_what_another_worker_has_renewed_is_taken_from_the_ledger() -> None:
    async def main() -> None:
        world = World()
        one, two = world.login(), world.login()
        refused = await two.headers()
        assert await one.renewed(await one.headers())
        assert await two.renewed(refused)
        assert world.kit.uses == {"r0": 1}

    run(main())


def test_a_kit_that_grants_no_time_is_not_asked_for_ever() -> None:
    async def main() -> None:
        world = World(Kit(life=0.0))
        await asyncio.sleep(LIFE + 1)
        await world.login().headers()
        assert world.kit.uses == {"r0": 1}

    run(main())
