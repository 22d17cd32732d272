"""A TCP proxy in the way to RabbitMQ or Kit, which does what networks do."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Final

from yarl import URL

CHUNK: Final = 65_536
DRIP: Final = 0.1
"""Seconds between two bytes."""
RESETTING: Final = struct.pack("ii", 1, 0)


class _Connection:
    """One connection through the proxy: two streams, and whether it is to break."""

    def __init__(self, worker: asyncio.StreamWriter, behind: asyncio.StreamWriter) -> None:
        self.worker = worker
        self.behind = behind
        self.to_reset = False
        self.half_closed = False

    def reset(self) -> None:
        """Break both sides with a reset, which drops what is under way."""
        for writer in (self.worker, self.behind):
            transport = writer.transport
            with suppress(OSError):
                transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESETTING)
            transport.abort()


class Proxy:
    """Passes bytes on, unless told otherwise.

    Args:
        url: Of whom it stands before.

    Attributes:
        url: The same, through the proxy.
        deaf: Whether what workers send is lost; answers still come, and they do not notice.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.deaf = False
        self._behind = URL(url)
        self._dripping = False
        self._passing = asyncio.Event()
        self._passing.set()
        self._connections: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Listen while the context lasts."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = str(self._behind.with_host("127.0.0.1").with_port(server.sockets[0].getsockname()[1]))
        try:
            yield
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- faults ---------------------------------------------------------------------------------------

    @contextmanager
    def black_hole(self) -> Iterator[None]:
        """Let nothing through in either direction, and nobody notice; then everything goes on."""
        self._passing.clear()
        try:
            yield
        finally:
            self._passing.set()

    @contextmanager
    def dripping(self) -> Iterator[None]:
        """Let one byte through every 100 ms, in each direction."""
        self._dripping = True
        try:
            yield
        finally:
            self._dripping = False

    def reset_in_mid_frame(self) -> None:
        """Let each connection break in the middle of the next bytes that come back."""
        for connection in self._connections:
            connection.to_reset = True

    def half_close(self) -> None:
        """Tell workers that nothing more will come, and go on taking what they send, for nobody."""
        for connection in self._connections:
            connection.half_closed = True
            with suppress(OSError, RuntimeError):
                connection.worker.write_eof()

    # -- connections ----------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._passing.wait()
            from_behind, behind = await asyncio.open_connection(self._behind.host, self._behind.port)
            connection = _Connection(writer, behind)
            self._connections.add(connection)
            try:
                async with asyncio.TaskGroup() as pumps:
                    pumps.create_task(self._forward(reader, connection))
                    pumps.create_task(self._back(from_behind, connection))
            finally:
                self._connections.discard(connection)
                behind.close()
        except (OSError, ExceptionGroup):
            pass  # a side that is gone is what this is for
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _forward(self, reader: asyncio.StreamReader, connection: _Connection) -> None:
        while data := await reader.read(CHUNK):
            await self._passing.wait()
            if not (self.deaf or connection.half_closed):
                await self._write(connection.behind, data)
        connection.behind.close()

    async def _back(self, reader: asyncio.StreamReader, connection: _Connection) -> None:
        while data := await reader.read(CHUNK):
            await self._passing.wait()
            if connection.half_closed:
                continue
            if connection.to_reset:
                await self._write(connection.worker, data[: len(data) // 2])
                connection.reset()
                raise ConnectionResetError
            await self._write(connection.worker, data)
        if not connection.half_closed:
            connection.worker.close()

    async def _write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        while data:
            size = 1 if self._dripping else len(data)
            writer.write(data[:size])
            await writer.drain()
            data = data[size:]
            if data:
                await asyncio.sleep(DRIP)
