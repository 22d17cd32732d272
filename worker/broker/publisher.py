"""Publishing that returns only when the broker has the message safely."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import DeliveryError, PublishError

from worker.broker import frames
from worker.broker.connection import FAILURES, RPC_TIMEOUT, OpensChannels, answered_within, close_quietly
from worker.errors import BrokerUnavailable

CONFIRMS_WITHIN: Final = 60.0
"""Seconds. A confirm that comes late is waited for: to publish again makes a second copy."""


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


def with_id(message: Outgoing) -> Outgoing:
    """Return the message with a `message_id`, by which each repeat of it is known as a copy."""
    return replace(message, properties={"message_id": str(uuid.uuid4()), **message.properties})


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

    async def publish(self, message: Outgoing, *, timeout: float = CONFIRMS_WITHIN) -> None:  # noqa: ASYNC109
        """Publish one message, mandatory and confirmed.

        Args:
            message: With a `message_id` that nobody else uses, or none: returned messages are matched by
                it, and of two under one id the unroutable one would count as confirmed.
            timeout: Seconds to wait for the confirm.

        Raises:
            BrokerUnavailable: Returned as unroutable, refused, or not confirmed in time. Of the last it is
                unknown whether the broker has it: publishing again may make two of it, never none.
        """
        sent = frames.outgoing(message.body, with_id(message).properties)
        try:
            async with self._used(min(timeout, RPC_TIMEOUT)) as channel, answered_within(timeout):
                exchange = await channel.get_exchange(message.exchange, ensure=False)
                await exchange.publish(sent, message.routing_key, mandatory=True)
        except PublishError as error:
            raise BrokerUnavailable(f"no queue takes messages for {_target(message)}") from error
        except DeliveryError as error:
            raise BrokerUnavailable(f"the queue behind {_target(message)} refused a message") from error
        except (*FAILURES, BrokerUnavailable) as error:
            raise BrokerUnavailable(
                f"{_target(message)} was not confirmed: {error or type(error).__name__}"
            ) from error

    @asynccontextmanager
    async def _used(self, opens_within: float) -> AsyncIterator[AbstractChannel]:
        """Use the channel; one on which something failed serves those who use it now, and nobody else.

        An answer that came after all would be taken for a later message's. And a quorum queue of RabbitMQ
        3.10 that has once refused a channel goes on to refuse it, though the policy that limited it is gone.
        """
        async with answered_within(opens_within):
            channel = await self._open()
        self._in_use[channel] += 1
        try:
            yield channel
        except BaseException:
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


def _target(message: Outgoing) -> str:
    return f"the exchange {message.exchange!r} with key {message.routing_key!r}"
