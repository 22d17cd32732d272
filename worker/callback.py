"""Waits on this machine for the browser that comes back from Kit's consent page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from worker.kit.consent import Consent, ConsentError, DeclinedError, Granted

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
DONE: Final = "Thank you. You may close this window; the command says how it went on."


@asynccontextmanager
async def waiting_for_callback(consent: Consent) -> AsyncIterator[asyncio.Future[Granted]]:
    """Listen at the consent's redirect address, where that is on this machine; else nobody ever comes.

    Yields:
        What came back. An answer to somebody else's question is turned down, and waited for no less.

    Raises:
        ConsentError: Nobody can listen there.
    """
    answer: asyncio.Future[Granted] = asyncio.get_running_loop().create_future()
    parts = urlsplit(consent.redirect_uri)
    if parts.hostname not in LOOPBACK:
        yield answer
        return

    async def callback(request: web.Request) -> web.Response:
        try:
            granted = consent.read(str(request.rel_url))
        except DeclinedError as error:
            if not answer.done():
                answer.set_exception(error)
            return web.Response(text=str(error), status=403)
        except ConsentError as error:
            return web.Response(text=str(error), status=400)
        if not answer.done():
            answer.set_result(granted)
        return web.Response(text=DONE)

    server = web.Application()
    server.router.add_get(parts.path or "/", callback)
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    try:
        await _listen(runner, parts.hostname, parts.port or 80)
        yield answer
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, "127.0.0.1" if host == "localhost" else host, port).start()
    except OSError as error:
        text = f"port {port} of this machine is taken ({error.strerror}): say another one in --redirect-uri"
        raise ConsentError(text) from error
