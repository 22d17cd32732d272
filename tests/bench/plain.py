"""The plain consumer: aio-pika and aiohttp as their guides show them, and one call to Kit for each change.

It is what one would write first, and it is kept free of needless slowness: a prefetch of 100, all of them at
once, kept connections, and the ids of tags looked up once, at the start.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import Final

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
        async with self._session.get("/v4/tags", params={"per_page": "1000"}) as answer:
            self._tags = {tag["name"]: tag["id"] for tag in (await answer.json())["tags"]}
        async with self._session.get("/v4/custom_fields", params={"per_page": "1000"}) as answer:
            known = {field["key"] for field in (await answer.json())["custom_fields"]}
        for key in FIELDS.keys() - known:
            async with self._session.post("/v4/custom_fields", json={"label": key}):
                pass

    async def upsert(self, email: str, first_name: str, fields: dict[str, str]) -> int:
        """Create or update a subscriber; the id."""
        body = {"email_address": email, "first_name": first_name, "fields": fields}
        async with self._session.post("/v4/subscribers", json=body) as answer:
            return int((await answer.json())["subscriber"]["id"])

    async def add_tag(self, name: str, subscriber: int) -> None:
        """Tag a subscriber."""
        tag = await self._tag(name)
        async with self._session.post(f"/v4/tags/{tag}/subscribers/{subscriber}"):
            pass

    async def remove_tag(self, name: str, subscriber: int) -> None:
        """Take a tag off a subscriber."""
        tag = await self._tag(name)
        async with self._session.delete(f"/v4/tags/{tag}/subscribers/{subscriber}"):
            pass

    async def _tag(self, name: str) -> int:
        if name not in self._tags:
            async with self._session.post("/v4/tags", json={"name": name}) as answer:
                self._tags[name] = (await answer.json())["tag"]["id"]
        return self._tags[name]


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
