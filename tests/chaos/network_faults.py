"""Faults of the network towards RabbitMQ and Kit, for rows and the soak."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final
from weakref import WeakKeyDictionary

from tests.chaos.faults import Inject, fault, preparation
from tests.chaos.harness import Arena
from tests.chaos.proxy import Proxy

AGAIN: Final = 1.0
"""Seconds between two breaks of all connections."""

_proxies: WeakKeyDictionary[Arena, dict[str, Proxy]] = WeakKeyDictionary()


@preparation
async def proxies(arena: Arena) -> AsyncIterator[None]:
    """Put a proxy in the way to RabbitMQ, and one in the way to Kit."""
    broker, kit = Proxy(arena.world.amqp_url), Proxy(arena.world.kit_url)
    async with broker.open(), kit.open():
        arena.world.amqp_url, arena.world.kit_url = broker.url, kit.url
        _proxies[arena] = {"broker": broker, "kit": kit}
        yield


@asynccontextmanager
async def _again_and_again(breaking: Callable[[], None]) -> AsyncIterator[None]:
    async def go_on() -> None:
        while True:
            breaking()
            await asyncio.sleep(AGAIN)

    task = asyncio.create_task(go_on())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _towards(where: str, how: str) -> Inject:
    async def inject(arena: Arena) -> AsyncIterator[None]:
        proxy = _proxies[arena][where]
        match how:
            case "black-hole":
                with proxy.black_hole():
                    yield
            case "drip":
                with proxy.dripping():
                    yield
            case "reset":
                async with _again_and_again(proxy.reset_in_mid_frame):
                    yield
            case _:
                async with _again_and_again(proxy.half_close):
                    yield

    return fault(f"network-{how}-{where}", group=where, seconds=8)(inject)


KINDS: Final = ("black-hole", "half-close", "reset", "drip")
TOWARDS_BROKER: Final = {how: _towards("broker", how) for how in KINDS}
TOWARDS_KIT: Final = {how: _towards("kit", how) for how in KINDS}
