"""What is done to exchanges, bindings, policies and rights while workers run: nobody is wrong afterwards.

The load publishes what no queue takes again and again, as a platform may: it goes on once that is bound.
"""

from __future__ import annotations

import asyncio

import pytest

from tests.chaos import broker_faults, policy_faults
from tests.chaos.harness import Arena
from tests.chaos.network_faults import TOWARDS_BROKER, proxies
from tests.chaos.policy_faults import ALL, NOTHING
from tests.integration.harness import until
from worker.consumer.declaring import DECLARE_EVERY

pytestmark = pytest.mark.timeout(300)


def said(arena: Arena, event: str) -> bool:
    """Whether the worker has said so of the account under test."""
    return any(
        line["event"] == event and line.get("account") == arena.main.name for line in arena.worker.log_lines()
    )


async def test_the_events_exchange_is_declared_anew(arena: Arena) -> None:
    """Given an exchange that is there, and all of whose bindings are gone, they are back within a minute."""
    async with arena.running(events=400, per_second=40, settle=150):
        await arena.settled(100)
        await policy_faults.events_exchange_declared_anew(arena)
        await until(lambda: said(arena, "topology_mended"), DECLARE_EVERY + 15)
        await arena.green()


async def test_a_binding_is_removed(arena: Arena) -> None:
    """Given one event type whose binding is gone, it is back within a minute."""
    async with arena.running(events=400, per_second=40, settle=150):
        await arena.settled(100)
        async with arena.beside_goes_on():
            await policy_faults.binding_removed(arena, f"access.granted.{arena.main.name}")
            await asyncio.wait_for(arena.main.load.done.wait(), DECLARE_EVERY + 40)


async def test_a_length_policy_on_the_dead_letter_queue(arena: Arena) -> None:
    """Given a policy with max-length alone, no letter pushes out another, and the account holds."""
    async with arena.running(events=400, per_second=60):
        await arena.settled(100)
        async with arena.beside_goes_on(), policy_faults.dead_letters_limited(arena):
            await arena.red_saying("refused")
        await arena.green()


async def test_all_rights_are_taken_away(arena: Arena) -> None:
    """Given a user without any right, the accounts say what is refused, and go on once it has them again."""
    async with broker_faults.own_user(arena), arena.running(events=600, per_second=60):
        await arena.settled(100)
        async with policy_faults.rights(arena, NOTHING, NOTHING, NOTHING):
            await arena.red_saying("ACCESS_REFUSED")
        await arena.green()


async def test_the_right_to_write_is_taken_away(arena: Arena) -> None:
    """Given dead letters that may not be published, nothing is acked, and all are there in the end."""
    async with broker_faults.own_user(arena), arena.running(events=600, per_second=60):
        await arena.settled(100)
        async with policy_faults.rights(arena, ALL, NOTHING, ALL):
            arena.main.load.spoil(4)
            await arena.red()
            await asyncio.sleep(3)
        await arena.green()


async def test_no_channel_may_be_opened(arena: Arena) -> None:
    """Given a broker that takes the login and refuses channels, it is asked seldom, and then all goes on."""
    async with broker_faults.own_user(arena), arena.running(events=600, per_second=60):
        await arena.settled(100)
        before = arena.worker.events_logged().count("broker_lost")
        async with policy_faults.no_channels(arena):
            await arena.red()
            await asyncio.sleep(10)
            tried = arena.worker.events_logged().count("broker_lost") - before
        assert tried <= 21  # three connections: the fall, and tries at once and after 1, 2, 4 and 5 s
        await arena.green()


async def test_confirms_come_late(arena: Arena) -> None:
    """Given confirms after 13 s, the account says what it waits for, and writes each dead letter once."""
    arena.allow_redelivery()
    async with proxies(arena), arena.running(events=600, per_second=60, settle=120):
        await arena.settled(100)
        arena.main.load.spoil(4)
        async with TOWARDS_BROKER["black-hole"](arena):
            await asyncio.sleep(13)
        await arena.green()
    assert arena.row is not None
    assert arena.row.verdicts[0].doubled == 0
