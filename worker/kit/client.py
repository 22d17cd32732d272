"""One call to Kit: signed, through the limiter, and translated into an answer or one of our errors."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from functools import cache
from typing import Any, Final, Self

from worker.errors import CredentialRefused, KitUnavailable
from worker.kit.answers import Answer, read_answer
from worker.kit.auth.login import Login
from worker.kit.http import KitHttp, Request
from worker.kit.limiter import Limiter
from worker.metrics import Metrics


class Gate:
    """Says whether calls may be made now; this one lets all through."""

    def check(self) -> None:
        """Allow a call that is about to be sent.

        Raises:
            CallsSuspended: It may not be made now.
        """


OPEN: Final = Gate()


class KitClient:
    """Kit's API for one credential.

    Attributes:
        limiter: The rate limit that every call goes through.
        login: Says with each call whose account it is about; shown nowhere.
        clock: Says what time it is.
        account: Its name, for the log and the metrics.
        gate: Asked right before each call but `probe`; whoever works with the client puts its own here.

    Args:
        http: Sends the calls; it is closed with the client.
        login: See above.
        limiter: See above.
        metrics: Count the calls; None where nobody reads them.
    """

    def __init__(
        self,
        http: KitHttp,
        login: Login,
        limiter: Limiter,
        *,
        account: str = "",
        metrics: Metrics | None = None,
    ) -> None:
        self.limiter = limiter
        self.login = login
        self.clock = http.clock
        self.gate = OPEN
        self._http = http
        self._worked_at: dict[str, float] = {}
        self._sent = 0
        self._slots = asyncio.Semaphore(http.connections)
        self.account = account
        self._requests = None if metrics is None else cache(metrics.kit_requests.labels)
        self._request_seconds = None if metrics is None else cache(metrics.kit_request_seconds.labels)

    @property
    def concurrency(self) -> int:
        """How many calls may be under way at once."""
        return self._http.connections

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections, and bring to its end what the login has begun."""
        try:
            await self.login.close()
        finally:
            await self._http.close()

    def worked_at(self, endpoint: str | None = None) -> float:
        """Return when an endpoint, or with None any, last answered well, in seconds; -inf for never."""
        if endpoint is None:
            return max(self._worked_at.values(), default=float("-inf"))
        return self._worked_at.get(endpoint, float("-inf"))

    def take_sent(self) -> int:
        """Return how many calls were sent since this was last asked."""
        sent, self._sent = self._sent, 0
        return sent

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        """Read; see `call` for what it raises."""
        return await self.call("GET", path, params=params)

    async def probe(self) -> Answer:
        """Ask for the account, which changes nothing and is allowed at any time; see `call`."""
        return await self._call(Request("GET", "/v4/account"), OPEN)

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
            return await self._call(Request(method, path, ids, json, params), self.gate)

    async def _call(self, request: Request, gate: Gate) -> Answer:
        """Make a call; and once more where Kit, doing nothing, has refused a credential that was renewed."""
        headers = await self.login.headers()
        try:
            return await self._call_now(request, headers, gate)
        except CredentialRefused as error:
            if not await self.login.renewed(headers):
                raise CredentialRefused(self.login.refused or str(error)) from error
        return await self._call_now(request, await self.login.headers(), gate)

    async def _call_now(self, request: Request, headers: Mapping[str, str], gate: Gate) -> Answer:
        async with self.limiter.call():
            gate.check()
            self._http.allow()
            try:
                answer = await _to_its_end(self._counted(request, headers))
            except KitUnavailable as error:
                error.endpoint = request.endpoint
                raise
            self._worked_at[request.endpoint] = self.clock.monotonic()
            return answer

    async def _counted(self, request: Request, headers: Mapping[str, str]) -> Answer:
        self._sent += 1
        started = self.clock.monotonic()
        status = 0
        try:
            status, body = await self._http.send(request, headers)
        finally:
            if self._requests is not None and self._request_seconds is not None:
                seconds = self.clock.monotonic() - started
                self._requests(self.account, request.endpoint, str(status)).inc()
                self._request_seconds(self.account, request.endpoint).observe(seconds)
        return read_answer(request.endpoint, status, body)


async def _to_its_end(call: Coroutine[Any, Any, Answer]) -> Answer:
    task = asyncio.ensure_future(call)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        task.cancelled() or task.exception()  # nobody is left to be told
        raise
