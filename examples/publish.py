"""Publishes what happened to a member, as the platform should: persistent, mandatory and confirmed.

    pip install aio-pika
    AMQP_URL=amqp://user:password@host/ python publish.py ann@example.com [APP]

It ends with 0 once RabbitMQ has both events safely in the worker's queue, and with 1 where it has not.
"""

import asyncio
import json
import os
import sys
import uuid
from datetime import datetime, timezone

import aio_pika
from aio_pika.abc import AbstractExchange
from aio_pika.exceptions import AMQPError, DeliveryError

AMQP_URL = os.environ.get("AMQP_URL", "amqp://guest:guest@localhost/")
EXCHANGE = os.environ.get("EVENTS_EXCHANGE", "platform.events")


def event(kind: str, data: dict[str, object]) -> dict[str, object]:
    """Return an event that happens now. Sent again, it keeps its id and time, and is known as a duplicate."""
    now = datetime.now(timezone.utc).isoformat()
    return {"id": str(uuid.uuid4()), "type": kind, "time": now, "data": data}


async def publish(exchange: AbstractExchange, happened: dict[str, object], app: str) -> None:
    """Publish an event; return once RabbitMQ has it on disk. It raises where no queue takes it."""
    message = aio_pika.Message(
        json.dumps(happened).encode(),
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )
    key = f"{happened['type']}.{app}" if app else str(happened["type"])
    await exchange.publish(message, key, mandatory=True, timeout=30)


async def main(email: str, app: str = "") -> None:
    """Publish that somebody signed up and subscribed."""
    user: dict[str, object] = {"id": f"member-of-{email}", "email": email, "first_name": "Ann"}
    async with await aio_pika.connect(AMQP_URL, timeout=10) as connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        exchange = await channel.get_exchange(EXCHANGE)  # the worker declares it
        # One after the other: what belongs to one person stays in its order.
        await publish(exchange, event("user.signed_up", {"user": user}), app)
        await publish(
            exchange, event("subscription.started", {"user": user, "subscription": {"plan": "Annual"}}), app
        )


if __name__ == "__main__":
    try:
        asyncio.run(main(*sys.argv[1:3]))
    except DeliveryError as error:
        sys.exit(f"no queue takes it: has a worker run since, and is the app right? ({error})")
    except (AMQPError, OSError) as error:
        sys.exit(f"RabbitMQ does not have it: {error!r}")
