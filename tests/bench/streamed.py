"""The FastStream consumer, as its guide shows one: a typed handler, an application with a life span.

It does per event what the plain one does, with the same prefetch. What a handler fails at goes back to
the queue. Its own log, two lines a message, is off.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from faststream import AckPolicy, Context, ContextRepo, FastStream
from faststream.rabbit import Channel, QueueType, RabbitBroker, RabbitQueue
from pydantic import BaseModel

from tests.bench.plain import PREFETCH
from tests.bench.single_calls import Kit, kit_of_environment


class PlatformEvent(BaseModel):
    """An event of the platform; whose it is, and what it says, is checked by nobody."""

    type: str
    data: dict[str, Any]


async def handle(event: PlatformEvent, kit: Annotated[Kit, Context()]) -> None:
    """Do what an event says."""
    await kit.apply(event.type, event.data)


@asynccontextmanager
async def lifespan(context: ContextRepo) -> AsyncIterator[None]:
    """Open the way to Kit before the first message, and close it after the last."""
    async with kit_of_environment() as kit:
        context.set_global("kit", kit)
        yield


async def main() -> None:
    """Consume for ever."""
    broker = RabbitBroker(
        os.environ["AMQP_URL"], default_channel=Channel(prefetch_count=PREFETCH), logger=None
    )
    queue = RabbitQueue(os.environ["QUEUE"], queue_type=QueueType.QUORUM, durable=True, declare=False)
    broker.subscriber(queue, ack_policy=AckPolicy.NACK_ON_ERROR)(handle)
    await FastStream(broker, lifespan=lifespan, logger=None).run()


if __name__ == "__main__":
    asyncio.run(main())
