"""The plain consumer: aio-pika and aiohttp as their guides show them, and one call to Kit for each change.

It is what one would write first, and it is kept free of needless slowness: a prefetch of 100, all of them at
once, kept connections, and the ids of tags looked up once, at the start.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any, Final

import aio_pika
import aiohttp
from aio_pika.abc import AbstractIncomingMessage

from tests.bench.model import FIELDS, field_values, tag_changes

PREFETCH: Final = 100


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

    async def upsert(self, email: str, first_name: str, fields: dict[str, str]) -> int:
        """Create or update a subscriber; the id."""
        body = {"email_address": email, "first_name": first_name, "fields": fields}
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

    async def _call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        async with self._session.request(method, path, json=body) as answer:
            text = await answer.read()  # to its end, so that the connection is kept
            return dict(json.loads(text)) if text else {}


async def main() -> None:
    """Consume for ever."""
    headers = {"X-Kit-Api-Key": os.environ["KIT_API_KEY"]}
    base_url = os.environ["KIT_BASE_URL"]
    async with aiohttp.ClientSession(base_url, headers=headers, raise_for_status=True) as session:
        kit = Kit(session)
        await kit.look_up()

        async def handle(message: AbstractIncomingMessage) -> None:
            async with message.process(requeue=True):
                event = json.loads(message.body)
                user = event["data"]["user"]
                subscriber = await kit.upsert(user["email"], user["first_name"], field_values(event["data"]))
                added, removed = tag_changes(event["type"], event["data"])
                for name in removed:
                    await kit.remove_tag(name, subscriber)
                for name in added:
                    await kit.add_tag(name, subscriber)

        async with await aio_pika.connect_robust(os.environ["AMQP_URL"]) as connection:
            channel = await connection.channel()
            await channel.set_qos(prefetch_count=PREFETCH)
            queue = await channel.get_queue(os.environ["QUEUE"])
            await queue.consume(handle)
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
