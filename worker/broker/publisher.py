"""Publishing that returns only when the broker has the message safely."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import DeliveryError, PublishError

from worker.broker import frames
from worker.broker.connection import FAILURES, OpensChannels, answered_within, close_quietly
from worker.errors import BrokerUnavailable


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to publish.

    Attributes:
        properties: By their AMQP names, `headers` included.
    """

    exchange: str
    routing_key: str
    body: bytes
    properties: dict[str, Any]


class Publisher:
    """Publishes on a connection of its own, and returns only when the broker has the message safely.

    Acks on a connection that published during a memory alarm have no effect until the alarm ends, hence
    the separate connection.
    """

    def __init__(self, connection: OpensChannels) -> None:
        self._connection = connection
        self._channel: AbstractChannel | None = None
        self._in_use: Counter[AbstractChannel] = Counter()
        self._lock = asyncio.Lock()

    async def publish(self, message: Outgoing, *, timeout: float = 10.0) -> None:  # noqa: ASYNC109  # sent on
        """Publish one message, mandatory and confirmed.

        Args:
            message: With a `message_id` that nobody else uses, or none: returned messages are matched by
                it, and of two under one id the unroutable one would count as confirmed.
            timeout: Seconds, opening a channel included.

        Raises:
            BrokerUnavailable: Returned as unroutable, refused, or not confirmed in time. Of the last it is
                unknown whether the broker has it: publishing again may make two of it, never none.
        """
        properties = {"message_id": str(uuid.uuid4()), **message.properties}
        try:
            async with answered_within(timeout), self._used() as channel:
                exchange = await channel.get_exchange(message.exchange, ensure=False)
                sent = frames.outgoing(message.body, properties)
                await exchange.publish(sent, message.routing_key, mandatory=True)
        except PublishError as error:
            raise BrokerUnavailable(f"no queue takes messages for {_target(message)}") from error
        except DeliveryError as error:
            raise BrokerUnavailable(f"the queue behind {_target(message)} refused a message") from error
        except (*FAILURES, BrokerUnavailable) as error:
            await self._discard()
            raise BrokerUnavailable(
                f"{_target(message)} was not confirmed: {error or type(error).__name__}"
            ) from error

    @asynccontextmanager
    async def _used(self) -> AsyncIterator[AbstractChannel]:
        """Use the channel; one on which something was refused is used to its end, and no more.

        A quorum queue of RabbitMQ 3.10 that has once refused a channel goes on to refuse it, though the
        policy that limited it is gone.
        """
        channel = await self._open()
        self._in_use[channel] += 1
        try:
            yield channel
        except DeliveryError:
            if self._channel is channel:
                self._channel = None
            raise
        finally:
            self._in_use[channel] -= 1
            if not self._in_use[channel]:
                del self._in_use[channel]
                if channel is not self._channel:
                    await close_quietly(channel)

    async def _open(self) -> AbstractChannel:
        async with self._lock:
            if self._channel is None or self._channel.is_closed:
                self._channel = await self._connection.open_channel(confirms=True)
            return self._channel

    async def _discard(self) -> None:
        """Leave a channel on which something is unanswered; its answers would be taken for later ones."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await close_quietly(channel)


def _target(message: Outgoing) -> str:
    return f"the exchange {message.exchange!r} with key {message.routing_key!r}"
