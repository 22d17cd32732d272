"""No call takes longer, and no answer more memory, than it may; what breaks off leaves the end open."""

from __future__ import annotations

import asyncio
import resource
import time

import pytest
from pydantic import SecretStr

from tests.unit.kit.client.talking import KEY, PATH, WaitingFor, client, hang, talking_to, without_the_key
from tests.unit.kit.raw_server import Reply, Request, answering, dropping, gzip_bomb, http, resetting
from worker.errors import CredentialRefused, KitUnavailable
from worker.kit.auth.login import token_login


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
