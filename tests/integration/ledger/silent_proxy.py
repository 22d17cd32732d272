"""A TCP proxy that can fall silent, and goes on taking connections and bytes; or that loses one answer."""

from __future__ import annotations

import asyncio
from typing import Self


class SilentProxy:
    """Stands before a server on the loopback interface.

    Attributes:
        silent: True while nothing is passed on.
        unheard: What a client says, such as COMMIT; the server hears it once, and its answer is lost with the
            connection.
        port: Where it listens.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.silent = False
        self.unheard = b""
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.hang_up()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def carries(self) -> bool:
        """Whether a connection goes through it."""
        return bool(self._tasks)

    def hang_up(self) -> None:
        """End all connections, as a router does in the end with those that were silent."""
        for task in self._tasks:
            task.cancel()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._join(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        lost = asyncio.Event()
        try:
            both = [self._pass_on(reader, far_writer, lost), self._pass_back(far_reader, writer, lost)]
            _, rest = await asyncio.wait(map(asyncio.ensure_future, both), return_when="FIRST_COMPLETED")
            for task in rest:
                task.cancel()
        finally:
            for each in (writer, far_writer):
                each.transport.abort()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: asyncio.Event
    ) -> None:
        while data := await reader.read(65536):
            if self.unheard and self.unheard in data:
                self.unheard = b""
                lost.set()
            if not self.silent:
                writer.write(data)

    async def _pass_back(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: asyncio.Event
    ) -> None:
        while (data := await reader.read(65536)) and not lost.is_set():
            if not self.silent:
                writer.write(data)
