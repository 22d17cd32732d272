"""Starting and stopping."""

from __future__ import annotations

import asyncio
import contextlib
import time

import aiohttp
import pytest

from worker.sandbox import Sandbox, serve

from .harness import KEY, kit


@pytest.mark.parametrize("kind", ["hang", "hang_in_headers", "slow", "drip"])
async def test_it_stops_at_once_whatever_it_is_still_answering(kind: str) -> None:
    async with aiohttp.ClientSession(headers={"X-Kit-Api-Key": KEY}) as session:
        sandbox = Sandbox()
        async with sandbox.running():
            sandbox.fail(kind, delay=30)
            url = sandbox.url + "/v4/account"
            request = asyncio.create_task(session.get(url, timeout=aiohttp.ClientTimeout(total=20)))
            await sandbox.until(lambda: bool(sandbox.calls()))
            began = time.monotonic()
        took = time.monotonic() - began
        with contextlib.suppress(aiohttp.ClientError):
            (await request).close()

    assert took < 1.0


async def test_it_stops_at_once_under_latency_and_the_write_is_lost() -> None:
    sandbox = Sandbox(latency=30)
    async with aiohttp.ClientSession(headers={"X-Kit-Api-Key": KEY}) as session:
        async with sandbox.running():
            request = asyncio.create_task(session.post(sandbox.url + "/v4/tags", json={"name": "VIP"}))
            await sandbox.until(lambda: bool(sandbox.calls()))
            began = time.monotonic()
        assert time.monotonic() - began < 1.0
        with pytest.raises(aiohttp.ClientError):
            await request

    assert sandbox.account(KEY).tags() == {}


async def test_an_outage_keeps_the_data_and_the_port() -> None:
    sandbox = Sandbox()
    async with kit(sandbox) as call:
        await call.subscriber()
        port = int(sandbox.url.rsplit(":", 1)[1])
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(f"http://127.0.0.1:{port}/")
        async with sandbox.running(port=port), session.get(f"{sandbox.url}/") as page:
            assert page.status == 200
            assert "ada@example.com" in await page.text()


def test_it_has_no_url_while_it_is_not_running() -> None:
    with pytest.raises(RuntimeError, match="not running"):
        _ = Sandbox().url


async def test_serve_says_where_it_is_strikes_from_the_start_and_ends_when_told() -> None:
    sandbox, stop = Sandbox(), asyncio.Event()
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    orders = ["status status=503 times=1"]
    task = asyncio.create_task(serve(sandbox, port=0, faults=orders, ready=ready.set_result, stop=stop))

    url = await ready
    async with (
        aiohttp.ClientSession(headers={"X-Kit-Api-Key": KEY}) as session,
        session.get(f"{url}/v4/account") as struck,
        session.get(f"{url}/v4/account") as fine,
    ):
        assert (struck.status, fine.status) == (503, 200)
    stop.set()

    await asyncio.wait_for(task, 5)


async def test_serve_refuses_a_fault_it_does_not_know_before_it_listens() -> None:
    with pytest.raises(ValueError, match="'boom'"):
        await serve(Sandbox(), port=0, faults=["boom"])
