"""Health, readiness and metrics over HTTP, within bounds that no client can break."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeAlias

from aiohttp import web

from worker.errors import ConfigurationError, Problem
from worker.ops.readiness import StatusReport
from worker.outside.network import not_listening

CONNECTIONS: Final = 32
"""At once. Each is a descriptor, which Kit, the broker and the ledger need, too."""
HEAD_WITHIN: Final = 10.0
"""Seconds within which the head of a request has to be here, from connecting or from the answer before."""
BODY_WITHIN: Final = 1.0
"""Seconds for a body, which nobody here has asked for."""
STOP_WITHIN: Final = 1.0
ACCEPTED_AT_ONCE: Final = 8
"""asyncio accepts so many connections before any of them can be counted."""
WAIT_TO_BE_ACCEPTED: Final = 128
"""Connections that the kernel keeps meanwhile; beyond that, clients try again after a second."""

_Answers: TypeAlias = dict[str, Callable[[], web.Response]]


def _answers(report: StatusReport) -> _Answers:
    def healthz() -> web.Response:
        healthy = report.is_healthy
        return web.json_response({"healthy": healthy}, status=200 if healthy else 503)

    def readyz() -> web.Response:
        readiness = report.readiness()
        return web.json_response(readiness.as_json(), status=200 if readiness.ready else 503)

    def metrics() -> web.Response:
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=report.metrics_text(), headers=headers)

    return {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics}


class _BoundedServer(web.Server):
    """Serves so many connections and no more: whoever has had one longest gives it up for a new one.

    A probe is answered within milliseconds, so it goes before any client that is slow, by mistake or not.
    """

    def __init__(self, answers: _Answers) -> None:
        super().__init__(
            self._answer, access_log=None, keepalive_timeout=HEAD_WITHIN, lingering_time=BODY_WITHIN
        )
        self._answers = answers
        self._open: dict[web.RequestHandler, asyncio.Transport] = {}

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        self._open[handler] = transport
        while len(self._open) > CONNECTIONS:
            # Not closed in good order: one that reads nothing would never be.
            self._open.pop(next(iter(self._open))).abort()

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        self._open.pop(handler, None)

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        answer = self._answers.get(request.path)
        if answer is None:
            return web.Response(status=404)
        return answer() if request.method in {"GET", "HEAD"} else web.Response(status=405)


@asynccontextmanager
async def serving(host: str, port: int, report: StatusReport) -> AsyncIterator[int]:
    """Serve while the context lasts; yields the port.

    Raises:
        ConfigurationError: The address cannot be listened on.
    """
    server = _BoundedServer(_answers(report))
    listening = await _listen(server, host, port)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
        server.pre_shutdown()
        await server.shutdown(STOP_WITHIN)


async def _listen(server: _BoundedServer, host: str, port: int) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    try:
        listening = await loop.create_server(server, host, port, backlog=ACCEPTED_AT_ONCE)
    except OSError as error:
        remedy = "stop it, or set another HTTP_PORT (or HTTP_HOST); 0 turns the HTTP server off"
        text = f"{not_listening(error, host, port)}; {remedy}"
        raise ConfigurationError([Problem("HTTP_PORT", text)]) from error
    for each in listening.sockets:
        with each.dup() as again:
            again.listen(WAIT_TO_BE_ACCEPTED)
    return listening
