"""Looking at queues and exchanges without declaring any, and deleting them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aio_pika.exceptions import ChannelNotFoundEntity, ChannelPreconditionFailed
from aiormq.exceptions import ChannelAccessRefused

from worker.broker.address import check_amqp_url
from worker.broker.connection import (
    FAILURES,
    Connection,
    OpensChannels,
    answered_within,
    close_quietly,
)
from worker.broker.nodes import Nodes
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
async def connected(amqp_url: str, purpose: str) -> AsyncIterator[Connection]:
    """Hold one connection, which RabbitMQ's own pages show as `kit-worker <purpose>`.

    Raises:
        BrokerUnavailable: It could not be opened.
        ConfigurationError: The URL is none.
    """
    connection = await Nodes(check_amqp_url(amqp_url)).connect(f"kit-worker {purpose}")
    try:
        yield connection
    finally:
        await close_quietly(connection)


async def queue_state(connection: OpensChannels, queue: str) -> QueueState | None:
    """Return how a queue is; None where there is none of that name."""
    async with connection.temporary_channel() as channel:
        try:
            async with answered_within():
                found = (await channel.declare_queue(queue, passive=True)).declaration_result
        except ChannelNotFoundEntity:
            return None
        except FAILURES as error:
            raise _unanswered(queue, error) from error
    return QueueState(found.message_count or 0, found.consumer_count or 0)


async def exchange_exists(connection: OpensChannels, exchange: str) -> bool:
    """Tell whether there is an exchange of that name."""
    async with connection.temporary_channel() as channel:
        try:
            async with answered_within():
                await channel.get_exchange(exchange)
        except ChannelNotFoundEntity:
            return False
        except FAILURES as error:
            raise _unanswered(exchange, error) from error
    return True


async def what_differs(connection: OpensChannels, queue: str, arguments: Mapping[str, Any]) -> str:
    """Return RabbitMQ's sentence on how an existing queue differs from these arguments; empty if it does not.

    It has no way to ask for a queue's arguments but to declare it with the wanted ones, which changes nothing
    about a queue that exists. So this is for queues that exist. Nothing is known to differ where the user may
    not declare it; `rights` tells of that.
    """
    async with connection.temporary_channel() as channel:
        try:
            async with answered_within():
                await channel.declare_queue(queue, durable=True, arguments=dict(arguments))
        except ChannelPreconditionFailed as error:
            return str(error).removeprefix("PRECONDITION_FAILED - ")
        except ChannelAccessRefused:
            return ""
        except FAILURES as error:
            raise _unanswered(queue, error) from error
    return ""


async def delete_queue(connection: OpensChannels, queue: str) -> int:
    """Delete a queue, if there is one, and return how many messages went with it."""
    async with connection.temporary_channel() as channel:
        try:
            async with answered_within():
                return (await channel.queue_delete(queue)).message_count or 0
        except FAILURES as error:
            raise _unanswered(queue, error) from error


async def delete_exchange(connection: OpensChannels, exchange: str) -> None:
    """Delete an exchange, if there is one."""
    async with connection.temporary_channel() as channel:
        try:
            async with answered_within():
                await channel.exchange_delete(exchange)
        except FAILURES as error:
            raise _unanswered(exchange, error) from error


def _unanswered(name: str, error: BaseException) -> BrokerUnavailable:
    return BrokerUnavailable(f"RabbitMQ did not answer about {name}: {error or type(error).__name__}")
