"""Kit for those who write first what comes to mind: one call for each change. Both rivals use it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp

from tests.bench.model import FIELDS, field_values, tag_changes

WAIT_LIMITED: Final = 1.0
"""Seconds after which a call that Kit answered with 429 is made again; the message is kept meanwhile."""


class Kit:
    """The calls that it makes."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._tags: dict[str, int] = {}

    async def look_up(self) -> None:
        """Remember the tags' ids, and make sure of the custom fields."""
        tags = (await self._call("GET", "/v4/tags?per_page=1000"))["tags"]
        self._tags = {tag["name"]: tag["id"] for tag in tags}
        fields = (await self._call("GET", "/v4/custom_fields?per_page=1000"))["custom_fields"]
        for key in FIELDS.keys() - {field["key"] for field in fields}:
            await self._call("POST", "/v4/custom_fields", {"label": key})

    async def upsert(self, email: str, first_name: str, fields: dict[str, str | None]) -> int:
        """Create or update a subscriber, with the fields to set, and to clear: None; the id."""
        values = {name: value or "" for name, value in fields.items()}
        body = {"email_address": email, "first_name": first_name, "fields": values}
        return int((await self._call("POST", "/v4/subscribers", body))["subscriber"]["id"])

    async def add_tag(self, name: str, subscriber: int) -> None:
        """Tag a subscriber."""
        await self._call("POST", f"/v4/tags/{await self._tag(name)}/subscribers/{subscriber}")

    async def remove_tag(self, name: str, subscriber: int) -> None:
        """Take a tag off a subscriber."""
        await self._call("DELETE", f"/v4/tags/{await self._tag(name)}/subscribers/{subscriber}")

    async def _tag(self, name: str) -> int:
        if name not in self._tags:
            self._tags[name] = (await self._call("POST", "/v4/tags", {"name": name}))["tag"]["id"]
        return self._tags[name]

    async def apply(self, kind: str, data: dict[str, Any]) -> None:
        """Do what an event says, change by change."""
        user = data["user"]
        subscriber = await self.upsert(user["email"], user["first_name"], field_values(kind, data))
        added, removed = tag_changes(kind, data)
        for name in removed:
            await self.remove_tag(name, subscriber)
        for name in added:
            await self.add_tag(name, subscriber)

    async def _call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        while True:
            async with self._session.request(method, path, json=body) as answer:
                text = await answer.read()  # to its end, so that the connection is kept
                if answer.status != 429:
                    answer.raise_for_status()
                    return dict(json.loads(text)) if text else {}
            await asyncio.sleep(WAIT_LIMITED)


@asynccontextmanager
async def kit_of_environment() -> AsyncIterator[Kit]:
    """Open the way to the Kit account of the environment: KIT_BASE_URL, and KIT_API_KEY or KIT_TOKEN."""
    token = os.environ.get("KIT_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {"X-Kit-Api-Key": os.environ["KIT_API_KEY"]}
    async with aiohttp.ClientSession(os.environ["KIT_BASE_URL"], headers=headers) as session:
        kit = Kit(session)
        await kit.look_up()
        yield kit
