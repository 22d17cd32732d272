"""Runs a sandbox: inside a test, or for the command line until it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Self

from aiohttp import web

from worker.sandbox.orders import fault_order
from worker.sandbox.server import Handler
from worker.sandbox.world import World

STOP_GRACE = 0.1  # seconds for answers under way; then they are cancelled, which ends every hang
KEEP_ALIVE = 75.0  # seconds an idle connection stays open


class Sandbox(World):
    """A local stand-in for the Kit v4 API.

    ::

        async with Sandbox().running() as sandbox:
            ...  # calls to sandbox.url
            assert sandbox.account("key").subscriber("ada@example.com").tags == {"Active Member"}

    Its data outlive `running`, so that an outage is one `running` after another on the same port.
    """

    _url: str | None = None

    @property
    def url(self) -> str:
        """The base URL, such as `http://127.0.0.1:8025`.

        Raises:
            RuntimeError: it is not running.
        """
        if self._url is None:
            raise RuntimeError("The sandbox is not running: use `async with sandbox.running()`")
        return self._url

    @contextlib.asynccontextmanager
    async def running(self, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Self]:
        """Answer requests; port 0 takes any free one.

        Raises:
            OSError: the port is taken.
        """
        server = web.Server(Handler(self), keepalive_timeout=KEEP_ALIVE, access_log=None)
        runner = web.ServerRunner(server, shutdown_timeout=STOP_GRACE)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
            self._url = f"http://{host}:{runner.addresses[0][1]}"
            yield self
        finally:
            self._url = None
            await runner.cleanup()


async def serve(  # one for each option of the command line
    sandbox: Sandbox,
    *,
    host: str = "127.0.0.1",
    port: int = 8025,
    faults: Iterable[str] = (),
    ready: Callable[[str], None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Run a sandbox until `stop` is set or the task is cancelled.

    Args:
        sandbox: what to run.
        host: the address to listen on.
        port: the port to listen on; 0 takes any free one.
        faults: what goes wrong from the start, one line each, as `fault_order` reads them.
        ready: is told the base URL once requests are answered.
        stop: ends it.

    Raises:
        OSError: the port is taken.
        ValueError: a fault cannot be understood.
    """
    for order in [fault_order(text) for text in faults]:
        sandbox.faults.add(order.rule(sandbox))
    async with sandbox.running(host=host, port=port):
        if ready is not None:
            ready(sandbox.url)
        await (stop or asyncio.Event()).wait()
