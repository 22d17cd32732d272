"""Looks at queues again and again on one channel, which is opened anew only after a queue was not there."""

from __future__ import annotations

from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import ChannelNotFoundEntity

from worker.broker.connection import FAILURES, OpensChannels, answered_within
from worker.errors import BrokerUnavailable


class Looking:
    """One channel that only looks.

    Args:
        connection: Where the channel is opened.
    """

    def __init__(self, connection: OpensChannels) -> None:
        self._connection = connection
        self._channel: AbstractChannel | None = None

    async def depth(self, queue: str) -> int | None:
        """Return how many messages are ready in a queue; None where there is no such queue.

        Raises:
            BrokerUnavailable: It could not be asked.
        """
        channel = self._channel or await self._connection.open_channel()
        self._channel = None  # RabbitMQ closes the channel on which it was asked for what there is not
        try:
            async with answered_within():
                found = (await channel.declare_queue(queue, passive=True)).declaration_result
        except ChannelNotFoundEntity:
            return None
        except FAILURES as error:
            raise BrokerUnavailable(f"RabbitMQ did not answer about {queue}: {error!r}") from error
        self._channel = channel
        return found.message_count or 0
