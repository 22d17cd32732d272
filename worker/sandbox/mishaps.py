"""Carries a fault out: the answer that goes wrong, on the wire."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from worker.sandbox.answers import (
    LOGIN_REDIRECT,
    RETRY_LATER,
    Answer,
    html_page,
    html_status,
    json_answer,
    refusal,
)
from worker.sandbox.faults import Fault, FaultKind
from worker.sandbox.refusals import QueueFullError, UnauthorizedError

Sent = tuple[web.StreamResponse, int | None]  # what aiohttp sends and the status, None where none went out

_WATCH = 0.1  # seconds between looks at whether the peer of a hanging request is still there
_PLACEHOLDER = Answer(200, b'{"subscriber":{"id":1,"first_name":null,"email_address":"a@example.com"}}')
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Le"


async def spoil(fault: Fault, request: web.BaseRequest, apply: Callable[[], Answer]) -> Sent:
    """Answer a request wrongly.

    Args:
        fault: how.
        request: the request, its body read.
        apply: does what the request asks and gives the true answer; called only where the fault says so.
    """
    if fault.kind is FaultKind.SLOW and not fault.applied:
        await asyncio.sleep(fault.delay)
    true_answer = apply() if fault.lands else None
    wrong = _wrong_answer(fault, true_answer)
    if wrong is not None:
        return wrong.response(), wrong.status
    with contextlib.suppress(ConnectionError):  # a caller who gave up is what most faults are for
        return await _MISBEHAVIOURS[fault.kind](fault, request, true_answer or _PLACEHOLDER)
    return web.Response(), None


def _wrong_answer(fault: Fault, true_answer: Answer | None) -> Answer | None:
    if fault.kind is FaultKind.STATUS:
        return html_status(fault.status) if fault.status >= 500 else _refused(fault.status)
    if fault.kind is FaultKind.CUT_JSON:
        body = (true_answer or _PLACEHOLDER).body or _PLACEHOLDER.body  # a 204 has nothing to cut
        return Answer(200, body[: len(body) // 2])
    return _WRONG_ANSWERS.get(fault.kind)


def _refused(status: int) -> Answer:
    return json_answer(status, {"errors": [HTTPStatus(status).phrase]})


_WRONG_ANSWERS = {
    FaultKind.UNAUTHORIZED: refusal(UnauthorizedError()),
    FaultKind.RATE_LIMITED: RETRY_LATER,
    FaultKind.QUEUE_FULL: refusal(QueueFullError()),
    FaultKind.HTML: html_page(200, "We are down for maintenance"),
    FaultKind.EMPTY: Answer(200),
    FaultKind.LOGIN: LOGIN_REDIRECT,
}


async def _reset(_: Fault, request: web.BaseRequest, __: Answer) -> Sent:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(), None  # aiohttp notices that the connection is gone, and drops this


async def _hang(fault: Fault, request: web.BaseRequest, answer: Answer) -> Sent:
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110  # no event tells
        await asyncio.sleep(_WATCH)
    return await _reset(fault, request, answer)


async def _hang_in_headers(fault: Fault, request: web.BaseRequest, answer: Answer) -> Sent:
    if request.transport is not None:
        request.transport.write(_HEAD)
    return await _hang(fault, request, answer)


async def _slow(fault: Fault, _: web.BaseRequest, answer: Answer) -> Sent:
    if fault.applied:
        await asyncio.sleep(fault.delay)
    return answer.response(), answer.status


async def _close(fault: Fault, request: web.BaseRequest, answer: Answer) -> Sent:
    if request.transport is not None:
        asyncio.get_running_loop().call_later(fault.delay, request.transport.close)
    return answer.response(), answer.status


async def _cut_body(_: Fault, request: web.BaseRequest, answer: Answer) -> Sent:
    body = answer.body or _PLACEHOLDER.body
    response = _streamed(answer, len(body))
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()  # once what was written is sent
    return response, response.status


async def _drip(fault: Fault, request: web.BaseRequest, answer: Answer) -> Sent:
    if answer.status == 204:
        return answer.response(), answer.status
    response = _streamed(answer, len(answer.body))
    await response.prepare(request)
    for at in range(len(answer.body)):
        await response.write(answer.body[at : at + 1])
        await asyncio.sleep(fault.delay)
    return response, response.status


_MISBEHAVIOURS: dict[FaultKind, Callable[[Fault, web.BaseRequest, Answer], Awaitable[Sent]]] = {
    FaultKind.RESET: _reset,
    FaultKind.HANG: _hang,
    FaultKind.HANG_IN_HEADERS: _hang_in_headers,
    FaultKind.SLOW: _slow,
    FaultKind.CLOSE: _close,
    FaultKind.CUT_BODY: _cut_body,
    FaultKind.DRIP: _drip,
}


def _streamed(answer: Answer, length: int) -> web.StreamResponse:
    status = 200 if answer.status == 204 else answer.status  # a 204 has no body that could be cut
    headers = {"Content-Type": answer.content_type, "Content-Length": str(length)}
    return web.StreamResponse(status=status, headers=headers)
