"""A server that says exactly what a test tells it to, byte by byte, and notes what it was sent."""

from __future__ import annotations

import asyncio
import contextlib
import json
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

Reply = Callable[["Request", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Request:
    """What came: the connection's number, from 1, and that of the request on it."""

    connection: int
    number: int
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class RawServer:
    """Answers each request as `reply` does, and closes a connection when `reply` closed it."""

    reply: Reply
    url: str = ""
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection, number = self.connections, 0
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while not writer.is_closing():
                number += 1
                request = await self._read(reader, connection, number)
                self.requests.append(request)
                self.asked.set()
                await self.reply(request, writer)
                await writer.drain()
        writer.close()

    async def _read(self, reader: asyncio.StreamReader, connection: int, number: int) -> Request:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Request(connection, number, method, target, headers, body)


@contextlib.asynccontextmanager
async def serving(reply: Reply) -> AsyncIterator[RawServer]:
    """A raw server on a free port; when it is left, its connections are cut."""
    server = RawServer(reply)
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            tasks.add(task)
        try:
            await server.handle(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()

    listening = await asyncio.start_server(accept, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


GOOD = {
    "account": {"id": 1},
    "subscriber": {"id": 1},
    "tag": {"id": 1},
    "tags": [],
    "custom_field": {"id": 1, "key": "k"},
    "custom_fields": [],
}
"""What Kit may answer to any call."""
GOOD_BODY = json.dumps(GOOD).encode()


def http(status: int = 200, body: bytes = GOOD_BODY, *headers: str, length: int | None = None) -> bytes:
    """An answer; `length` is what it says of its body, where that is not true."""
    lines = [
        f"HTTP/1.1 {status} Whatever",
        f"Content-Length: {len(body) if length is None else length}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def gzip_bomb(megabytes: int) -> bytes:
    """So many megabytes of nothing, packed a thousandfold; what they end with is missing."""
    packing = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    head = packing.compress(b" ") + packing.flush(zlib.Z_FULL_FLUSH)
    megabyte = packing.compress(bytes(2**20)) + packing.flush(zlib.Z_FULL_FLUSH)
    return head + megabyte * megabytes  # after a full flush nothing is referred to that came before it


def answering(status: int = 200, value: object = None, *headers: str) -> Reply:
    """Always this answer, as JSON."""

    async def reply(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(http(status, json.dumps(GOOD if value is None else value).encode(), *headers))

    return reply


async def dropping(_: Request, writer: asyncio.StreamWriter) -> None:
    """Close the connection without an answer."""
    writer.close()


async def resetting(_: Request, writer: asyncio.StreamWriter) -> None:
    """Reset the connection without an answer."""
    writer.transport.abort()
