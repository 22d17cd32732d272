"""One call to Kit, over real sockets: sent once, bounded, within the limit, and silent about its key."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import time
import traceback
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from tests.clocks import StandingClock
from tests.unit.kit.raw_server import (
    GOOD_BODY,
    RawServer,
    Reply,
    Request,
    answering,
    dropping,
    gzip_bomb,
    http,
    resetting,
    serving,
)
from worker.clock import Clock
from worker.errors import (
    CallsSuspended,
    CredentialRefused,
    KitUnavailable,
    KitWorkerError,
)
from worker.kit.answers import NotFound
from worker.kit.auth.login import Login, api_key_login, token_login
from worker.kit.client import OPEN, Gate, KitClient
from worker.kit.http import KitHttp
from worker.kit.limiter import Limiter
from worker.metrics import Metrics

KEY = "kit_thisisthesecretkey0123456789"
METHODS = ["GET", "POST", "PUT", "DELETE"]
PATH = "/v4/tags/{}/subscribers/{}"


@contextlib.asynccontextmanager
async def client(
    url: str,
    *,
    limit: int = 100,
    timeout: float = 5.0,  # noqa: ASYNC109  # the client's own
    clock: Clock = Clock(),  # noqa: B008  # nobody asks it whether it is right
    login: Login = api_key_login(SecretStr(KEY)),  # noqa: B008  # frozen
    **options: Any,  # noqa: ANN401  # as the client, or its connections, have them
) -> AsyncIterator[KitClient]:  # as the client has them
    named = {name: options.pop(name) for name in ("account", "metrics") if name in options}
    gate = options.pop("gate", OPEN)
    sender = KitHttp(url, clock=clock, timeout=timeout, **options)
    async with KitClient(sender, login, Limiter(limit, clock=Clock()), **named) as made:
        made.gate = gate
        yield made


@contextlib.asynccontextmanager
async def talking_to(reply: Reply, **options: Any) -> AsyncIterator[tuple[RawServer, KitClient]]:  # noqa: ANN401
    async with serving(reply) as server, client(server.url, **options) as made:
        yield server, made


def counted(metrics: Metrics) -> dict[tuple[str, str, str], float]:
    """Return how many calls were counted, by account, endpoint and status."""
    found = [each for metric in metrics.kit_requests.collect() for each in metric.samples]
    return {
        (each.labels["account"], each.labels["endpoint"], each.labels["status"]): each.value
        for each in found
        if each.name.endswith("_total")
    }


def without_the_key(error: BaseException) -> bool:
    return KEY not in "".join(traceback.format_exception(error)) and KEY not in repr(error)


# -- what is sent -------------------------------------------------------------------------------------------


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


# -- once, and only where it was sent -----------------------------------------------------------------------


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


# -- bounded ------------------------------------------------------------------------------------------------


async def hang(_: Request, __: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def hang_in_headers(_: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Le")
    await asyncio.Event().wait()


async def hang_in_body(_: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(http(200, b'{"tag"', length=100))
    await asyncio.Event().wait()


async def drip(_: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(http(200, b"", length=10_000))
    while True:
        writer.write(b" ")
        await asyncio.sleep(0.01)


async def drip_headers(_: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-Slow: 1\r\n")
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("slow", [hang, hang_in_headers, hang_in_body, drip, drip_headers])
async def test_a_call_ends_in_time_however_slowly_kit_answers(slow: Reply) -> None:
    async with talking_to(slow, timeout=0.1) as (_, kit):
        started = time.monotonic()
        with pytest.raises(KitUnavailable, match="in time") as caught:
            await kit.call("POST", "/v4/tags", json={"name": "VIP"})

    assert 0.09 < time.monotonic() - started < 2
    assert without_the_key(caught.value)


async def test_the_wait_for_the_limiter_is_no_part_of_the_time_out() -> None:
    """Given the only place is taken for longer than the time-out, then the call still goes through."""
    free = asyncio.Event()

    async with talking_to(answering(), timeout=1.0) as (server, kit):
        kit.limiter = WaitingFor(free)  # type: ignore[assignment]  # only `call` is used
        calling = asyncio.create_task(kit.call("POST", "/v4/tags"))
        await asyncio.sleep(1.2)
        assert server.requests == []
        free.set()
        await calling

    assert len(server.requests) == 1


class WaitingFor:
    """A limiter that lets calls through once something has happened."""

    def __init__(self, happened: asyncio.Event) -> None:
        self._happened = happened

    @contextlib.asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        await self._happened.wait()
        yield


@pytest.mark.parametrize("extra", [0, 1])
@pytest.mark.parametrize("chunked", [False, True])
async def test_an_answer_larger_than_kits_are_is_none(extra: int, *, chunked: bool) -> None:
    body = b'{"tags": [], "a": "' + b"x" * (100_000 - 21 + extra) + b'"}'

    async def reply(_: Request, writer: asyncio.StreamWriter) -> None:
        if chunked:
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for piece in (body[:7], body[7:50_000], body[50_000:], b""):
                writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        else:
            writer.write(http(200, body))

    async with talking_to(reply, max_answer_bytes=100_000) as (_, kit):
        if extra:
            with pytest.raises(KitUnavailable, match="too large"):
                await kit.get("/v4/tags")
        else:
            assert len((await kit.get("/v4/tags")).body["a"]) == 100_000 - 21


async def test_a_bomb_of_gzip_is_not_unpacked() -> None:
    """Given 2 MB that would be 2 GB, no more than a little of it is ever in memory."""
    body = gzip_bomb(2048)
    assert len(body) < 3_000_000

    async def reply(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(http(200, body, "Content-Encoding: gzip"))

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with talking_to(reply) as (_, kit):
        with pytest.raises(KitUnavailable, match="too large"):
            await kit.get("/v4/tags")

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB


async def test_an_endless_answer_is_not_read_to_its_end() -> None:
    sent = 0

    async def endless(_: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(http(200, b"", length=10**12))
        while True:
            writer.write(b" " * 65_536)
            sent += 65_536
            await writer.drain()

    async with talking_to(endless, max_answer_bytes=100_000) as (_, kit):
        with pytest.raises(KitUnavailable, match="too large"):
            await kit.get("/v4/tags")

    assert sent < 50_000_000


async def cut_body(_: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(http(200, b'{"tag": {"id"', length=100))
    await writer.drain()
    writer.close()


async def garbage(_: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9\r\n\r\n")
    writer.close()


async def endless_header(_: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n")


async def bad_encoding(_: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(http(200, b"no gzip at all", "Content-Encoding: gzip"))


@pytest.mark.parametrize("broken", [cut_body, garbage, endless_header, bad_encoding])
async def test_an_answer_that_is_broken_off_or_none_at_all_leaves_it_open(broken: Reply) -> None:
    """A write may have landed all the same, so it is repeated."""
    async with talking_to(broken) as (_, kit):
        with pytest.raises(KitUnavailable) as caught:
            await kit.call("POST", "/v4/tags", json={"name": "ada@example.com"})

    assert without_the_key(caught.value)
    assert "ada@example.com" not in str(caught.value)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize(
    ("reply", "unanswered"),
    [
        (hang, True),
        (dropping, True),
        (resetting, True),
        (cut_body, True),
        (answering(502), True),
        (answering(504), True),
        (answering(500), False),
        (answering(503), False),
        (answering(302), False),
    ],
)
async def test_it_is_known_whether_a_write_may_still_be_under_way(
    method: str, reply: Reply, *, unanswered: bool
) -> None:
    """Nothing newer must be written before it has landed; a gateway that gave up does not speak for Kit."""
    async with talking_to(reply, timeout=0.2 if reply is hang else 15.0) as (_, kit):
        with pytest.raises(KitUnavailable) as caught:
            await kit.call(method, PATH, 12, 34)

    assert caught.value.unanswered is unanswered


async def test_a_kit_that_cannot_be_reached_is_unavailable() -> None:
    async with client("http://127.0.0.1:1") as kit:
        with pytest.raises(KitUnavailable) as caught:
            await kit.get("/v4/account")

    assert without_the_key(caught.value)


async def test_a_refused_api_key_is_called_one_and_an_access_token_is_left_to_kit() -> None:
    """Given Kit, which speaks of an access token also where an API key was sent (Kit API reference)."""
    refusing = answering(401, {"errors": ["The access token is invalid"]})

    async with talking_to(refusing) as (_, kit):
        with pytest.raises(CredentialRefused, match=r"^Kit refuses the API key \(401\): .* make another one"):
            await kit.get("/v4/account")
    async with talking_to(refusing, login=token_login(SecretStr(KEY))) as (_, kit):
        with pytest.raises(CredentialRefused, match="The access token is invalid"):
            await kit.get("/v4/account")


# -- what is noted ------------------------------------------------------------------------------------------


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


# -- permission, limit, parallel ----------------------------------------------------------------------------


class Allowing(Gate):
    """A gate that lets so many calls through; a test may change its mind."""

    def __init__(self, calls: int) -> None:
        self.calls = calls

    def check(self) -> None:
        if not self.calls:
            raise CallsSuspended("the queue may be another worker's by now")
        self.calls -= 1


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


# -- a credential that is renewed ---------------------------------------------------------------------------


class Renewing(Login):
    """A login of tokens `t-1`, `t-2` and so on, as many as there are."""

    def __init__(self, last: int) -> None:
        self.number = 1
        self.closed = False
        self._last = last

    async def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer t-{self.number}"}

    async def renewed(self, refused: Mapping[str, str]) -> bool:
        if refused == await self.headers():
            self.number = min(self.number + 1, self._last)
        return refused != await self.headers()

    async def close(self) -> None:
        self.closed = True


def taking(token: str) -> Reply:
    """A Kit that takes one token only."""

    async def reply(request: Request, writer: asyncio.StreamWriter) -> None:
        good = request.headers["authorization"] == f"Bearer {token}"
        writer.write(http(200 if good else 401, GOOD_BODY if good else b'{"errors": ["The token expired"]}'))

    return reply


async def test_a_refused_token_is_renewed_and_the_call_made_once_more() -> None:
    """Given a 401, Kit has done nothing: the same call goes out once with another token, in the limit too."""
    login = Renewing(last=2)
    async with talking_to(taking("t-2"), login=login) as (server, kit):
        await kit.call("POST", PATH, 1, 2, json={"a": 1})
        assert kit.limiter.used_ratio == 0.02
        await kit.call("POST", PATH, 1, 2)

    assert [request.headers["authorization"][-3:] for request in server.requests] == ["t-1", "t-2", "t-2"]
    assert [request.body for request in server.requests[:2]] == [b'{"a":1}'] * 2
    assert login.closed


async def test_a_second_refusal_stands() -> None:
    async with talking_to(taking("t-9"), login=Renewing(last=9)) as (server, kit):
        with pytest.raises(CredentialRefused, match="The token expired"):
            await kit.get("/v4/account")

    assert len(server.requests) == 2


async def test_where_there_is_no_other_token_the_call_is_not_repeated() -> None:
    async with talking_to(taking("t-9"), login=Renewing(last=1)) as (server, kit):
        with pytest.raises(CredentialRefused):
            await kit.get("/v4/account")

    assert len(server.requests) == 1


async def test_many_calls_with_one_old_token_all_go_through() -> None:
    async with talking_to(taking("t-2"), login=Renewing(last=9)) as (server, kit):
        await asyncio.gather(*(kit.get("/v4/account") for _ in range(8)))

    assert {request.headers["authorization"] for request in server.requests} == {"Bearer t-1", "Bearer t-2"}


async def test_between_a_refusal_and_the_next_try_the_account_may_have_gone_to_another_worker() -> None:
    async with talking_to(taking("t-2"), login=Renewing(last=2), gate=Allowing(1)) as (server, kit):
        with pytest.raises(CallsSuspended):
            await kit.call("POST", PATH, 1, 2)

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
