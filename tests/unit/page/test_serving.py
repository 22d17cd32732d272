"""The page is served to whoever comes, though some clients are slow or many."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest
from aiohttp import web

from worker.errors import ConfigurationError
from worker.page.serving import CONNECTIONS, serving


def app() -> web.Application:
    async def hello(_request: web.Request) -> web.Response:
        return web.Response(text="hello")

    async def read(request: web.Request) -> web.Response:
        return web.Response(text=await request.text())

    made = web.Application()
    made.router.add_get("/", hello)
    made.router.add_post("/", read)
    return made


async def said(port: int) -> str:
    timeout = aiohttp.ClientTimeout(total=5)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(f"http://127.0.0.1:{port}/") as response,
    ):
        return await response.text()


@asynccontextmanager
async def saying(port: int, words: bytes, count: int) -> AsyncIterator[list[asyncio.StreamReader]]:
    """Hold so many connections, on each of which this was said and no more."""
    streams = []
    try:
        for _ in range(count):
            streams.append(await asyncio.open_connection("127.0.0.1", port))
            streams[-1][1].write(words)
        yield [reader for reader, _ in streams]
    finally:
        for _, writer in streams:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


HALF_A_BODY = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\nx"


@pytest.mark.parametrize(
    "words", [b"", b"GET / HTTP/1.1\r\n", HALF_A_BODY], ids=["nothing", "half a head", "half a body"]
)
async def test_clients_that_say_nothing_more_keep_nobody_out(words: bytes) -> None:
    async with serving(app(), "127.0.0.1", 0) as port, saying(port, words, CONNECTIONS + 20) as readers:
        assert await said(port) == "hello"
        async with asyncio.timeout(5):
            ends = [await _end(reader) for reader in readers[:20]]
        assert not any(ends)  # whoever had a connection longest gave it up


async def _end(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


async def test_an_address_that_is_taken_is_told_with_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigurationError) as refused:
            async with serving(app(), "127.0.0.1", taken.getsockname()[1]):
                pass
    assert "PAGE_PORT" in str(refused.value)
