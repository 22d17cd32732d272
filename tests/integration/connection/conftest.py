from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest
from aio_pika.abc import AbstractChannel

from worker.broker.connection import Connection
from worker.broker.queues import connected


@pytest.fixture
async def connection(amqp_url: str) -> AsyncIterator[Connection]:
    async with connected(amqp_url, "test") as connection:
        yield connection


@pytest.fixture
async def queue(channel: AbstractChannel) -> AsyncIterator[str]:
    """A queue of the test's own."""
    name = f"test.{uuid.uuid4().hex}"
    await channel.declare_queue(name, durable=True)
    yield name
    await channel.queue_delete(name)
