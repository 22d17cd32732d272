"""One call to Kit: through the limiter, once, bounded, and translated into an answer or one of our errors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final, Self
from urllib.parse import urlsplit

import aiohttp

from worker.clock import Clock
from worker.errors import CredentialRefused, KitUnavailable
from worker.kit.answers import Answer, read_answer, unanswered
from worker.kit.auth.login import Login
from worker.kit.limiter import Limiter
from worker.kit.sockets import sockets

MAX_ANSWER_BYTES: Final = 8 * 1024 * 1024
"""A page of 1,000 tags is some 200 kB; more than this is not an answer of Kit's."""

KEEP_ALIVE: Final = 5.0
"""Seconds for which an idle connection is kept. A network that broke once breaks all of them, and during a
hold only one call is made at a time: each would find the next dead one, and the hold would grow and grow."""

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call, as metrics see it. `status` is 0 where no answer came."""

    endpoint: str
    status: int
    seconds: float


@dataclass(frozen=True, slots=True)
class _Request:
    """What is called; see `KitClient.call`."""

    method: str
    path: str
    ids: tuple[int, ...] = ()
    json: Mapping[str, Any] | None = None
    params: Mapping[str, str] | None = None

    @property
    def endpoint(self) -> str:
        return f"{self.method} {self.path}"


def _ignore(_record: CallRecord) -> None:
    pass


def _allow() -> None:
    pass


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
        raise unanswered(f"the connection to Kit failed: {type(error).__name__}") from error


async def _to_its_end(call: Coroutine[Any, Any, Answer]) -> Answer:
    task = asyncio.ensure_future(call)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        task.cancelled() or task.exception()  # nobody is left to be told
        raise


def check_base_url(url: str, *, allow_http: bool) -> None:
    """Refuse an address that would send the credential in clear text over a network.

    Raises:
        ValueError: Neither https, nor a loopback address, nor allowed by `KIT_ALLOW_HTTP=1`.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an address such as https://api.kit.com")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK and not allow_http:
        raise ValueError(
            "must begin with https://: the key would travel in clear (KIT_ALLOW_HTTP=1 allows it)"
        )


def _user_agent(caller: str) -> str:
    printable = "".join(letter for letter in caller if letter.isascii() and letter.isprintable())
    return f"kit-worker/{version('kit-worker')}" + (f" ({printable})" if printable else "")


class KitClient:
    """Kit's API for one credential.

    Attributes:
        limiter: The rate limit that every call goes through.
        login: Says with each call whose account it is about; shown nowhere.
        clock: Says what time it is.

    Args:
        base_url: Such as `https://api.kit.com`.
        login: See above.
        limiter: Every call goes through it.
        timeout: Seconds for one call, from the moment the limiter let it through.
        clock: Says what time it is.
        connections: How many calls may be under way at once.
        caller: Which worker calls, for the `User-Agent`.
        may_call: Raises `CallsSuspended` where no call but `probe` may start.
        observe: Is told of every call.
    """

    def __init__(  # noqa: PLR0913  # a client is its settings, and they are named at every use
        self,
        *,
        base_url: str,
        login: Login,
        limiter: Limiter,
        timeout: float,
        clock: Clock,
        connections: int = 32,
        caller: str = "",
        may_call: Callable[[], None] = _allow,
        observe: Callable[[CallRecord], None] = _ignore,
    ) -> None:
        self.limiter = limiter
        self._worked_at: dict[str, float] = {}
        self._base_url = base_url.rstrip("/")
        self.clock = clock
        self.login = login
        self._allowed_at = float("-inf")
        self._slots = asyncio.Semaphore(connections)
        self._may_call = may_call
        self._observe = observe
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=connections,
                keepalive_timeout=KEEP_ALIVE,
                socket_factory=sockets(timeout, lambda: self.clock.monotonic() - self._allowed_at <= timeout),
            ),
            timeout=aiohttp.ClientTimeout(total=timeout),
            headers={
                "Accept": "application/json",
                "User-Agent": _user_agent(caller),
            },
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=(_send_once,),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections, and bring to its end what the login has begun."""
        try:
            await self.login.close()
        finally:
            await self._session.close()

    def worked_at(self, endpoint: str | None = None) -> float:
        """Return when an endpoint, or with None any, last answered well, in seconds; -inf for never."""
        if endpoint is None:
            return max(self._worked_at.values(), default=float("-inf"))
        return self._worked_at.get(endpoint, float("-inf"))

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        """Read; see `call` for what it raises."""
        return await self.call("GET", path, params=params)

    async def probe(self) -> Answer:
        """Ask for the account, which changes nothing and is allowed at any time; see `call`."""
        return await self._call(_Request("GET", "/v4/account"), _allow)

    async def call(
        self,
        method: str,
        path: str,
        *ids: int,
        json: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make one call and return its 2xx answer.

        Args:
            method: GET, POST, PUT or DELETE.
            path: The path, with `{}` where the ids go: `/v4/tags/{}/subscribers/{}`. As it stands it names
                the endpoint in logs and metrics. Only ids go into it: nothing from an event reaches a URL.
            ids: Kit's ids, in the order of the path.
            json: The body.
            params: The query.

        Cancelled while it waits for the limiter, it sends nothing; once it has sent, it first waits for the
        answer, so that no call is left behind which could still be applied later.

        Raises:
            CallsSuspended: The call may not start now; nothing was sent.
            KitWorkerError: Whatever `read_answer` raises.
        """
        async with self._slots:
            return await self._call(_Request(method, path, ids, json, params), self._may_call)

    async def _call(self, request: _Request, check: Callable[[], None]) -> Answer:
        """Make a call; and once more where Kit, doing nothing, has refused a credential that was renewed."""
        headers = await self.login.headers()
        try:
            return await self._call_now(request, headers, check)
        except CredentialRefused:
            if not await self.login.renewed(headers):
                raise
        return await self._call_now(request, await self.login.headers(), check)

    async def _call_now(
        self, request: _Request, headers: Mapping[str, str], check: Callable[[], None]
    ) -> Answer:
        async with self.limiter.call(check):
            self._allowed_at = self.clock.monotonic()
            try:
                answer = await _to_its_end(self._observed(request, headers))
            except KitUnavailable as error:
                error.endpoint = request.endpoint
                raise
            self._worked_at[request.endpoint] = self.clock.monotonic()
            return answer

    async def _observed(self, request: _Request, headers: Mapping[str, str]) -> Answer:
        started = self.clock.monotonic()
        status = 0
        try:
            status, body = await self._send(request, headers)
        finally:
            self._observe(CallRecord(request.endpoint, status, self.clock.monotonic() - started))
        return read_answer(request.endpoint, status, body)

    async def _send(self, request: _Request, headers: Mapping[str, str]) -> tuple[int, bytes]:
        try:
            async with self._session.request(
                request.method,
                self._base_url + request.path.format(*request.ids),
                headers=headers,
                json=request.json,
                params=request.params,
                allow_redirects=False,  # a POST that is redirected becomes a GET, whose 200 proves nothing
            ) as response:
                body = await response.content.read(MAX_ANSWER_BYTES + 1)
                while not response.content.at_eof() and len(body) <= MAX_ANSWER_BYTES:
                    body += await response.content.read(MAX_ANSWER_BYTES)
                if len(body) > MAX_ANSWER_BYTES:
                    raise KitUnavailable("Kit's answer is too large to be one")
                return response.status, body
        except TimeoutError as error:
            raise unanswered("Kit gave no answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            # Only the class: aiohttp's texts repeat addresses.
            raise unanswered(f"the call to Kit failed: {type(error).__name__}") from error
