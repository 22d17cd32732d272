"""RabbitMQ for one benchmark: an exchange of its own, queues that are filled before anybody consumes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any, Final

import aio_pika
import aiormq
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange
from aiormq.exceptions import ChannelNotFoundEntity

from tests.bench.life import TYPES, Event

BATCH: Final = 500
"""Messages on their way to the broker at once, before their confirms are awaited."""


class Platform:
    """The platform's side: it publishes events to its exchange, with confirms."""

    def __init__(
        self, url: str, connection: AbstractConnection, channel: AbstractChannel, exchange: str
    ) -> None:
        self.exchange = exchange
        self._connection = connection
        self._url = url
        self._channel = channel
        self._events: AbstractExchange | None = None
        self._queues: list[str] = []

    async def add_queue(self, name: str, arguments: Mapping[str, Any], app: str = "") -> None:
        """Declare a queue and bind it to every event type, of an app or of none; `close` deletes it."""
        suffix = f".{app}" if app else ""
        self._queues.append(name)
        queue = await self._channel.declare_queue(name, durable=True, arguments=dict(arguments))
        for kind in TYPES:
            await queue.bind(await self._exchange(), kind + suffix)

    async def delete_queues(self, *names: str) -> None:
        """Delete queues, with all that is in them; ones that are not there are fine."""
        for name in names:
            await self._channel.queue_delete(name)

    async def publish(self, events: Iterable[Event], app: str = "") -> None:
        """Publish events of an app in their order; returns once the broker has confirmed all of them."""
        suffix = f".{app}" if app else ""
        exchange = await self._exchange()
        remaining = iter(events)
        while batch := list(islice(remaining, BATCH)):
            await asyncio.gather(*(exchange.publish(_message(event), event.type + suffix) for event in batch))

    async def pour(self, bodies: Iterable[tuple[str, bytes]]) -> None:
        """Publish very many messages, each with its routing key, in a fraction of the time.

        Nothing is confirmed: count afterwards what has reached the queue.
        """
        await self._exchange()
        properties = aiormq.spec.Basic.Properties(
            content_type="application/json", delivery_mode=2, message_id="poured"
        )
        async with await aiormq.connect(self._url) as connection:
            channel = await connection.channel(publisher_confirms=False)
            if not isinstance(channel, aiormq.Channel):  # only it can publish without waiting for the socket
                raise TypeError(f"aiormq opened a {type(channel).__name__}")
            for routing_key, body in bodies:
                await channel.basic_publish(
                    body, exchange=self.exchange, routing_key=routing_key, properties=properties, wait=False
                )
            await channel.basic_qos(prefetch_count=1)  # answered after all that was sent before it

    async def depth(self, queue: str) -> int:
        """Return how many messages wait in a queue; those in a consumer's hands do not count."""
        declared = await self._channel.declare_queue(queue, passive=True)
        return int(declared.declaration_result.message_count or 0)

    async def consumers(self, queue: str) -> int:
        """Return how many consumers a queue has; 0 where there is none yet."""
        try:
            async with self._connection.channel() as channel:
                declared = await channel.declare_queue(queue, passive=True)
                return int(declared.declaration_result.consumer_count or 0)
        except ChannelNotFoundEntity:
            return 0

    async def close(self) -> None:
        """Delete what was declared."""
        await self.delete_queues(*self._queues)
        await self._channel.exchange_delete(self.exchange)

    async def _exchange(self) -> AbstractExchange:
        if self._events is None:
            self._events = await self._channel.declare_exchange(
                self.exchange, aio_pika.ExchangeType.TOPIC, durable=True
            )
        return self._events


@asynccontextmanager
async def platform(amqp_url: str, exchange: str) -> AsyncIterator[Platform]:
    """Connect, and delete everything that was declared in the end."""
    async with await aio_pika.connect(amqp_url, timeout=10) as connection:
        opened = Platform(amqp_url, connection, await connection.channel(), exchange)
        try:
            yield opened
        finally:
            await opened.close()


async def broker_version(url: str) -> str:
    """Return which RabbitMQ it is."""
    async with await aiormq.connect(url) as connection:
        return str(connection.server_properties.get("version", ""))


def _message(event: Event) -> aio_pika.Message:
    return aio_pika.Message(
        event.body(), content_type="application/json", delivery_mode=aio_pika.DeliveryMode.PERSISTENT
    )
