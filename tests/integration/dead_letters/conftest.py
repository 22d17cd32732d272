from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.dead_letters.box import Box
from worker.broker.publisher import Publisher
from worker.broker.queues import connected
from worker.broker.topology import (
    DEAD_LETTER_EXCHANGE,
    dead_letter_queue,
    dead_letter_queue_arguments,
    work_queue,
    work_queue_arguments,
)


@pytest.fixture
async def box(amqp_url: str, channel: AbstractChannel, account_name: str) -> AsyncIterator[Box]:
    await channel.declare_exchange(DEAD_LETTER_EXCHANGE, "direct", durable=True)
    dead = dead_letter_queue(account_name)
    await channel.declare_queue(dead, durable=True, arguments=dead_letter_queue_arguments())
    await (await channel.get_queue(dead)).bind(DEAD_LETTER_EXCHANGE, account_name)
    await channel.declare_queue(
        work_queue(account_name), durable=True, arguments=work_queue_arguments(account_name)
    )
    async with connected(amqp_url, "test") as connection:
        yield Box(account_name, channel, connection)


@pytest.fixture
async def publisher(amqp_url: str) -> AsyncIterator[Publisher]:
    async with connected(amqp_url, "test") as connection:
        yield Publisher(connection)
