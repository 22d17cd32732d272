"""A few channels that serve many who ask and declare, one after another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aio_pika.abc import AbstractChannel

from worker.broker.connection import OpensChannels, close_quietly

MOST: Final = 3
"""Channels in use at once: a queue that does not answer keeps one of them for a while."""


class FewChannels(OpensChannels):
    """Opens channels on a connection, and lends temporary ones again and again.

    Args:
        connection: Where they are opened.
    """

    def __init__(self, connection: OpensChannels) -> None:
        self._connection = connection
        self._places = asyncio.Semaphore(MOST)
        self._free: list[AbstractChannel] = []

    async def open_channel(self, *, confirms: bool = False) -> AbstractChannel:
        """Open a channel; see `OpensChannels`."""
        return await self._connection.open_channel(confirms=confirms)

    @asynccontextmanager
    async def temporary_channel(self) -> AsyncIterator[AbstractChannel]:
        """Hold a channel that others had before, or a new one; see `OpensChannels`.

        RabbitMQ closes one on which it refused something. One on which something failed is closed here: an
        answer that comes after all would be taken for another one's.
        """
        async with self._places:
            channel = await self._open_one()
            try:
                yield channel
            except BaseException:
                await close_quietly(channel)
                raise
            self._free.append(channel)

    async def _open_one(self) -> AbstractChannel:
        while self._free:
            if not (channel := self._free.pop()).is_closed:
                return channel
        return await self._connection.open_channel()
