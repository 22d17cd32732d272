"""A channel that leaves nothing behind on its connection."""

from __future__ import annotations

from itertools import count

import aio_pika
from aio_pika.abc import UnderlayChannel
from aio_pika.exceptions import ChannelInvalidStateError
from aio_pika.tools import OneShotCallback
from aiormq.abc import AbstractConnection


class Channel(aio_pika.Channel):
    """A channel of aio-pika's, opened and closed such that nothing of it stays.

    aio-pika 10.2 adds a callback to the connection for every channel that it opens, and another one for every
    channel that it closes, and removes neither: 4 KB stay each time that somebody asks how deep a queue is,
    until the connection closes. They are not needed: the layer below closes all channels of a connection.
    """

    async def _open(self) -> None:
        transport = self._connection.transport
        if transport is None:
            raise ChannelInvalidStateError("the connection is closed")
        closed = OneShotCallback(self._on_close)
        channel = await transport.connection.channel(
            _free_number(transport.connection),
            publisher_confirms=self.publisher_confirms,
            on_return_raises=self.on_return_raises,
        )
        channel.closing.add_done_callback(closed)
        self._channel = UnderlayChannel(channel, closed)
        await self._on_open()

    async def close(self, exc: object = None) -> None:  # noqa: ARG002  # aio-pika does not use it either
        """Close the channel; what still waits for an answer on it is given up."""
        await (await self.get_underlay_channel()).close()


def _free_number(connection: AbstractConnection) -> int:
    """Return the lowest number that no channel has.

    aiormq itself takes one more than the highest, so that numbers grow where channels come and go. RabbitMQ
    closes a whole connection on which a channel has a number beyond the negotiated `channel_max`.

    Raises:
        ChannelInvalidStateError: RabbitMQ allows no further channel on this connection.
    """
    number = next(number for number in count(1) if number not in connection.channels)
    most = connection.connection_tune.channel_max
    if 0 < most < number:
        raise ChannelInvalidStateError(f"it allows {most} on one connection (channel_max), and all are open")
    return number
