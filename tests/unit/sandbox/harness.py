"""A running sandbox and a plain client for it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from worker.sandbox import Sandbox

KEY = "key-0001"
TOKEN = "token-0001"


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    text: str
    content_type: str
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:  # noqa: ANN401  # answers have many shapes
        return json.loads(self.text)


class Kit:
    """A sandbox that is running, and a client with one credential."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.session = session

    async def __call__(  # each is a part of a request, by name
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = KEY,
        token: str | None = None,
        agent: str = "tests",
        form: Mapping[str, str] | None = None,
    ) -> Reply:
        headers = {"User-Agent": agent}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        elif key is not None:
            headers["X-Kit-Api-Key"] = key
        async with self.session.request(
            method, self.sandbox.url + path, json=body, data=form, headers=headers, allow_redirects=False
        ) as response:
            text = await response.text()
            return Reply(response.status, text, response.content_type, dict(response.headers))

    async def subscriber(self, email: str = "ada@example.com", **fields: object) -> int:
        reply = await self("POST", "/v4/subscribers", {"email_address": email, **fields})
        return int(reply.json["subscriber"]["id"])

    async def tag(self, name: str = "VIP") -> int:
        reply = await self("POST", "/v4/tags", {"name": name})
        return int(reply.json["tag"]["id"])

    async def custom_field(self, label: str = "Plan") -> int:
        reply = await self("POST", "/v4/custom_fields", {"label": label})
        return int(reply.json["custom_field"]["id"])


@contextlib.asynccontextmanager
async def kit(sandbox: Sandbox | None = None) -> AsyncIterator[Kit]:
    """A sandbox that answers on a free port, and a client for it."""
    timeout = aiohttp.ClientTimeout(total=20)
    async with (
        (sandbox or Sandbox()).running() as running,
        aiohttp.ClientSession(timeout=timeout) as session,
    ):
        yield Kit(running, session)
