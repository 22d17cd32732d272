"""Health, readiness and metrics over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from worker.errors import ConfigurationError, Problem
from worker.ops.readiness import StatusReport


def _routes(report: StatusReport) -> list[web.RouteDef]:
    async def healthz(_request: web.Request) -> web.Response:
        healthy = report.is_healthy
        return web.json_response({"healthy": healthy}, status=200 if healthy else 503)

    async def readyz(_request: web.Request) -> web.Response:
        readiness = await report.readiness()
        return web.json_response(readiness.as_json(), status=200 if readiness.ready else 503)

    async def metrics(_request: web.Request) -> web.Response:
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=report.metrics_text(), headers=headers)

    return [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)]


@asynccontextmanager
async def serving(host: str, port: int, report: StatusReport) -> AsyncIterator[int]:
    """Serve while the context lasts; yields the port.

    Raises:
        ConfigurationError: The address cannot be listened on.
    """
    app = web.Application()
    app.add_routes(_routes(report))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await _listen(runner, host, port)
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        text = f"{host}:{port} cannot be listened on ({error.strerror}); 0 turns the HTTP server off"
        raise ConfigurationError([Problem("HTTP_PORT", text)]) from error
