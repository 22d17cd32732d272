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
from aio_pika.abc import AbstractIncomingMessage

from tests.bench.single_calls import kit_of_environment

PREFETCH: Final = 100


async def main() -> None:
    """Consume for ever."""
    async with kit_of_environment() as kit:

        async def handle(message: AbstractIncomingMessage) -> None:
            async with message.process(requeue=True):
                event = json.loads(message.body)
                await kit.apply(event["type"], event["data"])

        async with await aio_pika.connect_robust(os.environ["AMQP_URL"]) as connection:
            channel = await connection.channel()
            await channel.set_qos(prefetch_count=PREFETCH)
            queue = await channel.get_queue(os.environ["QUEUE"])
            await queue.consume(handle)
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
