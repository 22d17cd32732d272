"""Publishes events as the platform does: to its topic exchange, persistent, mandatory and confirmed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from worker.broker.connection import Connection
from worker.broker.publisher import Outgoing, Publisher
from worker.broker.queues import exchange_exists
from worker.contract.samples import Sample
from worker.errors import BrokerUnavailable

AT_ONCE = 200
"""Messages whose confirms are awaited together. They leave in their order all the same."""


@dataclass(frozen=True, slots=True)
class Addressed:
    """An event, and the routing key it goes out under."""

    sample: Sample
    routing_key: str


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of an event; `problem` is empty where RabbitMQ has it safely in some queue."""

    event: Addressed
    problem: str = ""


async def publish_all(connection: Connection, exchange: str, events: Iterable[Addressed]) -> list[Sent]:
    """Publish events in their order, and return what became of each.

    Raises:
        BrokerUnavailable: There is no such exchange.
    """
    if not await exchange_exists(connection, exchange):
        raise BrokerUnavailable(
            f"the exchange {exchange} does not exist yet: start `kit-worker run` once, which declares it, "
            "or see whether EVENTS_EXCHANGE is right"
        )
    publisher = Publisher(connection)
    sent: list[Sent] = []
    remaining = iter(events)
    while chunk := list(islice(remaining, AT_ONCE)):
        sent += await asyncio.gather(*(_publish(publisher, exchange, event) for event in chunk))
    return sent


async def _publish(publisher: Publisher, exchange: str, event: Addressed) -> Sent:
    properties = {
        "content_type": event.sample.content_type,
        "delivery_mode": 2,
        "app_id": "kit-worker publish",
    }
    try:
        await publisher.publish(Outgoing(exchange, event.routing_key, event.sample.body, properties))
    except BrokerUnavailable as error:
        return Sent(event, str(error))
    return Sent(event)
