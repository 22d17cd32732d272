"""A token that Kit refuses is renewed, and the call is made once more."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from tests.unit.kit.client.talking import PATH, Allowing, talking_to
from tests.unit.kit.raw_server import GOOD_BODY, Reply, Request, http
from worker.errors import CallsSuspended, CredentialRefused
from worker.kit.auth.login import Login


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
