"""The HTTP face of a sandbox: Kit's API (`/v4/`, `/oauth/`), control under `/_sandbox/`, a page at `/`.

This is the way of every request under `/v4/`, and it is kept short, since benchmarks run against it:
count it, see whether it may pass, wait for the latency, let a fault strike, else do what it asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from functools import partial
from urllib.parse import parse_qsl

from aiohttp import web

from worker.sandbox import control, endpoints, oauth_endpoints, page, queries
from worker.sandbox.answers import LOGIN_PAGE, RETRY_LATER, Answer, json_answer, refusal
from worker.sandbox.bodies import Unparsed
from worker.sandbox.bulk import BulkTerms
from worker.sandbox.credentials import Credential, Kind, credential_of, masked
from worker.sandbox.endpoint import Endpoint, Incoming
from worker.sandbox.journal import Call
from worker.sandbox.mishaps import Sent, spoil
from worker.sandbox.refusals import (
    NO_CREDENTIAL,
    NotFoundError,
    RefusalError,
    UnauthorizedError,
)
from worker.sandbox.routing import Match, Router
from worker.sandbox.state import Account
from worker.sandbox.world import BULK, World

SHOWN_PATH = 200  # characters of a path that nothing is found at
Apply = Callable[[Unparsed], Answer]  # does what a request asks


class Handler:
    """Answers requests from a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._router = Router(endpoints.ROUTES)
        self._oauth_router = Router(oauth_endpoints.ROUTES)

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        path, _, query = request.raw_path.partition("?")
        if path.startswith(("/v4/", *oauth_endpoints.PATHS)):
            return await self._kit(request, path, query)
        if path.startswith(control.PREFIX):
            body = await request.read()
            return control.answer(self._world, request.method, path, dict(parse_qsl(query)), body).response()
        if path == "/":
            return page.answer(self._world).response()
        return (LOGIN_PAGE if path == "/login" else refusal(NotFoundError())).response()

    async def _kit(self, request: web.BaseRequest, path: str, query: str) -> web.StreamResponse:
        enter = self._oauth if path.startswith(oauth_endpoints.PATHS) else self._api
        call, admitted = enter(request, path)
        try:
            response, call.status = await self._answer(request, call, admitted, query)
            return response
        finally:
            self._world.journal.close(call, self._world.monotonic())

    async def _answer(
        self, request: web.BaseRequest, call: Call, admitted: Answer | Apply, query: str
    ) -> Sent:
        world = self._world
        if world.latency > 0:
            await asyncio.sleep(world.latency)
        if isinstance(admitted, Answer):
            return admitted.response(), admitted.status
        body = await request.read() if request.can_read_body else b""
        given = Unparsed(world.wall(), query, body, request.headers.get("Content-Type", ""))
        if call.path.startswith(oauth_endpoints.PATHS):
            self._identify(call, given)

        def apply() -> Answer:
            return admitted(given._replace(now=world.wall()))

        fault = world.faults.strike(call) if world.faults.rules else None
        if fault is not None:
            world.journal.strike(call, str(fault))
            return await spoil(fault, request, apply)
        answer = apply()
        return answer.response(), answer.status

    def _note(
        self, request: web.BaseRequest, path: str, name: str | None, credential: Credential | None
    ) -> Call:
        world = self._world
        peer = None if request.transport is None else request.transport.get_extra_info("peername")
        call = Call(
            sequence=world.journal.next_sequence(),
            arrived=world.monotonic(),
            arrived_at=world.wall(),
            method=request.method,
            path=path,
            endpoint=f"{request.method} (no such endpoint)" if name is None else name,
            account=None,
            credential=None if credential is None else credential.masked,
            user_agent=request.headers.get("User-Agent", ""),
            client=str(peer[1]) if peer else "",
        )
        world.journal.open(call)
        return call

    def _api(self, request: web.BaseRequest, path: str) -> tuple[Call, Answer | Apply]:
        match = self._router.find(request.method, path)
        credential = credential_of(request.headers)
        call = self._note(request, path, match and match.name, credential)
        admitted = self._admit(call, credential)
        if isinstance(admitted, Answer):
            return call, admitted
        if match is None:
            return call, partial(_no_such, call)
        return call, partial(
            _apply, admitted, match, self._world.bulk_terms(call), self._world.unknown_parameters
        )

    def _admit(self, call: Call, credential: Credential | None) -> Account | Answer:
        """The account that the request may work on, or the answer that turns it away."""
        if credential is None:
            return refusal(UnauthorizedError(NO_CREDENTIAL))
        try:
            way = self._world.way_in(credential)
        except UnauthorizedError as error:
            return refusal(error)
        call.account = way.account.name
        if way.closed is not None:
            return refusal(UnauthorizedError(way.closed))
        if call.path.startswith(BULK) and credential.kind is not Kind.OAUTH:
            return refusal(UnauthorizedError())  # (Kit API reference, credentials and limits)
        return way.account if self._world.limits.admit(way.counted_as, call.arrived) else RETRY_LATER

    def _oauth(self, request: web.BaseRequest, path: str) -> tuple[Call, Answer | Apply]:
        match = self._oauth_router.find(request.method, path)
        call = self._note(request, path, match and match.name, None)
        if match is None:
            return call, _no_such(call)
        return call, partial(match.endpoint, self._world.oauth)

    def _identify(self, call: Call, given: Unparsed) -> None:
        secret = oauth_endpoints.secret_in(given)
        if secret is not None:
            call.account, call.credential = self._world.oauth.account_of(secret), masked(secret)


def _no_such(call: Call, _: Unparsed | None = None) -> Answer:
    return refusal(NotFoundError(f"This sandbox has no {call.method} {call.path[:SHOWN_PATH]}"))


def _apply(
    account: Account, match: Match[Endpoint], bulk: BulkTerms, unknown: Collection[str], given: Unparsed
) -> Answer:
    try:
        account.settle(given.now)
        query = {name: value for name, value in given.parameters().items() if name not in unknown}
        incoming = Incoming(given.now, match.ids, query, given.parse(), bulk)
        queries.check(match.name, incoming.query)
        return json_answer(*match.endpoint(account, incoming))
    except RefusalError as error:
        return refusal(error)
