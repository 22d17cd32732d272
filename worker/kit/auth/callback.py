"""Waits on this machine for the browser that comes back from Kit's consent page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import SplitResult, urlsplit

from aiohttp import web

from worker.kit.auth.consent import Consent, ConsentError, DeclinedError, Granted
from worker.outside.network import not_listening
from worker.outside.urls import LOOPBACK, check_url

DONE: Final = "Thank you. You may close this window; the command says how it went on."


def check_redirect_uri(uri: str) -> None:
    """Refuse what Kit could not send a browser to.

    Raises:
        ConsentError: The text says what it should be.
    """
    _split(uri)


def comes_here(uri: str) -> bool:
    """Tell whether a browser that is sent there comes to this program, where it runs on the same machine."""
    parts = _split(uri)
    return parts.scheme == "http" and parts.hostname in LOOPBACK


@asynccontextmanager
async def waiting_for_callback(consent: Consent) -> AsyncIterator[asyncio.Future[Granted]]:
    """Listen at the consent's redirect address, which `comes_here`.

    Yields:
        What came back. An answer to somebody else's question is turned down, and waited for no less.

    Raises:
        ConsentError: Nobody can listen there.
    """
    answer: asyncio.Future[Granted] = asyncio.get_running_loop().create_future()

    async def callback(request: web.Request) -> web.Response:
        try:
            granted = consent.returned(str(request.rel_url))
        except DeclinedError as error:
            if not answer.done():
                answer.set_exception(error)
            return web.Response(text=str(error), status=403)
        except ConsentError as error:
            return web.Response(text=str(error), status=400)
        if not answer.done():
            answer.set_result(granted)
        return web.Response(text=DONE)

    parts = _split(consent.redirect_uri)
    server = web.Application()
    server.router.add_get(parts.path or "/", callback)
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    try:
        await _listen(runner, parts.hostname or "", parts.port or 80)
        yield answer
    finally:
        if answer.done() and not answer.cancelled():
            answer.exception()  # also where nobody waits for it any more
        await runner.cleanup()


def _split(uri: str) -> SplitResult:
    try:
        check_url(uri)
        parts = urlsplit(uri)
        is_address = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or parts.query or parts.fragment or set(parts.path) & set("{} "):
        raise ConsentError(
            "--redirect-uri must be an address such as http://localhost:8976/callback, which the app at Kit "
            "knows"
        )
    return parts


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, "127.0.0.1" if host == "localhost" else host, port).start()
    except OSError as error:
        remedy = "stop it, or say another --redirect-uri, which the app at Kit has to know"
        raise ConsentError(f"{not_listening(error, host, port)}; {remedy}") from error
