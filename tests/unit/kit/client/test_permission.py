"""A call is sent only while it may be, within the limit, side by side with others, and is not left behind."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from tests.unit.kit.client.talking import METHODS, PATH, Allowing, WaitingFor, counted, hang, talking_to
from tests.unit.kit.raw_server import Request, answering, http
from worker.errors import CallsSuspended, KitWorkerError
from worker.metrics import Metrics


async def test_only_a_probe_may_be_sent_while_calls_are_not_allowed() -> None:
    async with talking_to(answering(), gate=Allowing(0)) as (server, kit):
        await kit.probe()
        for method in METHODS:
            with pytest.raises(CallsSuspended):
                await kit.call(method, "/v4/tags")
        assert kit.limiter.used_ratio == 0.01  # what was not sent costs nothing

    assert [(request.method, request.target) for request in server.requests] == [("GET", "/v4/account")]


async def test_permission_is_asked_after_the_wait_for_the_limiter() -> None:
    """Given permission is lost while a call waits for its place, then it is not sent."""
    free, gate = asyncio.Event(), Allowing(1)

    async with talking_to(answering(), gate=gate) as (server, kit):
        kit.limiter = WaitingFor(free)  # type: ignore[assignment]  # only `call` is used
        calling = asyncio.create_task(kit.call("POST", "/v4/tags"))
        await asyncio.sleep(0)
        gate.calls = 0
        free.set()
        with pytest.raises(CallsSuspended):
            await calling

    assert server.requests == []


@pytest.mark.parametrize("status", [200, 404, 502])
async def test_a_place_in_the_limit_is_held_while_a_call_is_under_way_and_after(status: int) -> None:
    ratios: list[float] = []

    async def look(_: Request, writer: asyncio.StreamWriter) -> None:
        ratios.append(kit.limiter.used_ratio)
        writer.write(http(status))

    async with talking_to(look, limit=4) as (_, kit):
        with contextlib.suppress(KitWorkerError):
            await kit.get("/v4/account")
        ratios.append(kit.limiter.used_ratio)

    assert ratios == [0.25, 0.25]


async def test_ten_calls_run_side_by_side() -> None:
    """Given each answer waits until all ten calls have come, then all are answered."""
    all_here = asyncio.Event()

    async def reply(_: Request, writer: asyncio.StreamWriter) -> None:
        if len(server.requests) == 10:
            all_here.set()
        await all_here.wait()
        writer.write(http())

    async with talking_to(reply, connections=10) as (server, kit):
        await asyncio.gather(*(kit.call("POST", PATH, number, number) for number in range(10)))

    assert {request.target for request in server.requests} == {
        f"/v4/tags/{n}/subscribers/{n}" for n in range(10)
    }


async def test_a_cancelled_call_that_was_sent_first_waits_for_its_answer() -> None:
    """Left behind, it could be applied later, over what another worker has done since."""
    came, answer = asyncio.Event(), asyncio.Event()

    async def reply(_: Request, writer: asyncio.StreamWriter) -> None:
        came.set()
        await answer.wait()
        writer.write(http())

    metrics = Metrics()
    async with talking_to(reply, limit=2, metrics=metrics) as (_, kit):
        calling = asyncio.create_task(kit.call("POST", "/v4/tags"))
        await came.wait()
        calling.cancel()
        await asyncio.sleep(0)
        assert not calling.done()
        answer.set()
        with pytest.raises(asyncio.CancelledError):
            await calling

        assert kit.limiter.used_ratio == 0.5
    assert counted(metrics) == {("", "POST /v4/tags", "200"): 1}


async def test_a_cancelled_call_waits_no_longer_than_the_time_out() -> None:
    async with talking_to(hang, timeout=1.0) as (server, kit):
        calling = asyncio.create_task(kit.call("POST", "/v4/tags"))
        await server.asked.wait()
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling


async def test_a_call_cancelled_while_it_waits_for_its_place_sends_nothing() -> None:
    async with talking_to(answering()) as (server, kit):
        kit.limiter = WaitingFor(asyncio.Event())  # type: ignore[assignment]  # only `call` is used
        calling = asyncio.create_task(kit.call("POST", "/v4/tags"))
        await asyncio.sleep(0)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling

    assert server.requests == []
