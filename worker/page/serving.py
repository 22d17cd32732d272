"""Serves the page over HTTP, to a bounded number of clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from worker.errors import ConfigurationError, Problem
from worker.outside.network import not_listening

CONNECTIONS: Final = 128
"""At once. Whoever has had one longest gives it up for a new one, so slow clients keep nobody out."""
IDLE_FOR: Final = 30.0
"""Seconds for which a connection is kept for the next request."""
STOP_WITHIN: Final = 3.0


class _Bounded:
    """Makes a handler for each connection, and ends the oldest one where there are too many."""

    def __init__(self, server: web.Server) -> None:
        self._server = server
        self._made: list[asyncio.Protocol] = []

    def __call__(self) -> asyncio.Protocol:
        handler = self._server()
        self._made = [each for each in self._made if _transport(each) is not None]
        if len(self._made) >= CONNECTIONS and (oldest := _transport(self._made.pop(0))) is not None:
            oldest.abort()  # not in good order: one that reads nothing would never be closed
        self._made.append(handler)
        return handler


def _transport(handler: asyncio.Protocol) -> asyncio.Transport | None:
    transport: asyncio.Transport | None = getattr(handler, "transport", None)
    return transport


@asynccontextmanager
async def serving(app: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """Serve while the context lasts; yields the port.

    Raises:
        ConfigurationError: The address cannot be listened on.
    """
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=IDLE_FOR, shutdown_timeout=STOP_WITHIN)
    await runner.setup()
    if runner.server is None:
        raise AssertionError("a runner that is set up has a server")
    listening: asyncio.Server | None = None
    try:
        listening = await _listen(_Bounded(runner.server), host, port)
        yield listening.sockets[0].getsockname()[1]
    finally:
        if listening is not None:
            listening.close()
        await runner.cleanup()


async def _listen(made: _Bounded, host: str, port: int) -> asyncio.Server:
    try:
        return await asyncio.get_running_loop().create_server(made, host, port)
    except OSError as error:
        text = f"{not_listening(error, host, port)}; stop it, or set another PAGE_PORT (or PAGE_HOST)"
        raise ConfigurationError([Problem("PAGE_PORT", text)]) from error
