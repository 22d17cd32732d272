"""Health, readiness and metrics over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import web

from worker.errors import ConfigurationError, Problem


@dataclass(frozen=True, slots=True)
class AccountReport:
    """One account in `/readyz`.

    Attributes:
        state: One of `metrics.STATES`.
        queue_depth: Messages that wait in RabbitMQ, without those in hand; None while it cannot be asked.
        oldest_unsettled_seconds: Age, in hand, of the oldest event that is not settled.
        config_errors: Why the account's file, as it is now, is not in force.
    """

    state: str
    last_error: str
    queue_depth: int | None
    dead_letter_depth: int | None
    oldest_unsettled_seconds: float
    pending_subscribers: int
    config_errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Readiness:
    """The whole of `/readyz`."""

    ready: bool
    broker: str
    accounts: dict[str, AccountReport]
    config_errors: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as it is sent."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Probes:
    """Where the answers come from: alive, ready, and metrics in Prometheus's text format."""

    healthy: Callable[[], bool]
    readiness: Callable[[], Awaitable[Readiness]]
    metrics: Callable[[], bytes]


def _routes(probes: Probes) -> list[web.RouteDef]:
    async def healthz(_request: web.Request) -> web.Response:
        healthy = probes.healthy()
        return web.json_response({"healthy": healthy}, status=200 if healthy else 503)

    async def readyz(_request: web.Request) -> web.Response:
        readiness = await probes.readiness()
        return web.json_response(readiness.as_json(), status=200 if readiness.ready else 503)

    async def metrics(_request: web.Request) -> web.Response:
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=probes.metrics(), headers=headers)

    return [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)]


@asynccontextmanager
async def serving(host: str, port: int, probes: Probes) -> AsyncIterator[int]:
    """Serve while the context lasts; yields the port.

    Raises:
        ConfigurationError: The address cannot be listened on.
    """
    app = web.Application()
    app.add_routes(_routes(probes))
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
