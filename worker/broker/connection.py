"""One connection to RabbitMQ: its address, how it is opened, how it opens channels, and how it fails.

It is aio-pika's plain connection, not its robust one: that one hides the loss of a consumer, where we need
to see it.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import aio_pika
from aio_pika import exceptions
from aio_pika.abc import AbstractChannel, AbstractConnection
from yarl import URL

from worker.broker import frames
from worker.broker.address import mask_url
from worker.broker.channel import Channel
from worker.broker.refusal import refusal
from worker.broker.version import broker_version
from worker.errors import BrokerUnavailable

RPC_TIMEOUT: Final = 15.0
"""Seconds for connecting and for each command; aio-pika itself waits for ever."""
CLOSE_TIMEOUT: Final = 3.0

FAILURES: Final = (exceptions.AMQPError, OSError, TimeoutError, RuntimeError, EOFError, ValueError)
"""What aio-pika raises when a connection or channel is gone, refused or broken."""


@asynccontextmanager
async def answered_within(seconds: float | None = RPC_TIMEOUT) -> AsyncIterator[None]:
    """Bound commands to the broker, which aio-pika itself waits for without end; None leaves that to others.

    Raises:
        TimeoutError: They took longer.
        ConnectionAbortedError: The library gave them up. It says so with a `CancelledError`, which would pass
            for the cancellation of the task that asked, and end it in silence; or, when the connection closes
            in good order, with a bare `Exception`.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise ConnectionAbortedError("the connection closed meanwhile") from error
    except Exception as error:
        if type(error) is Exception:
            raise ConnectionAbortedError("the connection closed meanwhile") from error
        raise


class OpensChannels(ABC):
    """What channels are opened on."""

    @abstractmethod
    async def open_channel(self, *, confirms: bool = False) -> AbstractChannel:
        """Open a channel, within `RPC_TIMEOUT`.

        Args:
            confirms: Publishing on it returns once RabbitMQ has the message, and raises where no queue does.

        Raises:
            BrokerUnavailable: The channel could not be opened.
        """

    @asynccontextmanager
    async def temporary_channel(self) -> AsyncIterator[AbstractChannel]:
        """Hold one channel for some commands; a refused command costs its channel, so each has its own.

        Raises:
            BrokerUnavailable: It could not be opened.
        """
        channel = await self.open_channel()
        try:
            yield channel
        finally:
            await close_quietly(channel)


class Connection(aio_pika.Connection, OpensChannels):
    """One connection."""

    CHANNEL_CLASS = Channel

    @property
    def where(self) -> str:
        """To which node it goes, as it may be shown."""
        return mask_url(self.url)

    @property
    def is_closed(self) -> bool:
        """Whether the connection is gone; aio-pika says so only of one that it was told to close."""
        return self.transport is None or self.transport.connection.is_closed

    @property
    def is_up(self) -> bool:
        """Whether the connection works, as far as is known."""
        return self.transport is not None and self.transport.connection.is_opened

    @property
    def version(self) -> str:
        """RabbitMQ's version; empty where it names none."""
        return "" if self.transport is None else broker_version(self.transport.connection.server_properties)

    def lost(self) -> asyncio.Future[str]:
        """Return a future that is done when the connection is gone, and says why.

        To be asked for as soon as the connection is open: of one that is gone already, nothing more is said.
        """
        lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def tell(_: AbstractConnection | None, error: BaseException | None) -> None:
            if not lost.done():
                lost.set_result(_reason(error))

        self.close_callbacks.add(tell)
        return lost

    async def open_channel(self, *, confirms: bool = False) -> AbstractChannel:
        """Open a channel; see `OpensChannels`."""
        try:
            async with answered_within():
                channel = self.channel(publisher_confirms=confirms, on_return_raises=confirms)
                await channel.initialize()
        except FAILURES as error:
            raise BrokerUnavailable(f"RabbitMQ opens no channel: {error or type(error).__name__}") from error
        return channel


def _reason(error: BaseException | None) -> str:
    if error is None or isinstance(error, asyncio.CancelledError):
        return "closed"
    return f"{type(error).__name__} {error}".strip()


async def connect(url: URL, name: str, *, timeout: float = RPC_TIMEOUT) -> Connection:  # noqa: ASYNC109  # its bound
    """Open one connection, within so many seconds.

    Raises:
        BrokerUnavailable: With a sentence that names the broker and the likely cause, without the password.
    """
    frames.install()
    where = mask_url(url)
    try:
        async with answered_within(timeout):
            return await aio_pika.connect(url.update_query(name=name), connection_class=Connection)
    except TimeoutError as error:
        raise BrokerUnavailable(f"{where}: no answer within {timeout:.0f} s") from error
    except FAILURES as error:
        raise BrokerUnavailable(f"{where}: {refusal(error, url.path[1:] or '/')}") from error


async def close_quietly(closable: AbstractConnection | AbstractChannel) -> None:
    """Close a connection or channel that may be broken already, and wait for that, `CLOSE_TIMEOUT` at most.

    A close is never called off, however long it takes: aiormq 7.2 would close the channel a second time, and
    RabbitMQ ends the whole connection of whoever does that ("expected 'channel.open'").
    """
    if closable.is_closed:
        return
    # In a task of its own, because the library's close may itself raise CancelledError, which must not be
    # mistaken for, nor hide, the cancellation of the caller.
    closing = asyncio.ensure_future(closable.close())
    _CLOSING.add(closing)
    closing.add_done_callback(_closed)
    await asyncio.wait({closing}, timeout=CLOSE_TIMEOUT)


def _closed(closing: asyncio.Future[None]) -> None:
    _CLOSING.discard(closing)
    if not closing.cancelled():
        closing.exception()  # there is nothing left to do about it


_CLOSING: Final[set[asyncio.Future[None]]] = set()
"""What still closes; the event loop would forget it."""
