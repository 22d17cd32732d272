"""Looking at queues and exchanges without declaring any, and deleting them. For the tools, not the worker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiormq
from aiormq.abc import AbstractChannel, AbstractConnection

from worker.broker.connection import FAILURES, answered_within, check_amqp_url, close_quietly, connect
from worker.errors import BrokerUnavailable


@dataclass(frozen=True, slots=True)
class QueueState:
    """A queue as it is.

    Attributes:
        ready: Messages that wait, without those that some consumer holds.
        consumers: How many consume it.
    """

    ready: int
    consumers: int


@asynccontextmanager
async def connected(amqp_url: str, purpose: str) -> AsyncIterator[AbstractConnection]:
    """Hold one connection, which RabbitMQ's own pages show as `kit-worker <purpose>`.

    Raises:
        BrokerUnavailable: It could not be opened.
        ConfigurationError: The URL is none.
    """
    connection = await connect(check_amqp_url(amqp_url), f"kit-worker {purpose}")
    try:
        yield connection
    finally:
        await close_quietly(connection)


@asynccontextmanager
async def a_channel(
    connection: AbstractConnection, *, confirms: bool = False
) -> AsyncIterator[AbstractChannel]:
    """Hold one channel; closing it hands back whatever was delivered on it and is not acked.

    Raises:
        BrokerUnavailable: It could not be opened.
    """
    channel = await open_channel(connection, publisher_confirms=confirms)
    try:
        yield channel
    finally:
        await close_quietly(channel)


async def open_channel(connection: AbstractConnection, **options: bool) -> AbstractChannel:
    """Open one channel; raises as `a_channel` does."""
    try:
        async with answered_within():
            return await connection.channel(**options)
    except FAILURES as error:
        raise BrokerUnavailable(f"RabbitMQ gives no channel: {error or type(error).__name__}") from error


async def queue_state(connection: AbstractConnection, queue: str) -> QueueState | None:
    """Return how a queue is; None where there is none of that name."""
    async with a_channel(connection) as channel:
        try:
            async with answered_within():
                answer = await channel.queue_declare(queue, passive=True)
        except aiormq.exceptions.ChannelNotFoundEntity:
            return None
        except FAILURES as error:
            raise _unanswered(queue, error) from error
    return QueueState(answer.message_count or 0, answer.consumer_count or 0)


async def exchange_exists(connection: AbstractConnection, exchange: str) -> bool:
    """Tell whether there is an exchange of that name."""
    async with a_channel(connection) as channel:
        try:
            async with answered_within():
                await channel.exchange_declare(exchange, passive=True)
        except aiormq.exceptions.ChannelNotFoundEntity:
            return False
        except FAILURES as error:
            raise _unanswered(exchange, error) from error
    return True


async def what_differs(connection: AbstractConnection, queue: str, arguments: Mapping[str, Any]) -> str:
    """Return RabbitMQ's sentence on how an existing queue differs from these arguments; empty if it does not.

    It has no way to ask for a queue's arguments but to declare it with the wanted ones, which changes nothing
    about a queue that exists. So this is for queues that exist.
    """
    async with a_channel(connection) as channel:
        try:
            async with answered_within():
                await channel.queue_declare(queue, durable=True, arguments=dict(arguments))
        except aiormq.exceptions.ChannelPreconditionFailed as error:
            return str(error).removeprefix("PRECONDITION_FAILED - ")
        except FAILURES as error:
            raise _unanswered(queue, error) from error
    return ""


async def delete_queue(connection: AbstractConnection, queue: str) -> int:
    """Delete a queue, if there is one, and return how many messages went with it."""
    async with a_channel(connection) as channel:
        try:
            async with answered_within():
                return (await channel.queue_delete(queue)).message_count or 0
        except FAILURES as error:
            raise _unanswered(queue, error) from error


async def delete_exchange(connection: AbstractConnection, exchange: str) -> None:
    """Delete an exchange, if there is one."""
    async with a_channel(connection) as channel:
        try:
            async with answered_within():
                await channel.exchange_delete(exchange)
        except FAILURES as error:
            raise _unanswered(exchange, error) from error


def _unanswered(name: str, error: BaseException) -> BrokerUnavailable:
    return BrokerUnavailable(f"RabbitMQ did not answer about {name}: {error or type(error).__name__}")
