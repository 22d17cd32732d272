"""Kit over HTTP: one request, sent once, bounded in time and size. What fails becomes one of our errors."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from contextvars import ContextVar
from email.utils import parsedate_to_datetime
from functools import lru_cache
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from msgspec import Struct

from worker.clock import Clock
from worker.errors import KitUnavailable
from worker.json_text import json_text
from worker.kit.answers import unanswered
from worker.kit.sockets import sockets
from worker.outside.network import why

MAX_ANSWER_BYTES: Final = 8 * 1024 * 1024
"""A page of 1,000 tags is some 200 kB; more than this is not an answer of Kit's."""

KEEP_ALIVE: Final = 5.0
"""Seconds for which an idle connection is kept. A network that broke once breaks all of them, and during a
hold only one call is made at a time: each would find the next dead one, and the hold would grow and grow."""


_allowed_at: Final = ContextVar("allowed_at", default=float("-inf"))
"""Seconds: when the request was allowed that this context sends. asyncio writes to a socket in the context of
whoever wrote to its connection, also what the socket has no room for yet: so it is that request's own."""


class Request(Struct, frozen=True):
    """What is called; see `KitClient.call`."""

    method: str
    path: str
    ids: tuple[int, ...] = ()
    json: Mapping[str, Any] | None = None
    params: Mapping[str, str] | None = None

    @property
    def endpoint(self) -> str:
        """What is called, as logs and metrics name it."""
        return f"{self.method} {self.path}"

    @property
    def content(self) -> Mapping[str, Any] | list[Any] | None:
        """What is sent as JSON: where there is no data, an empty list, as Kit's own libraries do."""
        return [] if self.json is None and self.method != "GET" else self.json


class KitHttp:
    """Connections to Kit.

    Attributes:
        clock: Says what time it is.
        connections: How many requests may be under way at once.

    Args:
        base_url: Such as `https://api.kit.com`.
        timeout: Seconds for one request, from the moment it was allowed.
        caller: Who calls, for the `User-Agent`.
        max_answer_bytes: A larger answer is not Kit's.
    """

    def __init__(  # what can be said of a connection, all named
        self,
        base_url: str,
        *,
        clock: Clock,
        timeout: float,
        connections: int = 32,
        caller: str = "",
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        self.clock = clock
        self.connections = connections
        self._base_url = base_url.rstrip("/")
        self._host = urlsplit(base_url).hostname
        self._max_answer_bytes = max_answer_bytes
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=connections,
                keepalive_timeout=KEEP_ALIVE,
                socket_factory=sockets(timeout, lambda: clock.monotonic() - _allowed_at.get() <= timeout),
            ),
            timeout=aiohttp.ClientTimeout(total=timeout),
            headers={"Accept": "application/json", "User-Agent": user_agent(caller)},
            cookie_jar=aiohttp.DummyCookieJar(),
            json_serialize=json_text,
            middlewares=(_send_once,),
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    def allow(self) -> None:
        """Note that the request that is about to be sent may be, from now on, for as long as one may take."""
        _allowed_at.set(self.clock.monotonic())

    async def send(self, request: Request, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Return the status and the body of Kit's answer, whatever they are.

        Raises:
            KitUnavailable: There was no answer.
        """
        asked = self.clock.monotonic()
        try:
            async with self._session.request(
                request.method,
                self._base_url + request.path.format(*request.ids),
                headers=headers,
                json=request.content,
                params=request.params,
                allow_redirects=False,  # a POST that is redirected becomes a GET, whose 200 proves nothing
            ) as response:
                self._hear(response, self.clock.monotonic() - asked)
                return response.status, await self._body(response)
        except TimeoutError as error:
            raise unanswered("Kit gave no answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise _unreached(self._host, error) from error

    def _hear(self, response: aiohttp.ClientResponse, seconds: float) -> None:
        """Note what time it is at Kit, by an answer that is its own; the header counts whole seconds."""
        date = response.headers.get("Date", "")
        if response.ok and "Age" not in response.headers:
            with suppress(ValueError, TypeError, OverflowError):  # not a date: nothing is heard
                self.clock.heard("Kit", _seconds(date), within=seconds + 1.0)

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        limit = self._max_answer_bytes
        body = await response.content.read(limit + 1)
        while not response.content.at_eof() and len(body) <= limit:
            body += await response.content.read(limit)
        if len(body) > limit:
            raise KitUnavailable("Kit's answer is too large to be one")
        return body


@lru_cache(maxsize=16)  # many answers come within a second
def _seconds(date: str) -> float:
    """Return the time of a `Date` header, in seconds since 1970.

    Raises:
        ValueError, TypeError, OverflowError: It is none.
    """
    return parsedate_to_datetime(date).timestamp()


def _unreached(host: str | None, error: BaseException) -> KitUnavailable:
    """Return the error of a call that did not come through, in our words: aiohttp's repeat addresses."""
    return unanswered(f"the call to Kit at {host} (KIT_BASE_URL) failed: {why(error)}")


async def _send_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending a PUT or DELETE a second time when the connection drops.

    It does so on its own, past the limiter. An error of another class, raised here inside its retry loop,
    ends that loop.
    """
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _unreached(request.url.host, error) from error


def user_agent(caller: str) -> str:
    """Return the `User-Agent` of every call to Kit, given who calls."""
    printable = "".join(letter for letter in caller if letter.isascii() and letter.isprintable())
    return f"kit-worker/{version('kit-worker')}" + (f" ({printable})" if printable else "")
