"""What of a call goes over the socket, and that it is sent once, however the connection ends."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest

from tests.unit.kit.client.talking import KEY, METHODS, PATH, client, talking_to, without_the_key
from tests.unit.kit.raw_server import Reply, Request, answering, dropping, http, resetting, serving
from worker.errors import KitUnavailable
from worker.kit.client import KitClient

# -- what is sent -----------------------------------------------------------------------------------------


async def test_a_call_carries_the_key_the_ids_the_query_and_the_body() -> None:
    async with talking_to(answering(201, {"subscriber": {"id": 7}}), caller="worker-1 ü\n") as (server, kit):
        answer = await kit.call("POST", PATH, 12, 34, json={"name": "VIP"}, params={"per_page": "1000"})

    (request,) = server.requests
    assert (request.method, request.target) == ("POST", "/v4/tags/12/subscribers/34?per_page=1000")
    assert request.headers["x-kit-api-key"] == KEY
    assert request.headers["user-agent"].startswith("kit-worker/")
    assert request.headers["user-agent"].endswith(" (worker-1 )")
    assert json.loads(request.body) == {"name": "VIP"}
    assert (answer.status, answer.id_of("subscriber")) == (201, 7)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_where_there_is_no_data_an_empty_list_goes_out_as_json(method: str) -> None:
    """As Kit's own libraries do; a body of another type was seen nowhere."""
    async with talking_to(answering()) as (server, kit):
        await kit.call(method, PATH, 12, 34)

    (request,) = server.requests
    assert (request.headers["content-type"], request.body) == ("application/json", b"[]")


async def test_what_is_read_has_no_body() -> None:
    async with talking_to(answering()) as (server, kit):
        await kit.get("/v4/account")

    assert server.requests[0].body == b""


async def test_cookies_are_not_kept() -> None:
    reply = answering(200, None, "Set-Cookie: session=1; Path=/")
    async with serving(reply) as server, client(server.url.replace("127.0.0.1", "localhost")) as kit:
        await kit.get("/v4/account")  # by name, since cookies of bare addresses are not kept anyway
        await kit.get("/v4/account")

    assert [request.headers.get("cookie") for request in server.requests] == [None, None]


async def test_a_connection_is_used_again() -> None:
    async with talking_to(answering()) as (server, kit):
        for _ in range(3):
            await kit.call("POST", "/v4/tags")

    assert [request.connection for request in server.requests] == [1, 1, 1]


# -- once, and only where it was sent ---------------------------------------------------------------------


@pytest.mark.parametrize("failing", [dropping, resetting])
@pytest.mark.parametrize("method", METHODS)
async def test_a_call_is_sent_once_though_the_connection_drops(method: str, failing: Reply) -> None:
    """Every send has to pass the limiter, so nobody below may send again on its own."""
    async with talking_to(failing) as (server, kit):
        with pytest.raises(KitUnavailable) as caught:
            await kit.call(method, PATH, 1, 2)

    assert [request.method for request in server.requests] == [method]
    assert without_the_key(caught.value)


@pytest.mark.parametrize("method", METHODS)
async def test_a_call_is_sent_once_on_a_kept_connection_that_the_server_closes(method: str) -> None:
    """Given a connection served one call, when the server closes it on the next one, it is not resent."""

    async def once_then_close(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.number == 1:
            writer.write(http())
        else:
            writer.close()

    async with talking_to(once_then_close) as (server, kit):
        await kit.get("/v4/account")
        with pytest.raises(KitUnavailable):
            await kit.call(method, PATH, 1, 2)

    assert [(request.connection, request.number) for request in server.requests] == [(1, 1), (1, 2)]


async def close_seen(kit: KitClient) -> None:
    """Wait until the client has noticed that the server closed its idle connections."""
    connector = kit._http._session.connector
    assert connector is not None
    while any(
        kept.is_connected() for pool in connector._conns.values() for kept, _ in pool
    ):  # it tells nobody
        await asyncio.sleep(0)


@pytest.mark.parametrize("method", METHODS)
async def test_a_connection_that_the_server_closed_while_idle_is_not_used_again(method: str) -> None:
    closed = asyncio.Event()

    async def answer_and_close(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(http())
        await writer.drain()
        writer.close()
        closed.set()

    async with talking_to(answer_and_close) as (server, kit):
        await kit.get("/v4/account")
        await closed.wait()
        await close_seen(kit)
        await kit.call(method, PATH, 1, 2)

    assert [request.connection for request in server.requests] == [1, 2]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", METHODS)
async def test_no_redirect_is_followed(method: str, status: int) -> None:
    """Followed, a POST would become a GET, whose 200 looks like success."""

    async def redirect(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(http(200) if request.target == "/login" else http(status, b"{}", "Location: /login"))

    async with talking_to(redirect) as (server, kit):
        with pytest.raises(KitUnavailable, match=str(status)):
            await kit.call(method, "/v4/tags")

    assert len(server.requests) == 1


# -- what is not sent any more ----------------------------------------------------------------------------

LARGE = {"name": "x" * 32_000_000}
"""Over twice what the kernels of both sides keep of what nobody reads."""


@pytest.mark.filterwarnings("ignore:Sending a large body")  # none of a worker's is that large
async def test_what_was_not_sent_when_a_call_ended_is_not_sent_while_others_are() -> None:
    """Given Kit that reads on when a call is over, and another one has begun, then the rest does not come."""
    over, read = asyncio.Event(), asyncio.get_running_loop().create_future()

    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if read.done() or over.is_set():
            writer.write(http())
            return
        await over.wait()
        got = 0
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(65_536):
                got += len(piece)
        read.set_result(got)

    async with await asyncio.start_server(late, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with client(f"http://127.0.0.1:{port}", timeout=1.0) as kit:
            with pytest.raises(KitUnavailable):
                await kit.call("POST", "/v4/tags", json=LARGE)
            over.set()
            await kit.get("/v4/account")
            assert await read < len(LARGE["name"]) / 2
