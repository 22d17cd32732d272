"""What is said of policies and bindings by RabbitMQ's management API, here a small stand-in for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import encode_basic_auth, web
from aiohttp.test_utils import TestServer

from worker.broker.management import Inspection, Management, harm_of
from worker.errors import BrokerUnavailable

AMQP = "amqp://kit:s%2Fecret@localhost/some%2Fvhost"


KIT = encode_basic_auth("kit", "s/ecret")


@asynccontextmanager
async def answering(answers: dict[str, Any], *, login: str = KIT) -> AsyncIterator[str]:
    """Answer with these, by the path after the virtual host, to one user only; yields the address."""

    async def answer(request: web.Request) -> web.Response:
        if request.headers["Authorization"] != login:
            return web.Response(status=401)
        start = "/api/queues/some%2Fvhost/"
        assert request.raw_path.startswith(start)
        found = answers.get(request.raw_path.removeprefix(start))
        return web.Response(status=404) if found is None else web.json_response(found)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


def bound(source: str, key: str) -> dict[str, str]:
    return {"source": source, "destination": "kit.sunny", "routing_key": key}


async def test_what_is_bound_and_what_policies_do_is_told() -> None:
    answers = {
        "kit.sunny": {
            "name": "kit.sunny",
            "policy": "all",
            "effective_policy_definition": {"message-ttl": 60000},
        },
        "kit.sunny.dead": {"name": "kit.sunny.dead"},
        "kit.sunny/bindings": [
            bound("", "kit.sunny"),
            bound("events", "a"),
            bound("events", "c"),
            bound("x", "b"),
        ],
    }
    async with answering(answers) as url:
        found = await Management(url, AMQP).inspect("sunny", "events", {"a", "b"})
    harm = (
        "a policy (all) is in force on kit.sunny: message-ttl 60000 takes messages out before they are "
        "settled. Leave the queues kit.* out of it"
    )
    assert found == Inspection((harm,), frozenset({"b"}), frozenset({"c"}))


async def test_queues_that_are_not_there_yet_lack_nothing() -> None:
    async with answering({}) as url:
        assert await Management(url, AMQP).inspect("sunny", "events", {"a"}) == Inspection(
            (), frozenset(), frozenset()
        )


async def test_a_user_of_its_own_is_taken_from_the_address() -> None:
    async with answering({}, login=encode_basic_auth("monitor", "p")) as url:
        named = url.replace("://", "://monitor:p@")
        await Management(named, AMQP).inspect("sunny", "events", ())
        with pytest.raises(BrokerUnavailable, match=r"answered 401") as caught:
            await Management(url, AMQP).inspect("sunny", "events", ())
    assert "secret" not in str(caught.value)


async def test_an_api_that_is_not_there_is_said_without_its_password() -> None:
    with pytest.raises(BrokerUnavailable, match=r"http://127\.0\.0\.1:1/ did not answer") as caught:
        await Management("http://monitor:hush@127.0.0.1:1/", AMQP).inspect("sunny", "events", ())
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("definition", "named"),
    [
        ({"max-length": 2}, ["max-length 2"]),
        ({"max-length-bytes": 9, "expires": 1000}, ["max-length-bytes 9", "expires 1000"]),
        ({"overflow": "drop-head"}, ["overflow drop-head"]),
        ({"delivery-limit": 3}, ["delivery-limit 3"]),
        ({"dead-letter-exchange": "elsewhere"}, ["dead-letter-exchange elsewhere"]),
        ({"dead-letter-exchange": "kit.dead", "overflow": "reject-publish"}, []),
        ({"ha-mode": "all", "queue-leader-locator": "balanced"}, []),
        ({}, []),
    ],
)
def test_only_what_does_harm_is_named(definition: dict[str, Any], named: list[str]) -> None:
    said = harm_of(
        {"policy": "p", "operator_policy": "o", "effective_policy_definition": definition}, "kit.x"
    )
    assert all(each in said for each in named)
    assert bool(said) is bool(named)
    assert not named or "(p and o)" in said
