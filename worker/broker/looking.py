"""Looks at queues again and again on one channel, which is opened anew only after a queue was not there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

from aio_pika.abc import AbstractChannel

from worker.broker.connection import OpensChannels, close_quietly
from worker.broker.pipeline import find, is_queue


class Looking(OpensChannels):
    """Looks at queues, all at once.

    Args:
        connection: Where its one channel is opened.
    """

    def __init__(self, connection: OpensChannels) -> None:
        self._connection = connection
        self._channel: AbstractChannel | None = None

    async def depths(self, queues: Iterable[str]) -> Mapping[str, int | None]:
        """Return how many messages are ready in each queue; None where there is no such queue.

        Raises:
            BrokerUnavailable: They could not be asked.
        """
        names = list(queues)
        found = await find(self, [is_queue(name) for name in names])
        return {
            name: None if each is None else each.message_count or 0
            for name, each in zip(names, found, strict=True)
        }

    async def open_channel(self, *, confirms: bool = False) -> AbstractChannel:
        """Open a channel; see `OpensChannels`."""
        return await self._connection.open_channel(confirms=confirms)

    @asynccontextmanager
    async def temporary_channel(self) -> AsyncIterator[AbstractChannel]:
        """Hold the channel that was held before; that it was lost since is heard by what is asked on it."""
        channel = self._channel or await self.open_channel()
        self._channel = None
        try:
            yield channel
        except BaseException:
            await close_quietly(channel)
            raise
        if not channel.is_closed:  # as RabbitMQ does on being asked for what there is not
            self._channel = channel
