"""The HTTP face of a sandbox: Kit's API under `/v4/`, control under `/_sandbox/`, a page at `/`.

This is the way of every request under `/v4/`, and it is kept short, since benchmarks run against it:
count it, see whether it may pass, wait for the latency, let a fault strike, else do what it asks.
"""

from __future__ import annotations

import asyncio
import json
from typing import NamedTuple
from urllib.parse import parse_qsl

from aiohttp import web

from worker.sandbox import bulk_endpoints, control, endpoints, page
from worker.sandbox.answers import LOGIN_PAGE, RETRY_LATER, Answer, json_answer, refusal
from worker.sandbox.bulk import BulkTerms
from worker.sandbox.credentials import Credential, Kind, credential_of
from worker.sandbox.endpoints import Incoming
from worker.sandbox.journal import Call
from worker.sandbox.mishaps import Sent, spoil
from worker.sandbox.refusals import InvalidError, NotFoundError, RefusalError, UnauthorizedError
from worker.sandbox.routing import Match, Router
from worker.sandbox.state import Account
from worker.sandbox.world import BULK, World

FORM = "application/x-www-form-urlencoded"


class UnreadableError(InvalidError):
    """The body is not JSON (400; Kit's own answer to this is not published)."""

    status = 400


class Handler:
    """Answers requests from a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._router = Router({**endpoints.ROUTES, **bulk_endpoints.ROUTES})

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        path, _, query = request.raw_path.partition("?")
        if path.startswith("/v4/"):
            return await self._kit(request, path, query)
        if path.startswith(control.PREFIX):
            body = await request.read()
            return control.answer(self._world, request.method, path, dict(parse_qsl(query)), body).response()
        if path == "/":
            return page.answer(self._world).response()
        return (LOGIN_PAGE if path == "/login" else refusal(NotFoundError())).response()

    async def _kit(self, request: web.BaseRequest, path: str, query: str) -> web.StreamResponse:
        match = self._router.find(request.method, path)
        credential = credential_of(request.headers)
        call = self._note(request, path, match, credential)
        try:
            response, call.status = await self._answer(request, call, credential, match, query)
            return response
        finally:
            self._world.journal.close(call, self._world.monotonic())

    async def _answer(
        self,
        request: web.BaseRequest,
        call: Call,
        credential: Credential | None,
        match: Match | None,
        query: str,
    ) -> Sent:
        world = self._world
        admitted = self._admit(call, credential)
        if world.latency > 0:
            await asyncio.sleep(world.latency)
        if isinstance(admitted, Answer):
            return admitted.response(), admitted.status
        body = await request.read() if request.can_read_body else b""

        def apply() -> Answer:
            content_type = request.headers.get("Content-Type", "")
            return _apply(
                admitted, match, Unparsed(world.wall(), query, body, content_type, world.bulk_terms(call))
            )

        fault = world.faults.strike(call) if world.faults.rules else None
        if fault is not None:
            world.journal.strike(call, str(fault))
            return await spoil(fault, request, apply)
        answer = apply()
        return answer.response(), answer.status

    def _note(
        self, request: web.BaseRequest, path: str, match: Match | None, credential: Credential | None
    ) -> Call:
        world = self._world
        peer = None if request.transport is None else request.transport.get_extra_info("peername")
        call = Call(
            sequence=world.journal.next_sequence(),
            arrived=world.monotonic(),
            arrived_at=world.wall(),
            method=request.method,
            path=path,
            endpoint=f"{request.method} (no such endpoint)" if match is None else match.name,
            account=None,
            credential=None if credential is None else credential.masked,
            user_agent=request.headers.get("User-Agent", ""),
            client=str(peer[1]) if peer else "",
        )
        world.journal.open(call)
        return call

    def _admit(self, call: Call, credential: Credential | None) -> Account | Answer:
        """The account that the request may work on, or the answer that turns it away."""
        if credential is None:
            return refusal(UnauthorizedError())
        try:
            account = self._world.accounts.opened_by(credential.secret, call.arrived_at)
        except UnauthorizedError as error:
            return refusal(error)
        call.account = account.name
        if (
            call.path.startswith(BULK) and credential.kind is not Kind.OAUTH
        ):  # (Kit API reference, credentials)
            return refusal(UnauthorizedError())
        return account if self._world.limits.admit(credential, call.arrived) else RETRY_LATER


class Unparsed(NamedTuple):
    """What a request brings besides method and path."""

    now: float
    query: str
    body: bytes
    content_type: str
    bulk: BulkTerms


def _apply(account: Account, match: Match | None, given: Unparsed) -> Answer:
    try:
        if match is None:
            raise NotFoundError
        query = dict(parse_qsl(given.query)) if given.query else {}
        account.settle(given.now)
        incoming = Incoming(given.now, match.ids, query, _parse_body(given), given.bulk)
        return json_answer(*match.endpoint(account, incoming))
    except RefusalError as error:
        return refusal(error)


def _parse_body(given: Unparsed) -> dict[str, object]:
    if not given.body:
        return {}
    if given.content_type.startswith(FORM):  # how Kit's own examples send the body of a DELETE
        return dict(parse_qsl(given.body.decode(errors="replace")))
    try:
        body = json.loads(given.body)
    except ValueError:
        raise UnreadableError("The request body is not valid JSON") from None
    if not isinstance(body, dict):
        raise UnreadableError("The request body is not a JSON object")
    return body
