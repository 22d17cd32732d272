"""What is counted of a call, and what is known of it afterwards: what failed, and what time it is there."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import aiohttp
import pytest

from tests.clocks import StandingClock
from tests.unit.kit.client.talking import KEY, PATH, client, counted, talking_to, without_the_key
from tests.unit.kit.raw_server import Reply, Request, answering, dropping, serving
from worker.errors import CredentialRefused, KitUnavailable, KitWorkerError
from worker.kit.answers import NotFound
from worker.metrics import Metrics

# -- what is noted ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "status", "error"),
    [
        (answering(401, {"errors": [f"bad key {KEY[:5]}"]}), 401, CredentialRefused),
        (answering(404, {"errors": ["Not Found"]}), 404, NotFound),
        (answering(502), 502, KitUnavailable),
        (dropping, 0, KitUnavailable),
    ],
)
async def test_every_failure_is_counted_and_names_the_endpoint_without_ids(
    reply: Reply, status: int, error: type[KitWorkerError]
) -> None:
    metrics = Metrics()

    async with talking_to(reply, account="sunny", metrics=metrics) as (_, kit):
        with pytest.raises(error) as caught:
            await kit.call("DELETE", PATH, 12, 34)

    assert counted(metrics) == {("sunny", f"DELETE {PATH}", str(status)): 1}
    assert kit.worked_at() == float("-inf")
    assert getattr(caught.value, "endpoint", f"DELETE {PATH}") == f"DELETE {PATH}"
    assert without_the_key(caught.value)


async def test_an_answer_that_lacks_what_it_should_hold_is_blamed_on_its_endpoint() -> None:
    """Nor does the endpoint count as one that works: else the events would be blamed for it in the end."""
    async with talking_to(answering(200, {"subscriber": None})) as (_, kit):
        with pytest.raises(KitUnavailable) as caught:
            await kit.call("POST", PATH, 1, 2)

    assert caught.value.endpoint == f"POST {PATH}"
    assert kit.worked_at() == float("-inf")


async def test_a_success_is_noted_by_endpoint() -> None:
    metrics = Metrics()
    before = time.monotonic()

    async with talking_to(answering(200), account="sunny", metrics=metrics) as (_, kit):
        await kit.call("POST", PATH, 1, 2)
        assert [kit.take_sent() for _ in range(2)] == [1, 0]

    assert counted(metrics) == {("sunny", f"POST {PATH}", "200"): 1}
    labels = {"account": "sunny", "endpoint": f"POST {PATH}"}
    took = metrics.registry.get_sample_value("kit_worker_kit_request_seconds_sum", labels)
    assert took is not None
    assert 0 < took <= time.monotonic() - before
    assert before <= kit.worked_at(f"POST {PATH}") == kit.worked_at() <= time.monotonic()
    assert kit.worked_at(f"PUT {PATH}") == float("-inf")


async def test_what_had_no_answer_in_time_is_not_sent_any_more() -> None:
    """Given a call that timed out, its connection is reset: the kernel forgets what is not delivered yet."""
    ends: asyncio.Queue[str] = asyncio.Queue()

    async def wait_for_the_end(_: Request, writer: asyncio.StreamWriter) -> None:
        try:
            await writer.wait_closed()
        except ConnectionResetError:
            ends.put_nowait("reset")
        else:
            ends.put_nowait("closed")

    async with talking_to(wait_for_the_end, timeout=0.1) as (_, kit):
        with pytest.raises(KitUnavailable):
            await kit.call("POST", PATH, 1, 2)
        async with asyncio.timeout(5):
            assert await ends.get() == "reset"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("kept", [False, True])
async def test_what_was_allowed_before_the_process_froze_is_not_sent(
    method: str, monkeypatch: pytest.MonkeyPatch, *, kept: bool
) -> None:
    """Given a minute that passes between the permission and the write, nothing reaches Kit."""
    clock = StandingClock()
    connect = aiohttp.TCPConnector.connect

    async def freeze(*arguments: Any, **options: Any) -> aiohttp.connector.Connection:  # noqa: ANN401
        made = await connect(*arguments, **options)
        clock.wait(60.0)
        return made

    async with talking_to(answering(), timeout=5.0, clock=clock) as (server, kit):
        if kept:
            await kit.get("/v4/account")
        server.requests.clear()
        with monkeypatch.context() as patched:
            patched.setattr(aiohttp.TCPConnector, "connect", freeze)
            with pytest.raises(KitUnavailable):
                await kit.call(method, PATH, 1, 2, json={"name": "VIP"} if method != "DELETE" else None)
        assert server.requests == []
        await kit.call(method, PATH, 1, 2)  # it was only that call
    assert len(server.requests) == 1


# -- what time it is at Kit -------------------------------------------------------------------------------

BEHIND = "Date: Fri, 15 Jan 2027 07:50:00 GMT"
"""Ten minutes before the time at which a `StandingClock` stands."""


@pytest.mark.parametrize(
    ("status", "headers", "wrong"),
    [
        (200, (BEHIND,), True),
        (200, ("Date: Fri, 15 Jan 2027 08:01:35 GMT",), False),
        (200, (), False),
        (200, ("Date: yesterday",), False),
        (200, ("Date: Fri, 15 Jan 99999 07:50:00 GMT",), False),
        (502, (BEHIND,), False),  # of something in between, perhaps
        (200, (BEHIND, "Age: 600"), False),  # an answer of then
    ],
)
async def test_kits_answers_tell_whether_this_machines_clock_is_right(
    status: int, headers: tuple[str, ...], wrong: bool
) -> None:
    clock = StandingClock()
    async with serving(answering(status, None, *headers)) as server, client(server.url, clock=clock) as kit:
        with contextlib.suppress(KitUnavailable):
            await kit.get("/v4/account")
    assert ("10 min ahead of that of Kit" in clock.problem) is wrong
