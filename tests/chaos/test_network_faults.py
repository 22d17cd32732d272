"""What the network may do: nobody is wrong afterwards, and nothing is lost."""

from __future__ import annotations

import asyncio

import pytest

from tests.chaos.harness import Arena
from tests.chaos.network_faults import KINDS, TOWARDS_BROKER, TOWARDS_KIT, proxies
from worker.broker.address import HEARTBEAT

pytestmark = pytest.mark.timeout(240)


BOTH_FORMS = {"black-hole", "reset"}

any_kind = pytest.mark.parametrize(
    "how", [pytest.param(how, marks=() if how in BOTH_FORMS else pytest.mark.full) for how in KINDS]
)


@any_kind
async def test_towards_the_broker(arena: Arena, how: str) -> None:
    """Given a bad network towards RabbitMQ for longer than two heartbeats, all is applied afterwards."""
    arena.allow_redelivery()
    async with proxies(arena), arena.running(events=600, per_second=40, settle=120):
        await arena.settled(100)
        async with TOWARDS_BROKER[how](arena):
            if how == "drip":  # heartbeats pass, so the worker may stay, and deliveries take for ever
                await asyncio.sleep(2 * HEARTBEAT + 5)
            else:
                await arena.red(seconds=60)
                await asyncio.sleep(3)
        await arena.green()


@any_kind
async def test_towards_kit(arena: Arena, how: str) -> None:
    """Given a bad network towards Kit, the accounts hold where nothing passes, and go on afterwards."""
    async with proxies(arena), arena.running(events=600, per_second=60, settle=120, KIT_TIMEOUT="2"):
        await arena.settled(100)
        async with TOWARDS_KIT[how](arena):
            if how in {"black-hole", "drip"}:
                account = await arena.red()
                assert account["state"] == "held"
            await asyncio.sleep(6)
        await arena.green(seconds=30)
