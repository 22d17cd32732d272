"""What is done to exchanges, bindings, policies and rights while workers run, for rows and the soak."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from yarl import URL

from tests.chaos.broker_faults import channel
from tests.chaos.faults import fault
from tests.chaos.harness import Arena

NOTHING = "^$"
ALL = ".*"


@asynccontextmanager
async def policy(arena: Arena, queue: str, definition: str) -> AsyncIterator[None]:
    """Let a policy be in force on one queue."""
    name, pattern = f"policy-{queue}", queue.replace(".", r"\.")
    await arena.broker.rabbitmqctl("set_policy", "--apply-to", "queues", name, f"^{pattern}$", definition)
    try:
        yield
    finally:
        await arena.broker.rabbitmqctl("clear_policy", name)


@fault("dead-letters-limited", group="broker")
async def dead_letters_limited(arena: Arena) -> AsyncIterator[None]:
    """Limit the dead-letter queue's length, without a word about what is beyond it."""
    async with policy(arena, arena.main.dead, '{"max-length": 2}'):
        arena.main.load.spoil(8)
        yield


async def events_exchange_declared_anew(arena: Arena) -> None:
    """Delete the events exchange, with all its bindings, and declare it again, as a deployment may."""
    async with channel(arena) as making:
        await making.exchange_delete(arena.world.exchange)
        await making.declare_exchange(arena.world.exchange, "topic", durable=True)


async def binding_removed(arena: Arena, key: str) -> None:
    """Remove one binding of the work queue."""
    async with channel(arena) as making:
        queue = await making.get_queue(arena.main.queue, ensure=False)
        await queue.unbind(arena.world.exchange, key)


def _user(arena: Arena) -> str:
    return URL(arena.world.amqp_url).user or ""


@asynccontextmanager
async def rights(arena: Arena, configure: str, write: str, read: str) -> AsyncIterator[None]:
    """Leave the workers' own user only these rights; channels that are open know them from their next on."""
    await arena.broker.rabbitmqctl("set_permissions", _user(arena), configure, write, read)
    await arena.broker.rabbitmqctl("close_all_connections", "chaos")
    try:
        yield
    finally:
        await arena.broker.rabbitmqctl("set_permissions", _user(arena), ALL, ALL, ALL)


@asynccontextmanager
async def no_channels(arena: Arena) -> AsyncIterator[None]:
    """Let the workers' own user connect, and open no channel."""
    await arena.broker.rabbitmqctl("set_user_limits", _user(arena), '{"max-channels": 0}')
    await arena.broker.rabbitmqctl("close_all_connections", "chaos")
    try:
        yield
    finally:
        await arena.broker.rabbitmqctl("clear_user_limits", _user(arena), "max-channels")
