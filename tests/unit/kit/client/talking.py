"""A client of a server that says what a test tells it to, or breaks off."""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections.abc import AsyncIterator
from typing import Any

from pydantic import SecretStr

from tests.unit.kit.raw_server import RawServer, Reply, Request, serving
from worker.clock import Clock
from worker.errors import CallsSuspended
from worker.kit.auth.login import Login, api_key_login
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


async def hang(_: Request, __: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


class WaitingFor:
    """A limiter that lets calls through once something has happened."""

    def __init__(self, happened: asyncio.Event) -> None:
        self._happened = happened

    @contextlib.asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        await self._happened.wait()
        yield


class Allowing(Gate):
    """A gate that lets so many calls through; a test may change its mind."""

    def __init__(self, calls: int) -> None:
        self.calls = calls

    def check(self) -> None:
        if not self.calls:
            raise CallsSuspended("the queue may be another worker's by now")
        self.calls -= 1
