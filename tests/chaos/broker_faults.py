"""Faults of RabbitMQ, for rows and the soak."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel
from yarl import URL

from tests.chaos.faults import fault, preparation
from tests.chaos.harness import Arena
from worker.broker.topology import DEAD_LETTER_EXCHANGE, dead_letter_queue_arguments

CLOSE_EVERY = 2.0
PASSWORD = "as it was"


@asynccontextmanager
async def channel(arena: Arena) -> AsyncIterator[AbstractChannel]:
    """Give a channel of its own, past the workers."""
    async with await aio_pika.connect(arena.amqp_url, timeout=10) as connection:
        yield await connection.channel()


@fault("broker-stopped", group="broker")
async def stopped(arena: Arena) -> AsyncIterator[None]:
    """Stop RabbitMQ in good order."""
    await arena.broker.stop_app()
    try:
        yield
    finally:
        await arena.broker.start_app()


@fault("broker-killed", group="broker")
async def killed(arena: Arena) -> AsyncIterator[None]:
    """Kill RabbitMQ as a power cut would."""
    await arena.broker.kill()
    try:
        yield
    finally:
        await arena.broker.start()


@fault("connections-closed", group="broker", seconds=10)
async def connections_closed(arena: Arena) -> AsyncIterator[None]:
    """Close every connection, the platform's too, every two seconds."""

    async def close() -> None:
        while True:
            await arena.broker.rabbitmqctl("close_all_connections", "chaos")
            await asyncio.sleep(CLOSE_EVERY)

    closing = asyncio.create_task(close())
    try:
        yield
    finally:
        closing.cancel()
        await asyncio.gather(closing, return_exceptions=True)


@fault("queue-deleted", group="broker")
async def queue_deleted(arena: Arena) -> AsyncIterator[None]:
    """Delete the work queue with all in it; the platform then publishes everything again."""
    async with channel(arena) as deleting:
        await deleting.queue_delete(arena.main.queue)
    yield
    arena.main.load.replay()


@asynccontextmanager
async def _instead(
    arena: Arena, queue: str, arguments: dict[str, Any], *, fill: int = 0, route: str = ""
) -> AsyncIterator[None]:
    """Put a queue with other arguments in a queue's place, and take it away in the end."""
    async with channel(arena) as making:
        await making.queue_delete(queue)
        made = await making.declare_queue(queue, durable=True, arguments=arguments)
        if route:
            await made.bind(DEAD_LETTER_EXCHANGE, route)
        for _ in range(fill):
            await making.default_exchange.publish(aio_pika.Message(b"filler"), queue)
    try:
        yield
    finally:
        async with channel(arena) as deleting:
            await deleting.queue_delete(queue)


@fault("queue-with-other-arguments", group="broker")
async def queue_with_other_arguments(arena: Arena) -> AsyncIterator[None]:
    """Put a queue of another kind in the work queue's place; the platform then publishes all again."""
    async with _instead(arena, arena.main.queue, {}):
        yield
    arena.main.load.replay()


@fault("dead-letters-deleted", group="broker", seconds=2)
async def dead_letters_deleted(arena: Arena) -> AsyncIterator[None]:
    """Delete the dead-letter queue, and with it what it held, just before something must go into it."""
    async with channel(arena) as deleting:
        await deleting.queue_delete(arena.main.dead)
    arena.main.load.spoil(3)
    yield


@fault("dead-letters-full", group="broker")
async def dead_letters_full(arena: Arena) -> AsyncIterator[None]:
    """Let the dead-letter queue take one message and refuse all others."""
    name, pattern = f"full-{arena.main.name}", arena.main.dead.replace(".", r"\.")
    policy = '{"max-length": 1, "overflow": "reject-publish"}'
    await arena.broker.rabbitmqctl("set_policy", "--apply-to", "queues", name, f"^{pattern}$", policy)
    arena.main.load.spoil(4)
    try:
        yield
    finally:
        await arena.broker.rabbitmqctl("clear_policy", name)


@fault("dead-letters-of-another-kind", group="broker")
async def dead_letters_of_another_kind(arena: Arena) -> AsyncIterator[None]:
    """Put a full queue with other arguments in the dead-letter queue's place."""
    limit = {"x-max-length": 1, "x-overflow": "reject-publish"}
    arguments = {**dead_letter_queue_arguments(), **limit}
    async with _instead(arena, arena.main.dead, arguments, fill=1, route=arena.main.name):
        arena.main.load.spoil(4)
        yield


@fault("memory-alarm", group="broker", seconds=12)
async def memory_alarm(arena: Arena) -> AsyncIterator[None]:
    """Let RabbitMQ believe that it has no memory left: it reads nothing from whoever publishes."""
    await arena.broker.rabbitmqctl("set_vm_memory_high_watermark", "0.0001")
    try:
        yield
    finally:
        await arena.broker.rabbitmqctl("set_vm_memory_high_watermark", "0.4")


@fault("disk-alarm", group="broker", seconds=12)
async def disk_alarm(arena: Arena) -> AsyncIterator[None]:
    """Let RabbitMQ believe that the disk is full, likewise."""
    await arena.broker.rabbitmqctl("set_disk_free_limit", "1000000GB")
    try:
        yield
    finally:
        await arena.broker.rabbitmqctl("set_disk_free_limit", "50MB")


@preparation
async def own_user(arena: Arena) -> AsyncIterator[None]:
    """Let workers log in as a user of their own, whose password may change."""
    url = URL(arena.world.amqp_url)
    name = f"user-{arena.main.name}"
    await arena.broker.rabbitmqctl("add_user", name, PASSWORD)
    await arena.broker.rabbitmqctl("set_permissions", name, ".*", ".*", ".*")
    arena.world.amqp_url = str(url.with_user(name).with_password(PASSWORD))
    try:
        yield
    finally:
        await arena.broker.mend()
        await arena.broker.rabbitmqctl("delete_user", name)


@fault("password-changed", group="broker")
async def password_changed(arena: Arena) -> AsyncIterator[None]:
    """Change the password of the workers' own user, and close their connections; undo it in the end."""
    name = URL(arena.world.amqp_url).user or ""
    await arena.broker.rabbitmqctl("change_password", name, "another")
    await arena.broker.rabbitmqctl("close_all_connections", "chaos")
    try:
        yield
    finally:
        await arena.broker.rabbitmqctl("change_password", name, PASSWORD)
