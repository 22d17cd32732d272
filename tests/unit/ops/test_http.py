"""Health, readiness and metrics over HTTP, and clients that do not behave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

import aiohttp
import pytest

from worker.ops import http
from worker.ops.http import CONNECTIONS, serving
from worker.ops.readiness import Readiness, StatusReport

READY = Readiness(ready=True, version="1.2.3", broker="connected", accounts={}, config_errors=())


class Report:
    """What the server asks."""

    is_healthy = True
    ready = READY

    def metrics_text(self) -> bytes:
        return b"# metrics\n" * 200_000

    def readiness(self) -> Readiness:
        return self.ready


@pytest.fixture
def report() -> Report:
    return Report()


@pytest.fixture
async def port(report: Report) -> AsyncIterator[int]:
    async with serving("127.0.0.1", 0, cast("StatusReport", report)) as port:
        yield port


async def asked(port: int, path: str, method: str = "GET") -> tuple[int, Any]:
    address = f"http://127.0.0.1:{port}{path}"
    timeout = aiohttp.ClientTimeout(total=5)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.request(method, address) as response,
    ):
        return response.status, await response.read()


@asynccontextmanager
async def saying(port: int, words: bytes, count: int) -> AsyncIterator[list[asyncio.StreamReader]]:
    """Hold so many connections, on each of which this was said and nothing is read."""
    streams = [await asyncio.open_connection("127.0.0.1", port, limit=1024) for _ in range(count)]
    for _, writer in streams:
        writer.write(words)
    yield [reader for reader, _ in streams]
    for _, writer in streams:
        writer.transport.abort()


async def closed(reader: asyncio.StreamReader) -> bool:
    """Return once the server has closed the connection."""
    try:
        while await reader.read(65536):
            pass
    except ConnectionResetError:
        pass
    return True


@pytest.mark.parametrize(
    ("path", "status"), [("/healthz", 200), ("/readyz", 200), ("/metrics", 200), ("/", 404), ("/x?y", 404)]
)
async def test_each_path_answers(port: int, path: str, status: int) -> None:
    assert (await asked(port, path))[0] == status
    assert (await asked(port, path, "HEAD"))[0] == status


async def test_nothing_can_be_sent(port: int) -> None:
    assert (await asked(port, "/healthz", "POST"))[0] == 405


async def test_what_is_not_well_is_503(port: int, report: Report) -> None:
    report.is_healthy, report.ready = False, replace(READY, ready=False)

    assert (await asked(port, "/healthz"))[0] == 503
    assert (await asked(port, "/readyz"))[0] == 503


@pytest.mark.parametrize(
    "words",
    [
        b"",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc",
        b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" * 4,
    ],
    ids=["silent", "half a head", "idle", "half a body", "answers not read"],
)
async def test_clients_that_hold_connections_take_them_from_each_other(port: int, words: bytes) -> None:
    """Given many more of them than there is room for, the oldest have to go, and health answers."""
    async with saying(port, words, CONNECTIONS * 4) as readers:
        answers = [await asked(port, "/healthz") for _ in range(5)]

        assert [status for status, _ in answers] == [200] * 5
        async with asyncio.timeout(5):
            assert await closed(readers[0])


async def test_a_request_has_to_come_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given half of a head, or an idle connection, it is closed before anybody else needs the room."""
    monkeypatch.setattr(http, "HEAD_WITHIN", 0.2)
    async with (
        serving("127.0.0.1", 0, cast("StatusReport", Report())) as port,
        saying(port, b"GET /healthz HTTP/1.1\r\nHost: ", 1) as slow,
        saying(port, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET", 1) as second,
        asyncio.timeout(5),
    ):
        assert await closed(*slow)
        assert await closed(*second)
