"""aio-pika alone: consumes so many messages, acks them and does nothing else. Nobody can be faster with it.

It ends by itself, and prints how many seconds lay between the first delivery and the last ack.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

from worker.settings import Settings

PREFETCH = int(Settings.model_fields["prefetch"].default)


async def main() -> None:
    """Consume COUNT messages of QUEUE; ACK_EVERY of them are acked together."""
    count, every = int(os.environ["COUNT"]), int(os.environ["ACK_EVERY"])
    began, seen = 0.0, 0
    done = asyncio.Event()

    async def handle(message: AbstractIncomingMessage) -> None:
        nonlocal began, seen
        began = began or time.monotonic()
        seen += 1
        if seen % every == 0 or seen == count:
            await message.ack(multiple=every > 1)
        if seen == count:
            done.set()

    async with await aio_pika.connect(os.environ["AMQP_URL"]) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=PREFETCH)
        queue = await channel.get_queue(os.environ["QUEUE"])
        await queue.consume(handle)
        await done.wait()
        seconds = time.monotonic() - began
    sys.stdout.write(f"{seconds}\n")


if __name__ == "__main__":
    asyncio.run(main())
